"""The invariants of tax lots: which of them a sale may close. Numbers as in docs/invariants.md."""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from bengi.money import ZERO, plain
from bengi.terms import CostBasisMethod, Side
from orders.models import Order
from portfolios.models import Lot, LotClosing, LotSplit
from portfolios.selectors import standing_closings
from trades.models import Trade

Holding = tuple[UUID, UUID]
Splits = dict[UUID, list[tuple[UUID, Decimal]]]
"""By lot: what was bought of it before each split. Ids of splits and sales stand in one order."""

Sales = dict[UUID, list[LotClosing]]
"""Closings by the trade that made them."""


def lots_close_by_method() -> Iterator[str]:
    """[26] A sale closes the lots its method puts first, each wholly before the next is touched.

    Where orders have named lots, nobody else may take those, so the order cannot be told there.
    Busted trades are left out, corrected ones stand where they were executed: no trade is taken
    back while a later one has seen it, so the others look as if it had never been.
    """
    named = _holdings_with_named_lots()
    places, corrected = _places_of_corrections(), set[UUID]()
    lots: dict[Holding, list[Lot]] = defaultdict(list)
    for lot in Lot.objects.filter(busted_by=None).order_by("opened_at", "id").iterator():
        lots[lot.portfolio_id, lot.instrument_id].append(lot)
        if lot.trade_id in places:
            lot.trade_id = places[lot.trade_id]
            corrected.add(lot.id)
    sales: dict[Holding, Sales] = defaultdict(lambda: defaultdict(list))
    for closing in standing_closings().select_related("lot").iterator():
        holding = (closing.lot.portfolio_id, closing.lot.instrument_id)
        sales[holding][places.get(closing.trade_id, closing.trade_id)].append(closing)
    splits = _quantities_before_splits()
    for holding, sold in sales.items():
        if holding not in named:
            yield from _out_of_turn(lots[holding], sold, corrected, splits)


def _places_of_corrections() -> dict[UUID, UUID]:
    """Return the execution that each corrected trade stands for."""
    rows = Trade.objects.filter(corrects__isnull=False)
    return dict(rows.values_list("exec_id", "corrects_id"))


def _holdings_with_named_lots() -> set[Holding]:
    orders = Order.objects.filter(side=Side.SELL).exclude(lots=[])
    return set(orders.values_list("portfolio_id", "instrument_id"))


def _quantities_before_splits() -> Splits:
    """Return of each lot what it was before its splits, oldest first."""
    found: Splits = defaultdict(list)
    for lot_id, *of_a_split in LotSplit.objects.order_by("split_id").values_list(
        "lot_id", "split_id", "quantity_before"
    ):
        found[lot_id].append(tuple(of_a_split))
    return found


def _out_of_turn(
    lots: Sequence[Lot], sales: Sales, corrected: set[UUID], splits: Splits
) -> Iterator[str]:
    """Yield the sales of one holding that took another lot than their method's next.

    Who is dearest cannot be told any more once cost has moved or been corrected.
    """
    last_sale = {each.lot_id: sale_id for sale_id in sorted(sales) for each in sales[sale_id]}
    place = {lot.id: number for number, lot in enumerate(lots)}
    is_level = not any(lot.cost_shift or lot.id in corrected for lot in lots)
    coming = sorted(lots, key=lambda lot: lot.trade_id, reverse=True)
    there: list[Lot] = []
    for sale_id in sorted(sales):
        while coming and coming[-1].trade_id < sale_id:
            insort(there, coming.pop(), key=lambda lot: place[lot.id])
        methods = {closing.method for closing in sales[sale_id]}
        touched = {closing.lot_id for closing in sales[sale_id]}
        emptied = {
            lot.id
            for lot in there
            if not lot.remaining_quantity and last_sale.get(lot.id, sale_id) == sale_id
        }
        if is_level or CostBasisMethod.HIFO not in methods:
            quantities = {lot.id: _quantity_at(sale_id, lot, splits) for lot in there}
            first = _ranked(methods.pop(), there, quantities)[: len(touched)]
            if methods or {lot.id for lot in first} != touched:
                yield f"sale {sale_id} closed other lots than its method says"
            elif any(lot.id not in emptied for lot in first[:-1]):
                yield f"sale {sale_id} left some of a lot and went on to the next"
        there = [lot for lot in there if lot.id not in emptied]


def _quantity_at(sale_id: UUID, lot: Lot, splits: Splits) -> Decimal:
    """Return all that was bought of a lot, in the shares that there were when it was sold from."""
    later = [quantity for split_id, quantity in splits.get(lot.id, []) if split_id > sale_id]
    return later[0] if later else lot.quantity


def _ranked(method: str, lots: Sequence[Lot], quantities: Mapping[UUID, Decimal]) -> Sequence[Lot]:
    """Return lots, oldest first, in the order in which method closes them."""
    if method == CostBasisMethod.LIFO:
        return lots[::-1]
    if method == CostBasisMethod.HIFO:
        return sorted(lots, key=lambda lot: -Fraction(lot.cost) / Fraction(quantities[lot.id]))
    return lots


def named_lots_are_there() -> Iterator[str]:
    """[26] Open sells name no more of a lot than is left; closed ones have sold what they named."""
    claimed: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    named: dict[UUID, dict[UUID, Decimal]] = {}
    for order in Order.objects.filter(side=Side.SELL).exclude(lots=[]):
        named[order.id] = {UUID(lot["lot_id"]): Decimal(lot["quantity"]) for lot in order.lots}
        for pick in order.picks:
            claimed[pick.lot_id] += pick.quantity
    left = dict(Lot.objects.filter(id__in=claimed).values_list("id", "remaining_quantity"))
    for lot_id, quantity in claimed.items():
        if quantity > left.get(lot_id, ZERO):
            there = plain(left.get(lot_id, ZERO))
            yield f"lot {lot_id}: {plain(quantity)} named by open orders, {there} left"
    orders = dict(Trade.objects.filter(order_id__in=named).values_list("exec_id", "order_id"))
    for closing in LotClosing.objects.filter(method=CostBasisMethod.SPECIFIC, trade_id__in=orders):
        if closing.lot_id not in named[orders[closing.trade_id]]:
            yield f"closing {closing.id} took a lot that its order does not name"


def averaged_cost_is_conserved() -> Iterator[str]:
    """[28] Averaging moves cost between the lots of a holding and makes none."""
    shifts: defaultdict[Any, Decimal] = defaultdict(Decimal)
    rows = Lot.objects.exclude(cost_shift=0)
    for portfolio_id, instrument_id, shift in rows.values_list(
        "portfolio_id", "instrument_id", "cost_shift"
    ):
        shifts[portfolio_id, instrument_id] += shift
    for holding, total in shifts.items():
        if total:
            yield f"{holding}: averaging made {plain(total)} of cost"


LOT_CHECKS: list[Callable[[], Iterator[str]]] = [
    lots_close_by_method,
    named_lots_are_there,
    averaged_cost_is_conserved,
]
