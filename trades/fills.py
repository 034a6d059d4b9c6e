"""Book one fill: the trade, its ledger legs, the lots and what the order still holds.

Amounts are rounded on the order's running total, so an order's gross amounts always sum to the
rounded value of all its fills, and its reservation is never exceeded by rounding.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from accounts.ledger import LedgerLeg, NewTransaction, transaction_payload
from bengi.events.services import NewEvent
from bengi.ids import derived_id, new_id
from bengi.instances import made
from bengi.money import plain, round_money, round_up_money
from bengi.terms import LedgerBook, LedgerKind, Side
from instruments.calendar import session_date
from instruments.models import Instrument
from orders.models import Order
from orders.notional import cash_for, shares_at_most
from orders.rules import reservation
from portfolios.models import LotClosing
from trades.costs import charge
from trades.decisions import ByHand, Decision, Execution
from trades.matching.fixed import from_fixed
from trades.matching.outcomes import Fill
from trades.models import Trade
from trades.payloads import trade_event, trade_state
from trades.rows import Rows
from trades.settlement import settles_on
from trades.settling import Settled, settle_buy, settle_sale
from trades.shares import Moved, move_shares


def book_fill(rows: Rows, order: Order, fill: Fill, decision: Decision) -> None:
    """Change order, cash, position and lots in rows by one fill, and note its trade and event."""
    at = decision.decided_at
    trade = new_trade(rows, order, _execution(fill, decision), at)
    moved = move_shares(rows, order, trade)
    settlement = settle(rows, trade, moved.closings, at)
    _move_cash(rows, order, trade)
    note_trade(rows, trade, moved, settlement, at, decision.by_hand)


def note_trade(
    rows: Rows,
    trade: Trade,
    moved: Moved,
    settlement: Settled,
    at: datetime,
    by_hand: ByHand | None = None,
) -> None:
    """Note a trade that has moved shares and cash in rows, its ledger legs and its event.

    at: when it is booked, which is when money moves; a corrected trade was done before.
    """
    symbol = rows.instruments[trade.instrument_id].symbol
    transactions = _transactions(trade, symbol, at)
    rows.trades.append(trade)
    rows.transactions += transactions
    rows.closings += moved.closings
    payload = {
        "trade": trade_event(trade, symbol),
        "state": trade_state(trade),
        "transactions": [transaction_payload(new) for new in transactions],
        **moved.payload,
        **settlement.payload,
        **({"by_hand": {"by": by_hand.by, "reason": by_hand.reason}} if by_hand else {}),
    }
    rows.events.append(
        NewEvent(trade.account_id, "trade.executed", payload, at, subject=trade.order_id)
    )
    rows.events += settlement.events


def _execution(fill: Fill, decision: Decision) -> Execution:
    return Execution(
        quantity=from_fixed(fill.quantity),
        price=from_fixed(fill.price),
        liquidity=fill.liquidity,
        match_id=derived_id("match", fill.match_id) if fill.match_id else None,
        seen=decision.seen,
        executed_at=decision.decided_at,
    )


def new_trade(rows: Rows, order: Order, execution: Execution, at: datetime) -> Trade:
    """Return the trade of an execution, booked at at, and carry the order's totals forward."""
    instrument = rows.instruments[order.instrument_id]
    quantity, price = execution.quantity, execution.price
    booked = round_money(order.filled_value, instrument.currency)
    order.filled_quantity += quantity
    order.filled_value += quantity * price
    assert order.worked_quantity <= order.quantity, "an order fills at most once over"
    gross = round_money(order.filled_value, instrument.currency) - booked
    trade_date = session_date(instrument.mic, execution.executed_at)
    value = quantity * price
    costs = charge(rows, order, quantity=quantity, value=value, gross=gross, day=trade_date)
    sign = -1 if order.side == Side.BUY else 1
    return made(
        Trade,
        {"order": order},
        exec_id=new_id(),
        match_id=execution.match_id,
        order_id=order.id,
        account_id=order.account_id,
        portfolio_id=order.portfolio_id,
        instrument_id=order.instrument_id,
        side=order.side,
        quantity=quantity,
        price=price,
        gross_amount=gross,
        commission=costs.commission,
        fees=costs.fees,
        net_amount=sign * gross - costs.commission - costs.fees,
        currency=instrument.currency,
        liquidity=execution.liquidity,
        quote_bid=execution.seen.bid,
        quote_ask=execution.seen.ask,
        quote_as_of=execution.seen.as_of,
        executed_at=execution.executed_at,
        booked_at=at,
        trade_date=trade_date,
        settles_on=settles_on(instrument.mic, trade_date, instrument.type),
        corrects_id=execution.corrects,
        correction_id=execution.correction,
    )


def _transactions(trade: Trade, symbol: str, at: datetime) -> list[NewTransaction]:
    sign, did = (-1, "Bought") if trade.side == Side.BUY else (1, "Sold")
    words = f"{did} {plain(trade.quantity)} {symbol} at {plain(trade.price)}"
    value = sign * trade.gross_amount
    found = [_transaction(trade, at, LedgerKind.TRADE, LedgerBook.CLEARING, value, words)]
    for kind, book, cost, words in (
        (LedgerKind.COMMISSION, LedgerBook.COMMISSION, trade.commission, "Commission"),
        (LedgerKind.FEE, LedgerBook.FEES, trade.fees, "Regulatory fees"),
    ):
        if cost:
            found.append(_transaction(trade, at, kind, book, -cost, f"{words}, {symbol} order"))
    return found


def _transaction(
    trade: Trade,
    at: datetime,
    kind: LedgerKind,
    house: LedgerBook,
    amount: Decimal,
    description: str,
) -> NewTransaction:
    return NewTransaction(
        id=new_id(),
        kind=kind,
        reference=str(trade.exec_id),
        account_id=trade.account_id,
        occurred_at=at,
        description=description,
        legs=(
            LedgerLeg(LedgerBook.CUSTOMER_CASH, trade.account_id, trade.currency, amount),
            LedgerLeg(house, None, trade.currency, -amount),
        ),
    )


def settle(rows: Rows, trade: Trade, closings: Sequence[LotClosing], at: datetime) -> Settled:
    """Work out what the trade does to unsettled cash, before its cash has moved at at."""
    if trade.side == Side.BUY:
        cash = rows.balance(trade.account_id, trade.currency).amount
        return settle_buy(rows.settling, trade, cash, at)
    mic = rows.instruments[trade.instrument_id].mic
    bought_in = [each.lot.trade_id for each in closings]
    return settle_sale(rows.settling, trade, mic, bought_in, at)


def _move_cash(rows: Rows, order: Order, trade: Trade) -> None:
    balance = rows.balance(order.account_id, trade.currency)
    balance.amount += trade.net_amount
    if order.side == Side.BUY:
        left = reservation_left(order, rows.instruments[order.instrument_id])
        assert left <= order.reserved + trade.net_amount, "a buy spends only what it reserved"
        balance.reserved += left - order.reserved
        order.reserved = left


def reservation_left(order: Order, instrument: Instrument) -> Decimal:
    """Return the cash that a buy has to hold for what is left of it."""
    currency = instrument.currency
    paid = round_money(order.filled_value, currency) + order.commission
    if order.notional is not None:
        most = shares_at_most(order.notional, order.bound, instrument.quantity_step)
        amount = round_up_money(order.notional - order.busted_value, currency)
        return cash_for(order.schedule, amount, most, currency, paid=paid)
    return reservation(
        order.schedule,
        order.bound,
        order.quantity - order.worked_quantity,
        currency,
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
        paid=paid,
    )
