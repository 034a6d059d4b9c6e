"""Returns over a span and by month, and the deepest fall, of what growth() made. Pure.

All are fractions: 0.05 is five per cent. They are not made yearly; xirr() is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from portfolios.analytics.curve import ONE, WIDE, Grown


@dataclass(frozen=True, slots=True)
class Month:
    """The return of one calendar month; is_whole where the curve has all of its days."""

    year: int
    month: int
    rate: Decimal
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Fall:
    """The deepest fall: depth below the peak (zero or less), when, and when it was made good.

    recovered_on is the first day at the peak again, None while it is still below.
    """

    depth: Decimal
    peak_on: date
    trough_on: date
    recovered_on: date | None


def time_weighted(curve: Sequence[Grown]) -> Decimal | None:
    """Return the return over the whole curve; None for fewer than two points."""
    return _change(curve[0].index, curve[-1].index) if len(curve) > 1 else None


def by_month(curve: Sequence[Grown]) -> list[Month]:
    """Return the return of each month after the curve's first point, oldest first.

    The months' factors multiply to the whole. A month begins where the one before it ended.
    """
    ends: dict[tuple[int, int], Grown] = {}
    for each in curve[1:]:
        ends[each.date.year, each.date.month] = each
    told, before = [], curve[0] if curve else None
    for (year, month), end in ends.items():
        assert before is not None, "a month has a point before it"
        is_whole = before.date < date(year, month, 1) and (end.date + timedelta(days=1)).day == 1
        told.append(Month(year, month, _change(before.index, end.index), is_whole))
        before = end
    return told


def deepest_fall(curve: Sequence[Grown]) -> Fall | None:
    """Return the deepest fall below an earlier peak, the first of several; None where none was."""
    if not curve:
        return None
    peak = curve[0]
    deepest: tuple[Decimal, Grown, Grown] | None = None
    for each in curve:
        if each.index > peak.index:
            peak = each
        depth = _change(peak.index, each.index)
        if depth < 0 and (deepest is None or depth < deepest[0]):
            deepest = depth, peak, each
    if deepest is None:
        return None
    depth, peak, trough = deepest
    later = (each for each in curve if each.date > trough.date and each.index >= peak.index)
    again = next(later, None)
    return Fall(depth, peak.date, trough.date, again.date if again else None)


def _change(before: Decimal, after: Decimal) -> Decimal:
    """Return after / before - 1; nothing can be made of nothing: 0 where before is zero."""
    return WIDE.subtract(WIDE.divide(after, before), ONE) if before else Decimal(0)
