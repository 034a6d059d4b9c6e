"""The money-weighted return: the one rate at which all that came and went comes to the end. Pure.

    sum of flow * (1 + rate) ** (days left / 365) = 0

Flows are the customer's: put in is negative, taken out positive, what is there at the end counts
as taken out. A year has 365 days, as in spreadsheets. Source: OASIS OpenDocument 1.3, part 4
(OpenFormula), XIRR.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from enum import StrEnum
from itertools import pairwise

from portfolios.analytics.curve import Known

YEAR_DAYS = 365
GROWTH_MAX = Decimal(10**6)
"""Rates are looked for at which money becomes a millionth to a million times over the span."""
_CELLS = 400
_HALVINGS = 56
_PLACES = Decimal("1e-10")
_CONTEXT = Context(prec=34)


class NoRate(StrEnum):
    """Why there is no money-weighted return."""

    TOO_SHORT = "too_short"
    NOTHING_PUT_IN = "nothing_put_in"
    NOTHING_LEFT = "nothing_left"
    NO_RATE = "no_rate"
    SEVERAL_RATES = "several_rates"


@dataclass(frozen=True, slots=True)
class Flow:
    """An amount at the end of a day: negative is put in, positive taken out."""

    date: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MoneyWeighted:
    """rate over the span, xirr a year; both None where no_rate says why.

    xirr is also None where a short span would make more than a million times of money in a year.
    """

    rate: Decimal | None
    xirr: Decimal | None
    no_rate: NoRate | None = None


def money_weighted(points: Sequence[Known]) -> MoneyWeighted:
    """Return the return on all money of the curve, from its first point's equity on.

    What came in on a day counts from the end of the day before, as in growth(): without flows
    between the first point and the last one it is the time-weighted return.
    """
    if len(points) < 2:
        return _none(NoRate.TOO_SHORT)
    flows = [Flow(points[0].date, -points[0].equity)]
    for before, point in pairwise(points):
        flows.append(Flow(before.date, -point.deposited))
        flows.append(Flow(point.date, point.withdrawn))
    return rate_of([*flows, Flow(points[-1].date, points[-1].equity)])


def rate_of(flows: Sequence[Flow]) -> MoneyWeighted:
    """Return the rate of flows, the last of which is of the last day.

    The search is bracketed: where exactly one sign change of the sum lies in the range that is
    looked at, it is halved until it is known; where several do there is no single answer.
    """
    by_day: dict[date, Decimal] = {}
    for flow in flows:
        by_day[flow.date] = by_day.get(flow.date, Decimal(0)) + flow.amount
    days = (max(by_day) - min(by_day)).days if by_day else 0
    if not days:
        return _none(NoRate.TOO_SHORT)
    if all(amount >= 0 for amount in by_day.values()):
        return _none(NoRate.NOTHING_PUT_IN)
    if all(amount <= 0 for amount in by_day.values()):
        return _none(NoRate.NOTHING_LEFT)
    moved = sorted((day, amount) for day, amount in by_day.items() if amount)
    total = _total(moved)
    marks = _marks(days, _CELLS if _turns(moved) > 1 else 1)
    signs = [total(mark) >= 0 for mark in marks]
    changes = [place for place, (one, other) in enumerate(pairwise(signs)) if one != other]
    if len(changes) != 1:
        return _none(NoRate.SEVERAL_RATES if changes else NoRate.NO_RATE)
    place = changes[0]
    daily = _halved(total, marks[place], marks[place + 1])
    grown, yearly = (_CONTEXT.power(daily, count) for count in (days, YEAR_DAYS))
    return MoneyWeighted(
        rate=(grown - 1).quantize(_PLACES),
        xirr=(yearly - 1).quantize(_PLACES) if yearly <= GROWTH_MAX else None,
    )


def _total(flows: Sequence[tuple[date, Decimal]]) -> Callable[[Decimal], Decimal]:
    """Return what flows, oldest first, come to at the end, by what one unit grows to in a day."""
    days = [day for day, _ in flows]
    gaps = [(later - day).days for day, later in pairwise([*days, days[-1]])]
    amounts = [(amount, gap) for (_, amount), gap in zip(flows, gaps, strict=True)]

    def total(daily: Decimal) -> Decimal:
        sum_ = Decimal(0)
        for amount, gap in amounts:
            sum_ = _CONTEXT.multiply(_CONTEXT.add(sum_, amount), _CONTEXT.power(daily, gap))
        return sum_

    return total


def _turns(flows: Sequence[tuple[date, Decimal]]) -> int:
    """Return how often the sign of flows changes: there are no more rates than that (Descartes)."""
    return sum((one > 0) != (other > 0) for (_, one), (_, other) in pairwise(flows))


def _marks(days: int, cells: int) -> list[Decimal]:
    """Return the daily growths between which roots are looked for, evenly apart over the span."""
    reach = _CONTEXT.ln(GROWTH_MAX) / days
    return [_CONTEXT.exp(reach * (2 * place - cells) / cells) for place in range(cells + 1)]


def _halved(total: Callable[[Decimal], Decimal], low: Decimal, high: Decimal) -> Decimal:
    is_low = total(low) >= 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (total(middle) >= 0) == is_low:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _none(why: NoRate) -> MoneyWeighted:
    return MoneyWeighted(None, None, why)
