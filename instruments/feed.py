"""The feed: one thread that asks a provider for ticks, records them and flushes once a second."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import connection

from bengi import clock, mongo
from bengi.money import plain
from instruments.adjusting import adopt_quotes
from instruments.catalog import Listing, listings
from instruments.corporate_actions import splits_known
from instruments.drops import tell_dropped
from instruments.models import Instrument
from instruments.providers.base import Provider
from instruments.providers.minutes import BadFile, minute_file, recorded_symbols
from instruments.providers.replay import ReplayedInstrument, ReplayProvider
from instruments.providers.simulated import SimulatedInstrument
from instruments.providers.simulator import Simulator
from instruments.selectors import feed_instruments, latest_quotes, newest_quote_at
from instruments.services import (
    flush_quotes,
    import_history,
    prune_bars,
    recall_quotes,
    record_quotes,
)

log = logging.getLogger(__name__)

FLUSH_S = 1
PRUNE_S = 3600
PAUSE_S = 1
"""How long the feed rests after an error."""
SPLITS_SINCE = timedelta(days=7)
_AHEAD_MAX = timedelta(minutes=1)


class ClockBehind(RuntimeError):
    """The database holds quotes of a later time than the market's clock shows."""


class FeedLoop:
    """Runs a provider in the calling thread until stop_event is set.

    is_its_turn is asked before each look, and once a provider has started, which takes its time;
    while it says no, nothing is told or written.
    """

    def __init__(
        self,
        provider: Provider,
        stop_event: threading.Event,
        *,
        poll_ms: int = 20,
        is_its_turn: Callable[[], bool] = lambda: True,
    ):
        self._is_its_turn = is_its_turn
        self._provider = provider
        self._stop = stop_event
        self._poll_s = poll_ms / 1000
        self._is_prepared = False
        self._flush_at_s = self._prune_at_s = 0

    def prepare(self) -> None:
        """Start the provider at the clock's time and store its past bars. run() does it if need be.

        Raises ClockBehind, for instance when a day of the past is to be replayed over a database
        with newer quotes: they would all be dropped as old.
        """
        now = clock.now()
        _refuse_newer_quotes(now)
        recall_quotes()
        self._provider.hear_splits(splits_known())
        past = self._provider.start(now)
        if not self._is_its_turn():
            return
        record_quotes(self._provider.ticks(now))  # prices first: the past takes seconds to store
        import_history(past, as_printed=self._provider.is_as_printed)
        self._is_prepared = True

    def run(self) -> None:
        """Feed until told to stop (it ends within 0.3 s); errors are logged, never raised."""
        try:
            while not self._stop.is_set():
                pause_s = self._poll_s if self._survive(self._round) else PAUSE_S
                self._stop.wait(pause_s)
            self._survive(flush_quotes)
        finally:
            connection.close()

    def _round(self) -> None:
        if not self._is_its_turn():
            return
        if not self._is_prepared:
            self.prepare()
            return
        record_quotes(self._provider.ticks(clock.now()))
        real_s = int(time.monotonic())
        if real_s >= self._flush_at_s:
            self._flush_at_s = real_s + FLUSH_S
            flush_quotes()
            tell_dropped()
            self._follow_splits(clock.now())
        if real_s >= self._prune_at_s:
            self._prune_at_s = real_s + PRUNE_S
            if not mongo.is_used():  # otherwise instruments/archive_loop.py lets them go
                prune_bars(clock.now())

    def _follow_splits(self, now: datetime) -> None:
        """Tell the provider what splits there are, and show quotes that have been adjusted."""
        splits = splits_known(since=now - SPLITS_SINCE)
        self._provider.hear_splits(splits)
        adopt_quotes(splits)

    def _survive(self, step: Callable[[], None]) -> bool:
        """Run step and return whether it went well; a process edge, so every error ends here."""
        try:
            step()
        except Exception:
            log.exception("the %s feed stumbled and goes on", self._provider.name)
            connection.close_if_unusable_or_obsolete()
            return False
        return True


def simulated_market(*, seed: int, speed: int = 1) -> Simulator:
    """Return a simulator of every instrument with a feed, going on from its newest quote."""
    recall_quotes()
    instruments = list(feed_instruments())
    quotes = latest_quotes(instruments)
    by_key = {(listing.symbol, listing.mic): listing for listing in listings()}
    return Simulator(
        [_simulated(each, by_key.get((each.symbol, each.mic))) for each in instruments],
        seed=seed,
        mode=settings.MARKET_HOURS,
        speed=speed,
        newest={tick.instrument_id: tick for tick in quotes.values()},
    )


def replayed_day(
    directory: Path, day: date, symbols: Sequence[str] | None = None
) -> ReplayProvider:
    """Return a replay of day for symbols, or for every known instrument with a file in directory.

    Raises BadFile when there is nothing to play, or when a file cannot be believed.
    """
    wanted = set(symbols or recorded_symbols(directory, day))
    instruments = [each for each in feed_instruments() if each.symbol in wanted]
    if not instruments:
        example = minute_file(directory, "AAPL", day)
        raise BadFile(f"no instrument has a file like {example.name} in {directory}")
    return ReplayProvider(
        directory,
        day,
        [
            ReplayedInstrument(each.symbol, str(each.id), each.shard, each.mic)
            for each in instruments
        ],
        splits_known(instrument_ids=[each.id for each in instruments]),
    )


def _simulated(instrument: Instrument, listing: Listing | None) -> SimulatedInstrument:
    """Return what the simulator needs; an instrument out of the catalog starts at 10 000 ticks."""
    tick_size = _shortest(instrument.tick_size)
    return SimulatedInstrument(
        symbol=instrument.symbol,
        instrument_id=str(instrument.id),
        shard=instrument.shard,
        mic=instrument.mic,
        tick_size=tick_size,
        quantity_step=_shortest(instrument.exchange_step or instrument.quantity_step),
        starting_price=listing.starting_price if listing else 10_000 * tick_size,
        volatility=listing.volatility if listing else "normal",
    )


def _shortest(value: Decimal) -> Decimal:
    """Return value without the zeros that its column carries."""
    return Decimal(plain(value))


def _refuse_newer_quotes(now: datetime) -> None:
    newest = newest_quote_at()
    if newest is not None and newest > now + _AHEAD_MAX:
        raise ClockBehind(
            f"the database holds quotes up to {newest:%Y-%m-%d %H:%M} UTC, but the market's clock "
            f"shows {now:%Y-%m-%d %H:%M}; use another database for this run"
        )
