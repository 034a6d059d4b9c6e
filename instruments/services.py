"""Quotes come in, bars grow, the catalog is imported."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zlib import crc32

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef

from bengi.bus import TICKS, get_bus
from bengi.events.models import Event
from instruments.adjusting import as_stored
from instruments.bars import BarValue, fold
from instruments.board import board
from instruments.catalog import Listing, listings
from instruments.models import Bar, Instrument, QuarantinedTick, Quote
from instruments.quote_cache import keep_flushed
from instruments.quotes import Tick
from instruments.selectors import stored_ticks
from instruments.upserts import grow_bars, insert_bars, upsert_quotes

HISTORY_BATCH = 5_000
KEEP_BARS = {
    "1min": timedelta(days=7),
    "5min": timedelta(days=35),
    "15min": timedelta(days=105),
    "1h": timedelta(days=420),
}
"""How long bars are kept: more than a chart can page through. Daily bars stay for good."""


def record_quotes(ticks: Sequence[Tick]) -> int:
    """Take in ticks, oldest first, tell the bus at once and return how many were taken.

    Insane and doubted ticks, and those older than the newest of their instrument, are dropped,
    counted in board.dropped and kept for staff. Nothing is written: flush_quotes does that, about
    once a second.
    """
    accepted = board.record(ticks)
    if accepted:
        get_bus().publish(TICKS, accepted)
    return len(accepted)


def flush_quotes() -> None:
    """Store what record_quotes took in since the last call, in one transaction, and cache it.

    While the database is busy or away everything is kept for the next call, and the error raised.
    """
    _store_quarantined(board.take_quarantined())
    ticks, pieces = board.take()
    if not ticks and not pieces:
        return
    try:
        with transaction.atomic():
            upsert_quotes(ticks)
            grow_bars(as_stored(fold(pieces)))
    except OperationalError:
        board.give_back(ticks, pieces)
        raise
    keep_flushed(ticks)


def _store_quarantined(quarantined: Sequence[tuple[Tick, str]]) -> None:
    """Keep what was turned away for staff; what cannot be stored now is only in the log."""
    if not quarantined:
        return
    QuarantinedTick.objects.bulk_create(
        QuarantinedTick(
            instrument_id=tick.instrument_id,
            reason=reason[:300],
            tick={name: str(getattr(tick, name)) for name in _TOLD},
        )
        for tick, reason in quarantined
    )


_TOLD = ("bid", "ask", "bid_size", "ask_size", "last", "last_size", "volume", "as_of", "source")
"""What a quarantined tick is remembered by."""


def recall_quotes() -> None:
    """Put the stored quotes on this process's board, so that older ticks are known as such.

    What is there may be of a turn of long ago: another process has fed the market since.
    """
    board.adopt(stored_ticks(Quote.objects.all()))


def import_history(bars: Sequence[BarValue], *, as_printed: bool = False) -> None:
    """Store past bars; where a bar stands already, it stays as it is.

    as_printed: the source knows of no splits; those that have been applied here are worked in.

    In many short transactions, so that on SQLite nobody waits for long; it may be run again.
    """
    for first in range(0, len(bars), HISTORY_BATCH):
        with transaction.atomic():
            batch = bars[first : first + HISTORY_BATCH]
            insert_bars(as_stored(batch) if as_printed else batch)


def prune_bars(now: datetime) -> int:
    """Delete intraday bars past their keeping time, and return how many there were."""
    with transaction.atomic():
        return sum(
            Bar.objects.filter(interval=interval, starts_at__lt=now - age).delete()[0]
            for interval, age in KEEP_BARS.items()
        )


def import_catalog() -> int:
    """Create or correct the catalog's instruments, and return how many there are.

    Run again it changes nothing but names, ticks, steps and sectors; an instrument's status is left
    alone, and one that staff have corrected altogether.
    """
    corrected = _corrected()
    instruments = [
        _instrument(listing)
        for listing in listings()
        if (listing.symbol, listing.mic) not in corrected
    ]
    Instrument.objects.bulk_create(
        instruments,
        update_conflicts=True,
        unique_fields=["symbol", "mic"],
        update_fields=[
            *("name", "type", "currency", "tick_size", "quantity_step", "exchange_step"),
            *("has_feed", "sector"),
        ],
    )
    return len(instruments) + len(corrected)


def _corrected() -> set[tuple[str, str]]:
    """Return symbol and exchange of the catalog's instruments that staff have had a word on."""
    rows = Instrument.objects.filter(symbol__in=[listing.symbol for listing in listings()])
    told = Event.objects.filter(
        subject=OuterRef("id"), type__in=["instrument.listed", "instrument.corrected"]
    )
    known = {(listing.symbol, listing.mic) for listing in listings()}
    return known & set(rows.filter(Exists(told)).values_list("symbol", "mic"))


def _instrument(listing: Listing) -> Instrument:
    return Instrument(
        symbol=listing.symbol,
        name=listing.name,
        mic=listing.mic,
        type=listing.type,
        currency=listing.currency,
        tick_size=listing.tick_size,
        quantity_step=listing.quantity_step,
        exchange_step=listing.exchange_step,
        has_feed=listing.has_feed,
        sector=listing.sector,
        shard=shard_of(listing.symbol, listing.mic),
    )


def shard_of(symbol: str, mic: str, shards: int | None = None) -> int:
    """Return the matching shard that an instrument's book lives on, of so many."""
    return crc32(f"{symbol}.{mic}".encode()) % (shards or settings.MATCHING_SHARDS)
