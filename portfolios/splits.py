"""What a split does to a holding: shares multiply lot by lot, the cost of each lot stays. Pure.

Whole steps are reckoned on the holding, not on the lots: what is left over of all of them together
is one fraction, paid in cash. Lots take the exact product, cut to 8 places on the running sum, so
that they add up to the holding's own product cut to 8 places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from bengi.money import QUANTUM, ZERO, floor_to, minor_unit, nearest_to
from instruments.splits import Ratio


@dataclass(frozen=True, slots=True)
class HeldLot:
    """An open lot before a split: quantity bought, and what is left of it with its cost."""

    id: UUID
    quantity: Decimal
    left: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class NewLot:
    """The lot in new shares. shift is cost that came from lots too small to keep a share of 1e-8.

    Such a lot has nothing left and a negative shift: all its cost.
    """

    id: UUID
    quantity: Decimal
    left: Decimal
    shift: Decimal


@dataclass(frozen=True, slots=True)
class NewHolding:
    """A holding in new shares: quantity in whole steps, excess to be closed out of the lots.

    lots sum to quantity + excess. fraction is what excess is exactly, before it was cut.
    """

    quantity: Decimal
    excess: Decimal
    fraction: Fraction
    lots: list[NewLot]


def split_holding(lots: Sequence[HeldLot], ratio: Ratio, quantity_step: Decimal) -> NewHolding:
    """Return the holding of open lots (oldest first) after a split.

    Cost is conserved: shifts sum to zero. quantity is the greatest multiple of the step that the
    exact product reaches, and lots with the same shares differ by 1e-8 at most.
    """
    exact = ratio.shares(sum((lot.left for lot in lots), ZERO))
    quantity = floor_to(exact, quantity_step)
    lefts = _running(lots, ratio)
    shifts = _dust(lots, lefts)
    found = [
        NewLot(lot.id, _whole(lot, left, ratio), left, shift)
        for lot, left, shift in zip(lots, lefts, shifts, strict=True)
    ]
    excess = sum(lefts, ZERO) - quantity
    assert excess >= 0
    assert sum(shifts) == 0
    return NewHolding(quantity, excess, exact - Fraction(quantity), found)


def cash_in_lieu(fraction: Fraction, price: Fraction, currency: str) -> Decimal:
    """Return what a fraction of a new share is worth, rounded once, half-even."""
    return nearest_to(fraction * price, minor_unit(currency))


def _running(lots: Sequence[HeldLot], ratio: Ratio) -> list[Decimal]:
    """Return each lot's new shares: how much the running product, cut to 8 places, grows by it."""
    found, old, new = [], ZERO, ZERO
    for lot in lots:
        old += lot.left
        reached = floor_to(ratio.shares(old), QUANTUM)
        found.append(reached - new)
        new = reached
    return found


def _whole(lot: HeldLot, left: Decimal, ratio: Ratio) -> Decimal:
    """Return all that was bought, in new shares; an untouched lot stays untouched."""
    if lot.left == lot.quantity:
        return max(left, QUANTUM)
    return max(nearest_to(ratio.shares(lot.quantity), QUANTUM), left)


def _dust(lots: Sequence[HeldLot], lefts: Sequence[Decimal]) -> list[Decimal]:
    """Return the cost that each lot gives (negative) or takes: none stays where no share is."""
    shifts = [ZERO] * len(lots)
    keepers = [place for place, left in enumerate(lefts) if left]
    for place, (lot, left) in enumerate(zip(lots, lefts, strict=True)):
        if not left and lot.cost:
            later = [keeper for keeper in keepers if keeper > place] or keepers[-1:]
            assert later, "a holding of whole steps leaves something"
            shifts[place] -= lot.cost
            shifts[later[0]] += lot.cost
    return shifts
