"""What is stored of the market, in new shares after a split: the quote and the bars before it.

The numbers are reckoned in Python and written in sets. The quote then counts from the split on, so
that whatever was said before it comes too late for the board and for the table.
"""

from collections.abc import Iterable, Sequence

from django.db import transaction

from bengi.bus import TICKS, get_bus
from instruments.bars import NUMBERS, BarValue
from instruments.board import board
from instruments.corporate_actions import applied_splits
from instruments.models import Bar, Instrument, Quote
from instruments.quote_cache import keep_flushed
from instruments.selectors import stored_ticks
from instruments.splits import Split, in_new_shares, new_ask, new_bid, new_price, new_volume
from instruments.upserts import overwrite_bars


def adjust_market(split: Split, instrument: Instrument) -> None:
    """Bring the instrument's stored quote and the bars before the split into new shares.

    Not idempotent by itself: call it in the transaction that marks the split as applied.
    """
    _adjust_quote(split, instrument)
    stored = Bar.objects.filter(instrument=instrument, starts_at__lt=split.effective_at)
    bars = [
        BarValue(split.instrument_id, *row)
        for row in stored.values_list("interval", "starts_at", *NUMBERS)
    ]
    overwrite_bars([in_new_shares(bar, [split]) for bar in bars if split.changes(bar)])


def as_stored(bars: Sequence[BarValue]) -> list[BarValue]:
    """Return bars as they were printed, in the shares that their instruments count in by now.

    Call it in the transaction that stores them: no split is applied meanwhile.
    """
    if not bars:
        return []
    oldest = min(bar.starts_at for bar in bars)
    splits = applied_splits({bar.instrument_id for bar in bars}, oldest)
    return [in_new_shares(bar, splits) for bar in bars] if splits else list(bars)


def adopt_quotes(splits: Iterable[Split]) -> None:
    """Let this process's board show the stored quotes where it still shows old shares."""
    ids = [split.instrument_id for split in splits if split.is_applied and _shows_old(split)]
    if not ids:
        return
    adopted = board.adopt(stored_ticks(Quote.objects.filter(instrument_id__in=ids)))
    if adopted:
        get_bus().publish(TICKS, adopted)


def _shows_old(split: Split) -> bool:
    tick = board.newest(split.instrument_id)
    return tick is not None and tick.as_of < split.effective_at


def _adjust_quote(split: Split, instrument: Instrument) -> None:
    quote = Quote.objects.select_for_update().filter(instrument=instrument).first()
    if quote is None or quote.as_of >= split.effective_at:
        return
    ratio, tick_size = split.ratio, instrument.tick_size
    quote.bid = new_bid(quote.bid, ratio, tick_size)
    quote.ask = new_ask(quote.ask, ratio, tick_size)
    for name in ("bid_size", "ask_size", "day_volume"):
        setattr(quote, name, new_volume(getattr(quote, name), ratio))
    for name in ("last", "day_open", "day_high", "day_low", "previous_close"):
        setattr(quote, name, new_price(getattr(quote, name), ratio))
    quote.as_of = split.effective_at
    quote.save()
    adjusted = stored_ticks(Quote.objects.filter(instrument=instrument))
    transaction.on_commit(lambda: keep_flushed(adjusted), robust=True)
