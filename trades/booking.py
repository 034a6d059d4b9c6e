"""Book a batch of decisions: trades, ledger, lots, orders and events, in one transaction.

The caller has opened the transaction and holds the shard; here the accounts are locked (second in
the lock order) and everything is read, changed in memory and written in sets.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from bengi.ahead import sent_ahead
from bengi.events.services import NewEvent
from bengi.money import ZERO
from bengi.terms import InstrumentStatus, OrderStatus, Side, TimeInForce
from orders import lifecycle
from orders.models import Order
from orders.payloads import order_payload, order_state
from orders.rules import reservation
from trades.decisions import Decision
from trades.fills import book_fill
from trades.legs import size_leg
from trades.matching.fixed import from_fixed
from trades.matching.outcomes import (
    Canceled,
    Expired,
    Fill,
    NotReplaced,
    Rejected,
    Released,
    Replaced,
    Resized,
    Trailed,
    Triggered,
)
from trades.rows import Rows, load, save, send_news
from trades.steps import Step, steps_of


class Halted(Exception):
    """An instrument that the batch would have filled has been halted meanwhile."""


def book(decisions: Sequence[Decision]) -> dict[UUID, int]:
    """Write what was decided; return each account's newest event seq.

    Cost: a fixed number of statements, however many decisions. An order that closed meanwhile
    fails the lifecycle's assertion and with it the whole batch. Raises Halted, see there.
    """
    accounts = {decision.account_id for decision in decisions}
    order_ids = (UUID(decision.outcome.order_id) for decision in decisions)
    since = min(decision.decided_at for decision in decisions)
    rows = load(order_ids, accounts, since, is_locked=False)
    with sent_ahead():
        _decide(rows, decisions)
        return save(rows)


SENT_AT_ONCE = 50
"""After so many decisions what they have made is sent ahead, where that can be done."""


def _decide(rows: Rows, decisions: Sequence[Decision]) -> None:
    """Apply what was decided to rows, and tell of each order once, after its trades."""
    stories = {str(order.id): Story(order, order.status) for order in rows.orders.values()}
    told: dict[str, Story] = {}
    for place, decision in enumerate(decisions, 1):
        outcome = decision.outcome
        story = told.setdefault(outcome.order_id, stories[outcome.order_id])
        order = story.order
        held = order.reserved, order.held_shares
        _apply(rows, order, decision)
        story.steps += steps_of(decision, order, held, rows.trades)
        story.at = decision.decided_at
        if isinstance(outcome, Triggered | Trailed | Resized):
            story.moved = type(outcome).__name__.lower()
        if isinstance(outcome, Replaced):  # also where the new one goes on being held
            told.setdefault(outcome.new_id, stories[outcome.new_id]).at = decision.decided_at
        if not place % SENT_AT_ONCE:
            send_news(rows)
    for order_id, story in stories.items():  # what closed or took over with one decided on
        if story.order.status != story.before and order_id not in told:
            told[order_id], story.at = story, story.order.updated_at
    for story in told.values():
        _tell(rows, story)


class Story(msgspec.Struct):
    """What a batch tells of an order: its status before, and what happened last, and when."""

    order: Order
    before: str
    steps: list[Step] = msgspec.field(default_factory=list)
    at: datetime | None = None
    moved: str | None = None


_EXPIRED: dict[str, str] = {
    TimeInForce.DAY: "The session it was good for has closed.",
    TimeInForce.GTD: "The time it was good until has come.",
}


_ENDED = {Canceled: OrderStatus.CANCELED, Rejected: OrderStatus.REJECTED}

_ASKED = (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE)


def _apply(rows: Rows, order: Order, decision: Decision) -> None:
    assert order.is_open, f"order {order.id} is {order.status}; nothing more can happen to it"
    if order.priority is None:
        order.priority = decision.priority
    outcome, now = decision.outcome, decision.decided_at
    order.updated_at = max(order.updated_at, now)
    match outcome:
        case Fill():
            _fill(rows, order, outcome, decision)
        case Canceled() | Rejected():
            order.reason = outcome.detail
            _close(rows, order, _ENDED[type(outcome)], now)
        case Expired():
            order.reason = _EXPIRED[order.time_in_force]
            _close(rows, order, OrderStatus.EXPIRED, now)
        case Replaced() | NotReplaced():
            _answer_replace(rows, order, outcome, now)
        case Triggered():
            order.triggered_at = now
        case Released() | Resized():
            size_leg(rows, order, outcome, now)
        case Trailed():
            order.high_water_mark = from_fixed(outcome.mark)
            order.stop_price = from_fixed(outcome.stop)
        case _:
            if order.status == OrderStatus.ACCEPTED:
                _move(order, OrderStatus.NEW)


def _fill(rows: Rows, order: Order, fill: Fill, decision: Decision) -> None:
    """Book a fill. A buy of an amount then comes to other shares: it knows one more price."""
    _check_trading(rows, order)
    if order.is_buy_of_amount:
        order.quantity = order.worked_quantity + from_fixed(fill.quantity + fill.leaves)
    book_fill(rows, order, fill, decision)
    _count(rows, order, decision.decided_at)


def _check_trading(rows: Rows, order: Order) -> None:
    """Raise Halted unless the order's instrument may trade, by the row that was just read."""
    instrument = rows.instruments[order.instrument_id]
    if instrument.status != InstrumentStatus.ACTIVE:
        raise Halted(f"{instrument.symbol} is {instrument.status}")


