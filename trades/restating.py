"""Carry out an approved correction: take trades back, newest first, and book anew what stands.

Commission, fees and rounding go by an order's totals (docs/adr/0008), so the fills that an order
had after the one corrected are taken back with it and booked anew, at their own prices and
quantities: the books are then as if the corrected trade had never been, or had been right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from accounts.fees import Sold
from accounts.models import Account
from bengi.errors import Refused
from bengi.events.services import NewEvent
from bengi.ids import derived_id
from bengi.money import grouped, plain
from bengi.terms import CorrectionKind, CostBasisMethod, Side
from orders.models import Order
from orders.payloads import moment, order_payload, order_state
from trades.decisions import Execution, SeenQuote
from trades.fills import new_trade, note_trade, reservation_left, settle
from trades.models import Trade, TradeCorrection
from trades.obstacles import check_consequences, check_undoable
from trades.past import Past, read_past
from trades.payloads import correction_payload
from trades.rows import Holding, Rows, load, save
from trades.selectors import standing_trades
from trades.shares import Moved, close_for, lot_of_buy
from trades.steps import Step
from trades.undoing import undo


@dataclass(slots=True)
class Fills:
    """The standing fills of one order, oldest first: those before the corrected one, and the rest.

    corrected is the exec_id of the one that the correction is about on this side.
    """

    corrected: UUID
    before: list[Trade] = field(default_factory=list)
    again: list[Trade] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Free:
    """What was not reserved before the correction: cash and shares."""

    cash: dict[tuple[UUID, str], Decimal]
    shares: dict[Holding, Decimal]


def sides_of(trade: Trade) -> list[Trade]:
    """Return the trade, and the other side of its match where there is one."""
    if trade.match_id is None:
        return [trade]
    sides = standing_trades().filter(match_id=trade.match_id)
    return list(sides.select_related("order").order_by("exec_id"))


def carry_out(
    correction: TradeCorrection, accounts: dict[UUID, Account], now: datetime
) -> dict[UUID, int]:
    """Book the correction, which has been decided on, and return each account's newest event seq.

    The caller holds the shard and the accounts of both sides. A fixed number of statements, however
    many fills. Raises Conflict (trades/obstacles.py) and Refused insufficient_available or
    insufficient_position; nothing has been written then.
    """
    sides = _read_fills(sides_of(correction.trade))
    trades = [trade for fills in sides.values() for trade in fills.again]
    since = min(trade.executed_at for trade in trades)
    rows = load(sides, accounts, since, is_correction=True)
    past = read_past(rows, trades)
    for order_id, fills in sides.items():
        check_undoable(rows, past, fills.again, now)
        check_consequences(correction, fills.again[0], rows.orders[order_id])
    free = _free(rows)
    told = {"correction": correction_payload(correction)}
    account_id = correction.trade.account_id
    rows.events.append(NewEvent(account_id, "correction.approved", told, now))
    for order_id, fills in sides.items():
        _restate(rows, past, rows.orders[order_id], fills, correction, now)
    _check_covered(rows, free)
    return save(rows)


def _read_fills(sides: Sequence[Trade]) -> dict[UUID, Fills]:
    """Return the standing fills of each side's order, by the order's id."""
    found = {side.order_id: Fills(side.exec_id) for side in sides}
    for trade in standing_trades().filter(order_id__in=found).order_by("exec_id"):
        fills = found[trade.order_id]
        is_before = trade.exec_id < fills.corrected
        (fills.before if is_before else fills.again).append(trade)
    return found


def _restate(
    rows: Rows,
    past: Past,
    order: Order,
    fills: Fills,
    correction: TradeCorrection,
    now: datetime,
) -> None:
    """Take back the order's fills from the corrected one on, and book anew those that stand."""
    steps: list[Step] = []
    for trade in reversed(fills.again):
        bust = undo(rows, past, order, trade, correction, now)
        steps.append(_step("busted", bust, correction, now) | {"busts": str(trade.exec_id)})
    rows.sold[order.id] = [
        Sold(trade.trade_date, trade.quantity, trade.quantity * trade.price)
        for trade in fills.before
    ]
    for trade in fills.again:
        execution = _anew(trade, correction, is_corrected=trade.exec_id == fills.corrected)
        if execution is not None:
            booked = _rebook(rows, past, order, trade, execution, now)
            root = {"corrects": str(execution.corrects)}
            steps.append(_step("corrected", booked, correction, now) | root)
    if order.is_open and order.side == Side.BUY:
        instrument = rows.instruments[order.instrument_id]
        left = reservation_left(order, instrument)
        rows.balance(order.account_id, instrument.currency).reserved += left - order.reserved
        order.reserved = left
    order.updated_at = max(order.updated_at, now)
    _tell(rows, order, steps, now)


