"""What stands in the way of taking trades back: what has been built on them since.

The rule is newest first. A buy can go while nobody has touched its lot, a sale while the holding
has not been sold from again and no buy has used its unsettled proceeds. Whoever wants it gone all
the same takes back first what is named here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import UnsettledCash
from bengi.errors import Conflict
from bengi.money import plain
from bengi.terms import (
    CorporateActionKind,
    CorporateActionStatus,
    CorrectionKind,
    CostBasisMethod,
    Side,
)
from instruments.models import SPLITS, CorporateAction
from orders.models import Order
from portfolios.models import Lot
from portfolios.selectors import standing_closings
from trades.models import Trade, TradeCorrection
from trades.past import Past
from trades.rows import Rows


def check_undoable(rows: Rows, past: Past, trades: Sequence[Trade], now: datetime) -> None:
    """Raise Conflict unless these fills of one order, oldest first, can be taken back at now.

    Codes: lot_in_use, sold_since, proceeds_in_use, already_reversed, changed_since; details name
    what is in the way, newest first.
    """
    _check_splits(trades[0])
    for trade in trades:
        _check_ledger(past, trade)
        if trade.side == Side.BUY:
            _check_lot(rows, past.lots[trade.exec_id], trade)
        else:
            _check_proceeds(rows, past.proceeds.get(trade.exec_id), now)
    if trades[0].side == Side.SELL:
        _check_later_sales(trades)
        _check_shares(rows, past, trades)


def check_consequences(correction: TradeCorrection, trade: Trade, order: Order) -> None:
    """Raise Conflict where fewer shares of a trade would leave something else wrong.

    trade: the corrected one, of order, on one side. legs_at_work: open orders sell what the
    trade bought. changed_since: a dividend has been reckoned on the shares.
    """
    if correction.kind == CorrectionKind.ADJUST and correction.quantity in {None, trade.quantity}:
        return
    paid = CorporateAction.objects.filter(
        instrument=trade.instrument_id,
        kind=CorporateActionKind.CASH_DIVIDEND,
        status__in=[CorporateActionStatus.APPLIED, CorporateActionStatus.PAID],
        effective_at__gt=trade.executed_at,
    )
    if (action := paid.first()) is not None:
        raise _changed_since("a dividend has been reckoned on them since", action)
    if order.group_id is None or order.leg:
        return
    legs = Order.objects.filter(group_id=order.group_id, closed_at__isnull=True).exclude(leg="")
    if orders := [str(leg.id) for leg in legs.order_by("id")]:
        detail = f"{len(orders)} legs are to sell what it bought; cancel them first."
        raise Conflict("legs_at_work", detail, order_ids=orders)


def _check_splits(first: Trade) -> None:
    """There must have been no split since: what was traded before were other shares.

    Whoever had sold all of them by then has no record of it, and would get old shares back.
    """
    splits = CorporateAction.objects.filter(
        instrument=first.instrument_id,
        kind__in=SPLITS,
        status=CorporateActionStatus.APPLIED,
        effective_at__gt=first.executed_at,
    )
    if (split := splits.first()) is not None:
        raise _changed_since("a split has made other shares of them", split)


def _check_ledger(past: Past, trade: Trade) -> None:
    for posted in past.transactions[trade.exec_id]:
        if hasattr(posted, "reversed_by"):
            detail = f"The {posted.kind} of the trade has been taken back by itself already."
            raise Conflict("already_reversed", detail, transaction_id=str(posted.id))


def _check_lot(rows: Rows, lot: Lot, trade: Trade) -> None:
    """A buy's lot must be as it was opened, and no open order may name it."""
    if lot.remaining_quantity != lot.quantity or lot.cost_shift:
        raise _lot_in_use(lot)
    assert (lot.quantity, lot.cost) == (trade.quantity, -trade.net_amount)
    naming = [order for order in rows.picking if any(p.lot_id == lot.id for p in order.picks)]
    if naming:
        detail = f"{len(naming)} open orders have named its lot; cancel them first."
        orders = [str(order.id) for order in naming]
        raise Conflict("lot_in_use", detail, order_ids=orders, lot_id=str(lot.id))


def _lot_in_use(lot: Lot) -> Conflict:
    averaged = Q(
        method=CostBasisMethod.AVERAGE,
        lot__portfolio=lot.portfolio_id,
        lot__instrument=lot.instrument_id,
        trade_id__gt=lot.trade_id,
    )
    is_in_the_way = Q(lot=lot) | averaged if lot.cost_shift else Q(lot=lot)
    sales = _sales(is_in_the_way)
    sold = plain(lot.quantity - lot.remaining_quantity)
    return Conflict(
        "lot_in_use",
        f"{len(sales)} sales have sold {sold} of the {plain(lot.quantity)} shares or averaged "
        "their cost; bust those first, the newest first.",
        exec_ids=[str(sale) for sale in sales],
        lot_id=str(lot.id),
        sold=sold,
    )


def _check_later_sales(trades: Sequence[Trade]) -> None:
    """The holding must not have been sold from since the first of these sales, but by them."""
    first = trades[0]
    later = _sales(
        Q(
            lot__portfolio=first.portfolio_id,
            lot__instrument=first.instrument_id,
            trade_id__gt=first.exec_id,
        ),
        but={trade.exec_id for trade in trades},
    )
    if later:
        raise Conflict(
            "sold_since",
            f"{len(later)} later sales of the holding closed lots after it; "
            "bust those first, the newest first.",
            exec_ids=[str(sale) for sale in later],
        )


def _check_shares(rows: Rows, past: Past, trades: Sequence[Trade]) -> None:
    """The lots whose cost the sales have averaged must still be there to give it back."""
    held = {lot.id for lot in rows.lots[trades[0].portfolio_id, trades[0].instrument_id]}
    for trade in trades:
        gone = past.shifts.get(trade.exec_id, {}).keys() - held
        if gone:
            detail = "Lots whose cost it averaged have gone since; their buys were corrected."
            raise Conflict("lot_in_use", detail, lot_ids=sorted(map(str, gone)))


def _check_proceeds(rows: Rows, row: UnsettledCash | None, now: datetime) -> None:
    """While a sale's proceeds are unsettled, no buy may have been paid with them."""
    if row is None or row.settles_at <= now or row.remaining_amount == row.amount:
        return
    uses = [use for found in rows.settling.uses.values() for use in found]
    given_back = {use.trade_id for use in uses if use.amount < 0}
    busts = Trade.objects.filter(exec_id__in=given_back).values_list("busts_id", flat=True)
    buys = {use.trade_id for use in uses if use.unsettled_id == row.id and use.amount > 0}
    standing = sorted(buys - set(busts), reverse=True)
    used = row.amount - row.remaining_amount
    raise Conflict(
        "proceeds_in_use",
        f"{len(standing)} buys were paid with {plain(used)} {row.currency} of its unsettled "
        "proceeds; bust those first, or wait until it has settled.",
        exec_ids=[str(buy) for buy in standing],
        used=plain(used),
        amount=plain(row.amount),
    )


def _changed_since(words: str, action: CorporateAction) -> Conflict:
    detail = f"Its shares are not what they were: {words}."
    return Conflict("changed_since", detail, action_id=str(action.id))


def _sales(which: Q, but: Iterable[UUID] = ()) -> list[UUID]:
    """Return the exec_ids of standing sales whose closings are which, newest first."""
    rows = standing_closings().filter(which).exclude(trade_id__in=list(but)).order_by("-trade_id")
    return list(dict.fromkeys(rows.values_list("trade_id", flat=True)))
