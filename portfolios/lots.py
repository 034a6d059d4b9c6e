"""Tax lots: which shares a sale closes, what they had cost, and what it made.

Cost is reckoned on the lot's running total: all that has been closed of a lot costs its share of
the lot, rounded half-even to the minor unit, and a closing takes the difference. So what is left
depends only on how many shares are left, not on how the others went.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import msgspec

from bengi.money import ZERO, round_money, split_amount
from bengi.terms import CostBasisMethod


class NotEnoughShares(ValueError):
    """A sale wants more shares than the open lots hold."""


class OpenLot(msgspec.Struct, frozen=True):
    """Shares bought together that are still there: quantity of them, with cost in all.

    sold_quantity and sold_cost are what has been closed of it before; claimed shares are those
    that other open orders have picked.
    """

    id: UUID
    quantity: Decimal
    cost: Decimal
    sold_quantity: Decimal = ZERO
    sold_cost: Decimal = ZERO
    claimed: Decimal = ZERO


class Pick(msgspec.Struct, frozen=True):
    """Shares of one lot that a sell order names."""

    lot_id: UUID
    quantity: Decimal


class Closing(msgspec.Struct, frozen=True):
    """What a sale took out of one lot. realized_pnl = proceeds - cost."""

    lot_id: UUID
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    realized_pnl: Decimal


class Sale(msgspec.Struct, frozen=True):
    """A sale's closings, and by lot the cost that averaging moved into it (or, negative, out)."""

    closings: list[Closing]
    shifts: dict[UUID, Decimal]


Part = tuple[OpenLot, Decimal]
"""A lot, and the shares that are taken from it."""


def close_lots(
    method: CostBasisMethod,
    lots: Sequence[OpenLot],
    quantity: Decimal,
    net_proceeds: Decimal,
    currency: str,
    picks: Sequence[Pick] = (),
) -> Sale:
    """Close quantity shares by method, those of picks before all others, in their order.

    lots come oldest first. Under specific, what no pick names is closed oldest first. Sums of
    quantity, cost and proceeds are exact. Raises NotEnoughShares.
    Source: IRS Publication 550, ch. 4; Treasury Regulation 1.1012-1(c) for picks.
    """
    if method is CostBasisMethod.AVERAGE and not picks:
        return close_average(lots, quantity, net_proceeds, currency)
    closers: dict[CostBasisMethod, Callable[..., list[Closing]]] = {
        CostBasisMethod.LIFO: close_lifo,
        CostBasisMethod.HIFO: close_hifo,
    }
    if picks:
        closings = close_picked(lots, quantity, net_proceeds, currency, picks)
    else:
        closings = closers.get(method, close_fifo)(lots, quantity, net_proceeds, currency)
    return Sale(closings, {})


def close_fifo(
    lots: Sequence[OpenLot], quantity: Decimal, net_proceeds: Decimal, currency: str
) -> list[Closing]:
    """Close quantity shares, oldest lot first, and split net_proceeds among the closings.

    lots come oldest first. A wholly closed lot gives all its cost. Proceeds go by quantity,
    rounded, the last closing taking the remainder: sums of cost and proceeds are exact.
    Raises NotEnoughShares. Source: IRS Publication 550, ch. 4.
    """
    return _close(list(_in_turn(lots, quantity)), quantity, net_proceeds, currency)


def close_lifo(
    lots: Sequence[OpenLot], quantity: Decimal, net_proceeds: Decimal, currency: str
) -> list[Closing]:
    """Close quantity shares, newest lot first; else as close_fifo."""
    return close_fifo(lots[::-1], quantity, net_proceeds, currency)


def close_hifo(
    lots: Sequence[OpenLot], quantity: Decimal, net_proceeds: Decimal, currency: str
) -> list[Closing]:
    """Close quantity shares, dearest first by cost per share, older before younger; as close_fifo.

    A lot's cost per share is that of the whole lot, so that rounding does not reorder lots.
    """
    held = [lot for lot in lots if lot.quantity > 0]
    dearest = sorted(held, key=_unit_cost, reverse=True)
    return close_fifo(dearest, quantity, net_proceeds, currency)


def close_picked(
    lots: Sequence[OpenLot],
    quantity: Decimal,
    net_proceeds: Decimal,
    currency: str,
    picks: Sequence[Pick],
) -> list[Closing]:
    """Close the shares that picks name, in their order; what they leave over, oldest lot first."""
    by_id = {lot.id: lot for lot in lots}
    taken: dict[UUID, Decimal] = {}
    missing = quantity
    for pick in picks:
        lot = by_id.get(pick.lot_id)
        if lot is not None:
            there = lot.quantity - lot.claimed - taken.get(lot.id, ZERO)
            part = min(pick.quantity, missing, max(there, ZERO))
            if part:
                taken[lot.id] = taken.get(lot.id, ZERO) + part
                missing -= part
    for lot, part in _in_turn(lots, missing, taken):
        taken[lot.id] = taken.get(lot.id, ZERO) + part
    parts = [(by_id[lot_id], part) for lot_id, part in taken.items()]
    return _close(parts, quantity, net_proceeds, currency)