def _count(rows: Rows, order: Order, now: datetime) -> None:
    """Say how far a fill has brought the order; one asked to go stays so until it is full."""
    if order.worked_quantity == order.quantity:
        _close(rows, order, OrderStatus.FILLED, now)
    elif order.status not in _ASKED:
        _move(order, OrderStatus.PARTIALLY_FILLED)


def _move(order: Order, status: OrderStatus) -> None:
    if order.status != status:
        lifecycle.check(OrderStatus(order.status), status)
        order.status = status


def _close(rows: Rows, order: Order, status: OrderStatus, now: datetime) -> None:
    """Close the order and give back what it still holds: cash of a buy, shares of a sell."""
    if order.side == Side.BUY:
        _hold(rows, order, ZERO)
    elif order.held_shares:
        rows.position(order).reserved_quantity -= order.held_shares
    _move(order, status)
    order.closed_at = now
    for other in rows.successors.get(order.id, ()):
        if other.status == OrderStatus.HELD and other.id != order.replaced_by:
            _drop(rows, other, now)


def _hold(rows: Rows, order: Order, reserved: Decimal) -> None:
    """Let a buy hold another amount of cash."""
    currency = rows.instruments[order.instrument_id].currency
    rows.balance(order.account_id, currency).reserved += reserved - order.reserved
    order.reserved = reserved


def _answer_replace(rows: Rows, old: Order, outcome: Replaced | NotReplaced, now: datetime) -> None:
    new = rows.orders[UUID(outcome.new_id)]
    if isinstance(outcome, Replaced):
        _replace(rows, old, new, now)
    else:
        worked = OrderStatus.ACCEPTED if old.priority is None else OrderStatus.NEW
        _move(old, OrderStatus.PARTIALLY_FILLED if old.worked_quantity else worked)
        _drop(rows, new, now)


def _replace(rows: Rows, old: Order, new: Order, now: datetime) -> None:
    """Close an order for the one that takes its place, with the rest of what is wanted in all."""
    cash, shares = old.reserved + new.reserved, new.held_shares
    new.quantity = old.leaves_quantity if old.leg else new.quantity - old.worked_quantity
    new.released_at = old.released_at
    assert new.quantity > 0
    new.updated_at = max(new.updated_at, now)
    if not new.waits_for_entry:
        _move(new, OrderStatus.ACCEPTED)
    old.replaced_by = new.id
    old.reason = "Another order took its place."
    _close(rows, old, OrderStatus.REPLACED, now)
    if new.side == Side.SELL:
        if new.held_shares != shares:
            rows.position(new).reserved_quantity += new.held_shares - shares
        return
    currency = rows.instruments[new.instrument_id].currency
    needed = reservation(new.schedule, new.bound, new.quantity, currency)
    assert needed <= cash, "what both orders held is enough for the new one"
    _hold(rows, new, needed)


def _drop(rows: Rows, new: Order, now: datetime) -> None:
    """Tell an order that was to replace another that it will not."""
    new.reason = "The order it was to replace had closed, fired or filled as much before."
    new.updated_at = max(new.updated_at, now)
    _close(rows, new, OrderStatus.REJECTED, now)


def _tell(rows: Rows, story: Story) -> None:
    """Add the order's one event of this batch, after its trades, with all that was decided."""
    order, now = story.order, story.at
    assert now is not None, "something has happened to it"
    event = story.moved if order.status == story.before else None
    symbol = rows.instruments[order.instrument_id].symbol
    payload: dict[str, Any] = {"order": order_payload(order, symbol), "state": order_state(order)}
    payload["steps"] = story.steps
    kind = f"order.{event or order.status}"
    rows.events.append(NewEvent(order.account_id, kind, payload, now, subject=order.id))
