"""What a fill does to a position and its lots: a buy opens one, a sale closes some."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from bengi.ids import new_id
from bengi.instances import made
from bengi.money import ZERO, plain, split_amount
from bengi.terms import CostBasisMethod, Side
from orders.models import Order
from portfolios.lots import OpenLot, Pick, close_lots, picks_left
from portfolios.models import Lot, LotClosing
from trades.models import Trade
from trades.rows import Rows


class Moved(msgspec.Struct, frozen=True):
    """The lot a buy opened, or a sale's closings and the cost that averaging moved, by lot."""

    lot: Lot | None = None
    closings: Sequence[LotClosing] = ()
    shifts: Mapping[UUID, Decimal] = msgspec.field(default_factory=dict)

    @property
    def payload(self) -> dict[str, Any]:
        """What the trade's event says of it: enough to write it again."""
        return {
            "lot": _lot_payload(self.lot) if self.lot else None,
            "closings": [closing_payload(closing) for closing in self.closings],
            "shifts": [
                {"lot_id": lot_id, "cost": plain(cost)} for lot_id, cost in self.shifts.items()
            ],
        }


def move_shares(rows: Rows, order: Order, trade: Trade) -> Moved:
    """Change position and lots in rows by a trade that its order has already counted."""
    position = rows.position(order)
    if order.side == Side.BUY:
        position.quantity += trade.quantity
        return Moved(lot=lot_of_buy(rows, order, trade))
    position.quantity -= trade.quantity
    if not order.shares_held_by_other_leg:
        position.reserved_quantity -= trade.quantity
    method = CostBasisMethod(order.portfolio.cost_basis_method)
    return close_for(rows, order, trade, method, rows.open_lots(order))


def lot_of_buy(rows: Rows, order: Order, trade: Trade) -> Lot:
    """Open the lot of a buy and return it."""
    lot = made(
        Lot,
        id=new_id(),
        portfolio_id=order.portfolio_id,
        instrument_id=order.instrument_id,
        trade_id=trade.exec_id,
        opened_at=trade.executed_at,
        quantity=trade.quantity,
        remaining_quantity=trade.quantity,
        cost=-trade.net_amount,
        remaining_cost=-trade.net_amount,
    )
    rows.open_lots(order).append(lot)
    rows.changed_lots[lot.id] = lot
    return lot


def close_for(
    rows: Rows, order: Order, trade: Trade, method: CostBasisMethod, among: Sequence[Lot]
) -> Moved:
    """Close what the sale sold: the lots the order names, else by method; oldest comes first."""
    lots = {lot.id: lot for lot in among if lot.remaining_quantity}
    claims = rows.claims(order)
    open_lots = [open_lot(lot, claims.get(lot.id, ZERO)) for lot in lots.values()]
    named = [Pick(UUID(lot["lot_id"]), Decimal(lot["quantity"])) for lot in order.lots]
    picks = picks_left(named, order.filled_quantity - trade.quantity, trade.quantity)
    sale = close_lots(method, open_lots, trade.quantity, trade.net_amount, trade.currency, picks)
    for lot_id, shift in sale.shifts.items():
        lots[lot_id].cost_shift += shift
        lots[lot_id].remaining_cost += shift
        rows.changed_lots[lot_id] = lots[lot_id]
    fees = split_amount(
        trade.commission + trade.fees,
        [closing.quantity for closing in sale.closings],
        trade.currency,
    )
    found = []
    for closing, share in zip(sale.closings, fees, strict=True):
        lot = lots[closing.lot_id]
        lot.remaining_quantity -= closing.quantity
        lot.remaining_cost -= closing.cost
        rows.changed_lots[lot.id] = lot
        found.append(
            made(
                LotClosing,
                {"lot": lot},
                id=new_id(),
                lot_id=lot.id,
                trade_id=trade.exec_id,
                closed_at=trade.executed_at,
                method=CostBasisMethod.SPECIFIC if picks else method,
                quantity=closing.quantity,
                cost=closing.cost,
                proceeds=closing.proceeds,
                fees=share,
                realized_pnl=closing.realized_pnl,
            )
        )
    return Moved(closings=found, shifts=sale.shifts)


def open_lot(lot: Lot, claimed: Decimal) -> OpenLot:
    """Return the lot as the rules see it; one whose cost was averaged starts anew from there."""
    is_whole = bool(lot.cost_shift)
    return OpenLot(
        lot.id,
        lot.remaining_quantity,
        lot.remaining_cost,
        sold_quantity=ZERO if is_whole else lot.quantity - lot.remaining_quantity,
        sold_cost=ZERO if is_whole else lot.cost - lot.remaining_cost,
        claimed=min(claimed, lot.remaining_quantity),
    )


def _lot_payload(lot: Lot) -> dict[str, Any]:
    return {"id": lot.id, "quantity": plain(lot.quantity), "cost": plain(lot.cost)}


def closing_payload(closing: LotClosing) -> dict[str, Any]:
    """Return what was closed of a lot as the event log carries it."""
    return {
        "id": closing.id,
        "lot_id": closing.lot_id,
        "method": str(closing.method),
        "quantity": plain(closing.quantity),
        "cost": plain(closing.cost),
        "proceeds": plain(closing.proceeds),
        "fees": plain(closing.fees),
        "realized_pnl": plain(closing.realized_pnl),
        "reverses": closing.reverses_id,
    }