def close_average(
    lots: Sequence[OpenLot], quantity: Decimal, net_proceeds: Decimal, currency: str
) -> Sale:
    """Close quantity shares at the average cost of all of them; the oldest leave first.

    The sale costs its share of the whole holding, rounded half-even; what is left keeps the
    rest, spread over the lots by quantity. Lots whose cost was not the average before take or
    give the difference: shifts say what, and sum to zero.
    Raises NotEnoughShares. Source: Treasury Regulation 1.1012-1(e).
    """
    assert quantity > 0
    parts = list(_in_turn(lots, quantity))
    held = [lot for lot in lots if lot.quantity > 0]
    cost, shares = sum((lot.cost for lot in held), ZERO), sum(lot.quantity for lot in held)
    sold = cost if quantity == shares else round_money(cost * quantity / shares, currency)
    costs = _by_lot(parts, sold, currency)
    taken = {lot.id: part for lot, part in parts}
    rest = [(lot, lot.quantity - taken.get(lot.id, ZERO)) for lot in held]
    left = [(lot, part) for lot, part in rest if part]
    kept = _by_lot(left, cost - sold, currency) if left else {}
    shifts = {lot.id: costs.get(lot.id, ZERO) + kept.get(lot.id, ZERO) - lot.cost for lot in held}
    assert sum(shifts.values()) == 0
    closings = _closings(parts, costs, net_proceeds, currency)
    return Sale(closings, {lot_id: shift for lot_id, shift in shifts.items() if shift})


def picks_left(picks: Sequence[Pick], filled_quantity: Decimal, wanted: Decimal) -> list[Pick]:
    """Return an order's picks for wanted shares, once filled_quantity of them has been sold."""
    left = []
    for pick in picks:
        gone = min(pick.quantity, filled_quantity)
        filled_quantity -= gone
        part = min(pick.quantity - gone, wanted)
        wanted -= part
        if part:
            left.append(Pick(pick.lot_id, part))
    return left


def is_long_term(opened_on: date, closed_on: date) -> bool:
    """Return whether shares were held for more than a year.

    The holding period starts on the day after the purchase and includes the day of the sale, so
    a sale on the first anniversary is short-term still. Source: IRS Publication 550, ch. 4.
    """
    anniversary = (opened_on.year + 1, opened_on.month, opened_on.day)
    return (closed_on.year, closed_on.month, closed_on.day) > anniversary


def _in_turn(
    lots: Sequence[OpenLot], quantity: Decimal, taken: Mapping[UUID, Decimal] | None = None
) -> Iterator[Part]:
    """Yield (lot, shares to take from it) in the order of lots until quantity is reached."""
    gone = dict(taken or {})
    missing = quantity
    for lot in lots:
        if not missing:
            return
        there = lot.quantity - lot.claimed - gone.get(lot.id, ZERO)
        if there > 0:
            part = min(there, missing)
            missing -= part
            yield lot, part
    if missing:
        raise NotEnoughShares(f"{quantity} shares to close, {quantity - missing} are there")


def _close(
    parts: Sequence[Part], quantity: Decimal, net_proceeds: Decimal, currency: str
) -> list[Closing]:
    assert quantity > 0
    costs = {lot.id: _cost(lot, taken, currency) for lot, taken in parts}
    closings = _closings(parts, costs, net_proceeds, currency)
    assert sum(closing.quantity for closing in closings) == quantity
    return closings


def _cost(lot: OpenLot, taken: Decimal, currency: str) -> Decimal:
    """Return the cost of taken shares: that of all closed so far less what was closed before."""
    if taken == lot.quantity:
        return lot.cost
    cost, shares = lot.cost + lot.sold_cost, lot.quantity + lot.sold_quantity
    closed = round_money(cost * (lot.sold_quantity + taken) / shares, currency)
    return closed - lot.sold_cost


def _closings(
    parts: Sequence[Part], costs: Mapping[UUID, Decimal], net_proceeds: Decimal, currency: str
) -> list[Closing]:
    proceeds = split_amount(net_proceeds, [taken for _, taken in parts], currency)
    closings = [
        Closing(lot.id, taken, costs[lot.id], share, share - costs[lot.id])
        for (lot, taken), share in zip(parts, proceeds, strict=True)
    ]
    assert sum(closing.proceeds for closing in closings) == net_proceeds
    return closings


def _by_lot(parts: Sequence[Part], amount: Decimal, currency: str) -> dict[UUID, Decimal]:
    shares = split_amount(amount, [taken for _, taken in parts], currency)
    return {lot.id: share for (lot, _), share in zip(parts, shares, strict=True)}


def _unit_cost(lot: OpenLot) -> Fraction:
    cost, shares = lot.cost + lot.sold_cost, lot.quantity + lot.sold_quantity
    return Fraction(cost) / Fraction(shares)
