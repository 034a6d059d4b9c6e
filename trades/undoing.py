"""Take one trade back in the rows of a correction: its row, money, shares and what it had settled.

Nothing is edited away: the bust is a trade with every sign turned, the ledger gets reversals that
name their originals, closings get closings that reverse them. What is taken back must be the newest
that happened to its lots; trades/obstacles.py has made sure of that.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.ledger import NewTransaction, reversal_of, transaction_payload
from accounts.models import GoodFaithViolation, LedgerTransaction, UnsettledCash, UnsettledUse
from bengi.events.services import NewEvent
from bengi.ids import new_id
from bengi.money import ZERO, plain
from bengi.terms import Side
from orders.models import Order
from portfolios.models import Lot, LotClosing
from trades.models import Trade, TradeCorrection
from trades.past import Past
from trades.payloads import trade_payload, trade_state
from trades.rows import Rows
from trades.shares import closing_payload


@dataclass(slots=True)
class Undone:
    """What a bust gives back, as its event tells it."""

    busted_lot: Lot | None = None
    closings: list[LotClosing] = field(default_factory=list)
    shifts: dict[UUID, Decimal] = field(default_factory=dict)
    uses: list[UnsettledUse] = field(default_factory=list)
    withdrawn: list[GoodFaithViolation] = field(default_factory=list)

    @property
    def payload(self) -> dict[str, Any]:
        """Return it in the words of a trade's own event, so that one fold reads both."""
        uses = [
            {"unsettled_id": str(use.unsettled_id), "amount": plain(use.amount)}
            for use in self.uses
        ]
        shifts = [{"lot_id": str(key), "cost": plain(cost)} for key, cost in self.shifts.items()]
        return {
            "lot": None,
            "busted_lot": str(self.busted_lot.id) if self.busted_lot else None,
            "closings": [closing_payload(closing) for closing in self.closings],
            "shifts": shifts,
            "unsettled": None,
            "paid_with_unsettled": uses,
            "withdrawn_violations": [str(violation.id) for violation in self.withdrawn],
        }


def undo(
    rows: Rows, past: Past, order: Order, trade: Trade, correction: TradeCorrection, now: datetime
) -> Trade:
    """Take a trade of the order back in rows, and note and return its bust.

    The order's totals go back to what they were before it, what was busted grows; what it
    reserves is for the caller to say.
    """
    bust = _bust_of(trade, correction, now)
    order.filled_quantity -= trade.quantity
    order.busted_quantity += trade.quantity
    order.filled_value -= trade.quantity * trade.price
    order.busted_value += trade.quantity * trade.price
    order.commission -= trade.commission
    order.fees -= trade.fees
    rows.balance(trade.account_id, trade.currency).amount += bust.net_amount
    undone = Undone()
    if trade.side == Side.BUY:
        _undo_buy(rows, past, order, bust, undone)
    else:
        _undo_sale(rows, past, order, bust, undone)
    _note(rows, past, bust, undone, correction, now)
    return bust


def _bust_of(trade: Trade, correction: TradeCorrection, now: datetime) -> Trade:
    return Trade(
        exec_id=new_id(),
        match_id=trade.match_id,
        order_id=trade.order_id,
        account_id=trade.account_id,
        portfolio_id=trade.portfolio_id,
        instrument_id=trade.instrument_id,
        side=trade.side,
        quantity=-trade.quantity,
        price=trade.price,
        gross_amount=-trade.gross_amount,
        commission=-trade.commission,
        fees=-trade.fees,
        net_amount=-trade.net_amount,
        currency=trade.currency,
        liquidity=trade.liquidity,
        quote_bid=trade.quote_bid,
        quote_ask=trade.quote_ask,
        quote_as_of=trade.quote_as_of,
        executed_at=trade.executed_at,
        booked_at=now,
        trade_date=trade.trade_date,
        settles_on=trade.settles_on,
        busts=trade,
        correction=correction,
    )


