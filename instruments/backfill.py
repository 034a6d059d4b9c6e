"""Past bars from a provider: what it says of a bar that is over wins over what we made of ticks.

Between two polls we miss highs, lows and volume that a provider has seen; its word on a running bar
is older than our newest tick. So a bar that ended SETTLED ago or earlier is stored as the provider
tells it, over whatever stands there, and a later one is left to the ticks. The same bars may be
told again, in any order and in parts: the table is the same afterwards (docs/adr/0027).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from instruments.adjusting import as_stored
from instruments.bars import DAILY, INTERVAL_S, STORED, BarValue, Piece, bar_start, fold
from instruments.calendar import extended_hours_on, session_on
from instruments.hours import market_hours
from instruments.intervals import length_of
from instruments.models import Instrument
from instruments.services import HISTORY_BATCH, KEEP_BARS
from instruments.upserts import overwrite_bars

log = logging.getLogger(__name__)

SETTLED = timedelta(minutes=2)
"""How long after its end a bar may still grow: ticks that a flush holds back, prints told late."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time of which a provider has told all bars: [start, end)."""

    start: datetime
    end: datetime


Refused = Sequence[tuple[BarValue, str]]
"""Bars that are none, each with the reason."""


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What became of the bars: how many are stored, which were refused and why."""

    stored: int
    refused: Refused


def backfill_bars(
    instrument: Instrument,
    bars: Iterable[BarValue],
    span: Span,
    *,
    now: datetime,
    as_printed: bool,
) -> Backfilled:
    """Store a provider's bars of one stored interval, all that it has in span.

    Wider intraday bars that lie in span as a whole are folded from them; days are the provider's
    own, because their open and close are those of the auctions. as_printed: the provider knows of
    no splits; those that have been applied here are worked in. Bars that are no bars are refused
    one by one, with one line in the log; running ones, and those that would be pruned, are left
    out.

    In short transactions of a few statements each; it may be run again.
    """
    good, refused = _told_apart(instrument, bars)
    if refused:
        words = "%s bars of %s are none and left out, the first because: %s"
        log.warning(words, len(refused), instrument.symbol, refused[0][1])
    wanted = [bar for bar in _with_wider(good, span) if _is_over(instrument.mic, bar, now)]
    kept = [bar for bar in wanted if _is_kept(bar, now)]
    for first in range(0, len(kept), HISTORY_BATCH):
        batch = kept[first : first + HISTORY_BATCH]
        with transaction.atomic():
            overwrite_bars(as_stored(batch) if as_printed else batch)
    return Backfilled(len(kept), refused)


def _told_apart(instrument: Instrument, bars: Iterable[BarValue]) -> tuple[list[BarValue], Refused]:
    """Return the bars that can be the instrument's, and those that cannot."""
    good, refused = [], []
    for bar in bars:
        is_another = bar.instrument_id != str(instrument.id)
        reason = _wrong(bar) or ("of another instrument" if is_another else "")
        if reason:
            refused.append((bar, reason))
        else:
            good.append(bar)
    return good, refused


def _wrong(bar: BarValue) -> str:
    """Return why a bar cannot be one, an empty text where it can."""
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    if bar.interval not in STORED:
        return f"{bar.interval} is not stored"
    if bar.starts_at.tzinfo is None:
        return "its time has no zone"
    if bar.starts_at != bar_start(bar.interval, bar.starts_at, bar.starts_at.date()):
        return f"no {bar.interval} bar begins at {bar.starts_at}"
    if not all(number.is_finite() for number in numbers):
        return "not every number is one"
    if bar.low <= 0 or bar.volume < 0:
        return "a price is not above zero, or a volume below"
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        return "open or close is outside of low to high"
    return ""


def _with_wider(bars: Sequence[BarValue], span: Span) -> list[BarValue]:
    """Return bars, newest last, and the wider intraday ones that they make within span."""
    ordered = sorted(bars, key=lambda bar: bar.starts_at)
    lengths = {bar.interval for bar in ordered}
    assert len(lengths) <= 1, "bars of one interval at a time"
    finest = min((INTERVAL_S.get(name, 0) for name in lengths), default=0)
    wider = [name for name, length_s in INTERVAL_S.items() if finest and length_s > finest]
    return ordered + [
        bar
        for bar in fold(Piece(each.starts_at.date(), each) for each in ordered)
        if bar.interval in wider
        and span.start <= bar.starts_at
        and bar.starts_at + length_of(bar.interval) <= span.end
    ]


def _is_over(mic: str, bar: BarValue, now: datetime) -> bool:
    return _end_of(mic, bar) + SETTLED <= now


def _end_of(mic: str, bar: BarValue) -> datetime:
    """Return when nothing can be traded in a bar any more; a day ends with its after-hours."""
    if bar.interval != DAILY:
        return bar.starts_at + length_of(bar.interval)
    day, mode = bar.starts_at.date(), market_hours()
    extended, session = extended_hours_on(mic, day, mode), session_on(mic, day, mode)
    if extended is not None:
        return extended[1]
    return bar.starts_at + length_of(DAILY) if session is None else session.closes_at


def _is_kept(bar: BarValue, now: datetime) -> bool:
    kept = KEEP_BARS.get(bar.interval)
    return kept is None or bar.starts_at >= now - kept
