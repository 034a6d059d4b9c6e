"""The market behind the stand-in: a provider's ticks, the newest of each and the bars of all."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from instruments.bars import BarValue
from instruments.calendar import ALWAYS_OPEN, Mode, is_open, session_date
from instruments.catalog import listings
from instruments.providers.base import Provider
from instruments.providers.minutes import BadFile, minute_file, recorded_symbols
from instruments.providers.replay import ReplayedInstrument, ReplayProvider
from instruments.providers.simulated import SimulatedInstrument
from instruments.providers.simulator import Simulator
from instruments.quotes import Tick
from instruments.standin.history import History
from instruments.standin.listings import IN_PENCE, RATES, Book, Listed, catalog_book, recorded_book

ZERO = Decimal(0)


class Market:
    """What is listed and what it trades at. Every provider's tick names its Listed by symbol."""

    def __init__(self, provider: Provider, book: Book, mode: Mode) -> None:
        self.book, self.mode = book, mode
        self._provider = provider
        self._listed = {each.key: each for each in book.listed}
        self._histories = {each.key: History(each.venue.mic, mode) for each in book.listed}
        self._newest: dict[str, Tick] = {}
        self._is_begun = False

    def advance(self, now: datetime) -> list[tuple[Listed, Tick]]:
        """Let the market go on up to now and return what it said on the way, oldest first."""
        if not self._is_begun:
            self._is_begun = True
            self._load(self._provider.start(now))
        heard = []
        for tick in self._provider.ticks(now):
            if tick.symbol in self._listed:
                self._take(tick)
                heard.append((self._listed[tick.symbol], tick))
        return heard

    def newest(self, each: Listed) -> Tick | None:
        """Return the newest tick of an instrument; None before the first."""
        return self._newest.get(each.key)

    def history(self, each: Listed) -> History:
        """Return the bars of an instrument."""
        return self._histories[each.key]

    def last(self, each: Listed) -> Decimal | None:
        """Return the price of the newest trade, else of the last close; None where none is known.

        Of a currency pair it is the middle of the quote, which no trade is needed for.
        """
        tick = self.newest(each)
        if tick is not None and each.is_pair and tick.bid is not None and tick.ask is not None:
            return (tick.bid + tick.ask) / 2
        if tick is not None and tick.last is not None:
            return tick.last
        days = self.history(each).bars("1day")
        return days[-1].close if days else None

    def is_open(self, each: Listed, now: datetime) -> bool:
        """Return whether an instrument's exchange trades at now."""
        return is_open(each.venue.mic, now, self.mode)

    def _load(self, past: Iterable[BarValue]) -> None:
        by_key: dict[str, list[BarValue]] = {}
        for bar in past:
            by_key.setdefault(bar.instrument_id, []).append(bar)
        for key, bars in by_key.items():
            self._histories[key].load(bars)

    def _take(self, tick: Tick) -> None:
        before = self._newest.get(tick.symbol)
        self._newest[tick.symbol] = tick
        if not tick.is_new_print or tick.last is None:
            return
        day = tick.session_date or session_date(
            self._listed[tick.symbol].venue.mic, tick.as_of, self.mode
        )
        self._histories[tick.symbol].trade(tick.as_of, day, tick.last, _traded(before, tick))


def _traded(before: Tick | None, tick: Tick) -> Decimal:
    """Return the shares traded since the tick before: by the day's volume where there is one."""
    if before is not None and before.session_date == tick.session_date:
        return max(ZERO, tick.volume - before.volume)
    return tick.last_size


def simulated(*, seed: int, speed: int, mode: Mode, keys: Collection[str] | None = None) -> Market:
    """Return a market of the catalog and the currency pairs, or of some of them, on a seeded walk.

    To draw the past bars of all of them takes a second or two.
    """
    walks = [each for each in _simulated() if keys is None or each.symbol in keys]
    book = Book(each for each in catalog_book().listed if keys is None or each.key in keys)
    return Market(Simulator(walks, seed=seed, mode=mode, speed=speed), book, mode)


def recorded(directory: Path, day: date) -> Market:
    """Return a market of every symbol that has a minute file for the day. Raises BadFile."""
    symbols = recorded_symbols(directory, day)
    if not symbols:
        raise BadFile(f"no file like {minute_file(directory, 'AAPL', day).name} in {directory}")
    book = recorded_book(symbols)
    instruments = [
        ReplayedInstrument(each.key, each.key, 0, each.venue.mic) for each in book.listed
    ]
    return Market(ReplayProvider(directory, day, instruments), book, "exchange")


def _simulated() -> Iterator[SimulatedInstrument]:
    for each in listings():
        parts = 100 if each.mic in IN_PENCE else 1
        if each.has_feed:
            yield SimulatedInstrument(
                symbol=each.symbol,
                instrument_id=each.symbol,
                shard=0,
                mic=each.mic,
                tick_size=parts * each.tick_size,
                quantity_step=each.exchange_step or each.quantity_step,
                starting_price=parts * each.starting_price,
                volatility=each.volatility,
            )
    for symbol, (rate, step) in RATES.items():
        yield SimulatedInstrument(symbol, symbol, 0, ALWAYS_OPEN, step, Decimal(1000), rate, "calm")