def _undo_buy(rows: Rows, past: Past, order: Order, bust: Trade, undone: Undone) -> None:
    """Empty the lot, which is untouched, and give back the unsettled cash that paid for it."""
    assert bust.busts is not None
    lot = past.lots[bust.busts.exec_id]
    assert lot.remaining_quantity == -bust.quantity
    assert lot.remaining_cost == bust.net_amount
    rows.position(order).quantity += bust.quantity
    lot.remaining_quantity = lot.remaining_cost = ZERO
    lot.busted_by = bust.exec_id
    rows.changed_lots[lot.id] = lot
    undone.busted_lot = lot
    for use in rows.settling.uses.get(bust.busts.exec_id, []):
        undone.uses.append(_use(rows, use.unsettled, bust, -use.amount))


def _undo_sale(rows: Rows, past: Past, order: Order, bust: Trade, undone: Undone) -> None:
    """Open again what the sale closed, and take back what it left and broke."""
    assert bust.busts is not None
    sale_id = bust.busts.exec_id
    rows.position(order).quantity -= bust.quantity
    for closing in past.closings[sale_id]:
        undone.closings.append(_reverse(closing, bust))
        closing.lot.remaining_quantity += closing.quantity
        closing.lot.remaining_cost += closing.cost
        rows.changed_lots[closing.lot_id] = closing.lot
    lots = {lot.id: lot for lot in rows.open_lots(order)}
    for lot_id, shift in past.shifts.get(sale_id, {}).items():
        lots[lot_id].cost_shift -= shift
        lots[lot_id].remaining_cost -= shift
        rows.changed_lots[lot_id] = lots[lot_id]
        undone.shifts[lot_id] = -shift
    row = past.proceeds.get(sale_id)
    if row is not None and row.settles_at > bust.booked_at:
        undone.uses.append(_use(rows, row, bust, row.remaining_amount))
    for violation in past.violations.get(sale_id, []):
        violation.busted_by = bust.exec_id
        rows.settling.violated.discard(violation.bought_by)
        rows.settling.withdrawn.append(violation)
        undone.withdrawn.append(violation)


def _reverse(closing: LotClosing, bust: Trade) -> LotClosing:
    return LotClosing(
        id=new_id(),
        lot=closing.lot,
        trade_id=bust.exec_id,
        closed_at=closing.closed_at,
        method=closing.method,
        quantity=-closing.quantity,
        cost=-closing.cost,
        proceeds=-closing.proceeds,
        fees=-closing.fees,
        realized_pnl=-closing.realized_pnl,
        reverses=closing,
    )


def _use(rows: Rows, source: UnsettledCash, bust: Trade, amount: Decimal) -> UnsettledUse:
    """Let a bust use (or, negative, give back) some of unsettled proceeds."""
    source.remaining_amount -= amount
    assert ZERO <= source.remaining_amount <= source.amount
    rows.settling.changed[source.id] = source
    use = UnsettledUse(
        id=new_id(),
        unsettled=source,
        account_id=bust.account_id,
        trade_id=bust.exec_id,
        order_id=bust.order_id,
        amount=amount,
    )
    rows.settling.new_uses.append(use)
    return use


def _note(
    rows: Rows,
    past: Past,
    bust: Trade,
    undone: Undone,
    correction: TradeCorrection,
    now: datetime,
) -> None:
    """Note the bust with its reversals, and its event."""
    assert bust.busts is not None
    transactions = _reversals(past.transactions[bust.busts.exec_id], correction.reason, now)
    rows.trades.append(bust)
    rows.transactions += transactions
    rows.closings += undone.closings
    payload = {
        "trade": trade_payload(bust, rows.instruments[bust.instrument_id].symbol),
        "state": trade_state(bust),
        "transactions": [transaction_payload(new) for new in transactions],
        **undone.payload,
    }
    rows.events.append(
        NewEvent(bust.account_id, "trade.busted", payload, now, subject=bust.order_id)
    )


def _reversals(
    originals: list[LedgerTransaction], reason: str, now: datetime
) -> list[NewTransaction]:
    """Return what takes back each transaction of a trade: gross, commission and fees."""
    return [
        reversal_of(each, list(each.entries.all()), f"{each.description} ({reason})", now)
        for each in originals
    ]