def _anew(trade: Trade, correction: TradeCorrection, *, is_corrected: bool) -> Execution | None:
    """Return what stands of a trade that was taken back: nothing of one that is busted."""
    price, quantity, match_id = trade.price, trade.quantity, trade.match_id
    if is_corrected:
        if correction.kind == CorrectionKind.BUST:
            return None
        price = price if correction.price is None else correction.price
        quantity = quantity if correction.quantity is None else correction.quantity
        match_id = derived_id("match", correction.id) if match_id else None
    return Execution(
        quantity=quantity,
        price=price,
        liquidity=trade.liquidity,
        match_id=match_id,
        seen=SeenQuote(trade.quote_bid, trade.quote_ask, trade.quote_as_of),
        executed_at=trade.executed_at,
        corrects=trade.corrects_id or trade.exec_id,
        correction=correction.id,
    )


def _rebook(
    rows: Rows, past: Past, order: Order, was: Trade, execution: Execution, now: datetime
) -> Trade:
    """Book an execution in the place of a trade that was taken back, and return its trade."""
    order.busted_quantity -= execution.quantity
    order.busted_value -= execution.quantity * execution.price
    trade = new_trade(rows, order, execution, now)
    balance = rows.balance(trade.account_id, trade.currency)
    if balance.amount + trade.net_amount < 0:
        raise _too_little_cash(trade.currency, -trade.net_amount, balance.amount)
    moved = _move_again(rows, past, order, was, trade)
    settlement = settle(rows, trade, moved.closings, now)
    balance.amount += trade.net_amount
    note_trade(rows, trade, moved, settlement, now)
    return trade


def _move_again(rows: Rows, past: Past, order: Order, was: Trade, trade: Trade) -> Moved:
    """Move shares as then: a sale closes, by its method of then, what was there when it was done.

    Its shares are not reserved: an open sell holds what it still wants, which has not changed.
    """
    position = rows.position(order)
    if trade.side == Side.BUY:
        position.quantity += trade.quantity
        return Moved(lot=lot_of_buy(rows, order, trade))
    position.quantity -= trade.quantity
    assert trade.corrects_id is not None
    among = [lot for lot in rows.open_lots(order) if lot.trade_id < trade.corrects_id]
    method = CostBasisMethod(past.closings[was.exec_id][0].method)
    return close_for(rows, order, trade, method, among)


def _free(rows: Rows) -> Free:
    return Free(
        cash={key: row.amount - row.reserved for key, row in rows.balances.items()},
        shares={key: row.quantity - row.reserved_quantity for key, row in rows.positions.items()},
    )


def _check_covered(rows: Rows, before: Free) -> None:
    """Raise Refused when an account has not what the correction takes, beside what is reserved."""
    for (account_id, currency), balance in rows.balances.items():
        free, after = before.cash[account_id, currency], balance.amount - balance.reserved
        if after < 0:
            raise _too_little_cash(currency, free - after, free)
    for holding, position in rows.positions.items():
        free, after = before.shares[holding], position.quantity - position.reserved_quantity
        if after < 0:
            symbol = rows.instruments[position.instrument_id].symbol
            raise Refused(
                "insufficient_position",
                f"{grouped(free - after)} {symbol} needed, {grouped(free)} are not reserved by "
                "open sells; cancel some first.",
                needed=plain(free - after),
                available=plain(free),
            )


def _too_little_cash(currency: str, needed: Decimal, available: Decimal) -> Refused:
    return Refused(
        "insufficient_available",
        f"{grouped(needed)} {currency} needed, {grouped(available)} available.",
        needed=plain(needed),
        available=plain(available),
    )


def _step(kind: str, trade: Trade, correction: TradeCorrection, now: datetime) -> Step:
    """Return what the order's story tells of a trade that was taken back or booked anew."""
    return {
        "kind": kind,
        "at": moment(now),
        "exec_id": str(trade.exec_id),
        "quantity": plain(abs(trade.quantity)),
        "price": plain(trade.price),
        "gross_amount": plain(trade.gross_amount),
        "commission": plain(trade.commission),
        "fees": plain(trade.fees),
        "reason": correction.reason,
    }


def _tell(rows: Rows, order: Order, steps: Sequence[Step], now: datetime) -> None:
    symbol = rows.instruments[order.instrument_id].symbol
    payload = {
        "order": order_payload(order, symbol),
        "state": order_state(order),
        "steps": list(steps),
    }
    event = NewEvent(order.account_id, "order.corrected", payload, now, subject=order.id)
    rows.events.append(event)
