"""The money-weighted return: the one rate at which all that came and went comes to the end. Pure.

    sum of flow * (1 + rate) ** (days left / 365) = 0

Flows are the customer's: put in is negative, taken out positive, what is there at the end counts
as taken out. A year has 365 days, as in spreadsheets. Source: OASIS OpenDocument 1.3, part 4
(OpenFormula), XIRR.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from math import exp, log

from portfolios.analytics.curve import Known

YEAR_DAYS = 365
GROWTH_MAX = 1e6
"""Rates are looked for at which money becomes a millionth to a million times over the span."""
_CELLS = 800
_HALVINGS = 60
_PLACES = Decimal("1e-10")


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
    total = _total(by_day, days)
    cells = _cells_with_a_root(total)
    if len(cells) != 1:
        return _none(NoRate.SEVERAL_RATES if cells else NoRate.NO_RATE)
    root = _halved(total, *cells[0])
    yearly = root * YEAR_DAYS / days
    return MoneyWeighted(
        rate=_rounded(exp(root) - 1),
        xirr=_rounded(exp(yearly) - 1) if yearly <= log(GROWTH_MAX) else None,
    )


def _total(by_day: dict[date, Decimal], days: int) -> Callable[[float], float]:
    """Return what flows come to at the end, by the logarithm of what one unit grows to over all.

    Shares of the greatest flow and exponents of at most 1: nothing overflows.
    """
    greatest = max(abs(amount) for amount in by_day.values())
    end = max(by_day)
    terms = [
        (float(amount / greatest), (end - day).days / days)
        for day, amount in by_day.items()
        if amount
    ]
    return lambda grown: sum(share * exp(grown * left) for share, left in terms)


def _cells_with_a_root(total: Callable[[float], float]) -> list[tuple[float, float]]:
    reach = log(GROWTH_MAX)
    marks = [reach * (2 * place / _CELLS - 1) for place in range(_CELLS + 1)]
    signs = [total(mark) >= 0 for mark in marks]
    return [
        (marks[place], marks[place + 1])
        for place in range(_CELLS)
        if signs[place] != signs[place + 1]
    ]


def _halved(total: Callable[[float], float], low: float, high: float) -> float:
    is_low = total(low) >= 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (total(middle) >= 0) == is_low:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _rounded(rate: float) -> Decimal:
    return Decimal(rate).quantize(_PLACES)


def _none(why: NoRate) -> MoneyWeighted:
    return MoneyWeighted(None, None, why)
