"""What a portfolio was worth at the end of each day, and how that grew. Pure.

The one convention of all figures here: what comes in from outside is there from the start of its
day, what goes out stays until the end of it. So a day's gain is told of all money that was at work
on it, the first deposit earns from its first day, and no day is reckoned on less than nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from itertools import pairwise

from bengi.money import ZERO

WIDE = Context(prec=50)
"""Wide enough that ten years of daily factors agree with exact fractions to 30 digits."""

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Point:
    """The end of a day: equity, None where it is not known, and what the day brought and took.

    deposited and withdrawn are amounts from and to outside, both zero or more.
    """

    date: date
    equity: Decimal | None
    deposited: Decimal = ZERO
    withdrawn: Decimal = ZERO

    def __post_init__(self) -> None:
        assert self.deposited >= 0
        assert self.withdrawn >= 0


@dataclass(frozen=True, slots=True)
class Known:
    """A point whose equity is known, with all that came and went since the one before it."""

    date: date
    equity: Decimal
    deposited: Decimal
    withdrawn: Decimal


@dataclass(frozen=True, slots=True)
class Grown:
    """What one unit of money, at work since the curve's start, is at the end of a day."""

    date: date
    index: Decimal


def known(points: Iterable[Point]) -> list[Known]:
    """Return the points whose equity is known, oldest first as they came.

    What came and went on days that are not known counts on the next known one.
    """
    found: list[Known] = []
    deposited = withdrawn = ZERO
    for point in points:
        deposited += point.deposited
        withdrawn += point.withdrawn
        if point.equity is not None:
            found.append(Known(point.date, point.equity, deposited, withdrawn))
            deposited = withdrawn = ZERO
    return found


def growth(points: Sequence[Known]) -> list[Grown]:
    """Return the index of each point; the first one is 1, and what came on its day is in it.

    Each day's factor is (equity + withdrawn) / (equity before + deposited). A day with nothing at
    work has none. Source: CFA Institute, Global Investment Performance Standards 2020, 2.A (values
    at each flow, returns of the parts linked geometrically).
    """
    index, told = ONE, []
    for place, point in enumerate(points):
        if place:
            index = WIDE.multiply(index, _factor(points[place - 1], point))
        told.append(Grown(point.date, index))
    return told


def gain(points: Sequence[Known]) -> Decimal:
    """Return what the curve made: its end - its start - what came in + what went out."""
    if not points:
        return ZERO
    moved = sum((each.deposited - each.withdrawn for each in points[1:]), ZERO)
    return points[-1].equity - points[0].equity - moved


def is_ever_at_work(points: Sequence[Known]) -> bool:
    """Say whether there was money at work on any day after the first point."""
    return any(before.equity + point.deposited > 0 for before, point in pairwise(points))


def ended_with(points: Sequence[Point], equity: Decimal | None) -> list[Point]:
    """Return the points with another equity at the last one's end."""
    return [*points[:-1], replace(points[-1], equity=equity)] if points else []


def _factor(before: Known, point: Known) -> Decimal:
    at_work = before.equity + point.deposited
    if at_work <= 0:
        return ONE
    return WIDE.divide(point.equity + point.withdrawn, at_work)
