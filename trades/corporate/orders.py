"""A split on open orders: adjusted where they stand, carried on by another, or canceled.

An order without fills keeps its id, its key and its place in the queue. One that has filled in part
is replaced by an order for the rest, because what it filled was old shares: the old one keeps its
trades and their commission. An order keeps what it reserved and takes what it lacks, such as
commission on more shares, out of free cash; where there is not enough it wants less. One of an
amount keeps what is left of the amount, or is canceled.
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bengi.events.services import NewEvent
from bengi.ids import new_id
from bengi.money import ZERO, floor_to, minor_unit, plain
from bengi.terms import OrderStatus, Side
from orders import lifecycle
from orders.models import Order
from orders.notional import cash_for, shares_at_most
from orders.payloads import moment, order_payload, order_state
from orders.rules import reservation
from orders.splits import OrderTerms, affordable_quantity, split_terms
from trades.corporate.groups import ended_with, sized_by_entry
from trades.corporate.rows import SplitRows

_TERMS = (
    "limit_price",
    "stop_price",
    "protection_price",
    "trail_price",
    "trail_percent",
    "high_water_mark",
)
_TOLD = ("quantity", "limit_price", "stop_price", "trail_price", "reserved")


def split_orders(rows: SplitRows) -> None:
    """Change the open orders in rows and note their events.

    Orders placed from the ex-date on were placed in new shares and stay; a reverse split cancels
    them too, because a sell may name more shares than there are then.
    """
    ratio = rows.ratio
    for order in [*rows.orders]:
        asked_for = order.replaces if order.waits_to_replace else None
        placed_at = asked_for.accepted_at if asked_for else order.accepted_at
        if placed_at >= rows.at and not ratio.is_reverse:
            continue
        if asked_for:
            _close(rows, order, OrderStatus.REJECTED, f"A {ratio} split came before it.")
        elif order.status == OrderStatus.PENDING_CANCEL:
            _close(rows, order, OrderStatus.CANCELED, "Canceled on request.")
        elif ratio.is_reverse:
            _close(rows, order, OrderStatus.CANCELED, f"Canceled by a {ratio} reverse split.")
        else:
            _adjust(rows, order)
    everybody = [*rows.orders, *rows.new_orders]
    for order in ended_with(everybody):
        _close(rows, order, OrderStatus.CANCELED, f"A {ratio} split ended an order of its group.")
    for leg in sized_by_entry(everybody):
        _tell(rows, leg, "adjusted", _told(leg))


def cancel_late(rows: SplitRows) -> int:
    """Cancel the orders in rows that were given before the split and booked after it."""
    applied_at = rows.action.applied_at
    assert applied_at is not None, "late is what comes after the split"
    late = [o for o in rows.orders if o.accepted_at < rows.at and o.updated_at < applied_at]
    words = f"A {rows.ratio} split came before it was booked; place it in new shares."
    for order in late:
        if order.waits_to_replace:
            _end_late(rows, order, OrderStatus.REJECTED, words)
            _go_on(rows, order)
        else:
            _end_late(rows, order, OrderStatus.CANCELED, words)
    words = f"A {rows.ratio} split ended an order of its group."
    for order in ended_with(rows.orders):
        _end_late(rows, order, OrderStatus.CANCELED, words)
    return len(late)


def _end_late(rows: SplitRows, order: Order, status: OrderStatus, words: str) -> None:
    """Close an order after the split, when positions have been set to what orders held then."""
    held = order.held_shares
    _close(rows, order, status, words)
    if held:
        rows.positions[order.portfolio_id].reserved_quantity -= held


def _go_on(rows: SplitRows, held: Order) -> None:
    """Let the order go on that a rejected one was to replace."""
    for order in rows.orders:
        if order.id == held.replaces_id and order.status == OrderStatus.PENDING_REPLACE:
            before = _told(order)
            _move(order, _worked(order))
            _tell(rows, order, str(order.status), before)


def terms_of(order: Order) -> OrderTerms:
    """Return what of an open order a split changes."""
    return OrderTerms(
        side=Side(order.side),
        quantity=order.leaves_quantity,
        picks=tuple(order.picks),
        **{name: getattr(order, name) for name in _TERMS},
    )


def _adjust(rows: SplitRows, order: Order) -> None:
    """Bring an order into new shares, or cancel it where it cannot stand at their prices."""
    instrument, before = rows.instrument, _told(order)
    terms = split_terms(
        terms_of(order),
        rows.ratio,
        tick_size=instrument.tick_size,
        quantity_step=instrument.quantity_step,
    )
    if order.status == OrderStatus.PENDING_REPLACE:
        _move(order, _worked(order))
    cash = rows.balance(order.account_id) if order.reserved else None
    free = cash.amount - cash.reserved if cash else ZERO
    reserved = ZERO
    if terms is not None and order.reserved:
        terms, reserved = _within(rows, order, terms, order.reserved + free)
    if terms is None:
        words = f"A {rows.ratio} split leaves no price or size that it could stand at."
        _close(rows, order, OrderStatus.CANCELED, words)
        return
    if cash:
        cash.reserved += reserved - order.reserved
    if order.worked_quantity:
        _carry_on(rows, order, terms, reserved, before)
        return
    _set(order, terms, reserved, rows)
    _tell(rows, order, "adjusted", before)


def _within(
    rows: SplitRows, order: Order, terms: OrderTerms, cash: Decimal
) -> tuple[OrderTerms | None, Decimal]:
    """Return the terms as far as cash goes, None where it is too little, and what they reserve."""
    currency = rows.instrument.currency
    price = terms.limit_price if terms.limit_price is not None else terms.protection_price
    assert price is not None, "every buy has a price it cannot pay more than"
    if order.is_buy_of_amount:
        most = shares_at_most(_amount_left(order), price, rows.instrument.quantity_step)
        needed = cash_for(order.schedule, _amount_left(order), most, currency)
        return (terms if needed <= cash else None), needed
    quantity = affordable_quantity(
        order.schedule,
        price,
        terms.quantity,
        currency,
        cash=cash,
        quantity_step=rows.instrument.quantity_step,
    )
    if not quantity:
        return None, ZERO
    needed = reservation(order.schedule, price, quantity, currency)
    return replace(terms, quantity=quantity), needed


def _amount_left(order: Order) -> Decimal:
    """Return what is left of the amount of a buy, in whole minor units."""
    assert order.notional is not None
    left = Fraction(order.notional) - Fraction(order.worked_value)
    return floor_to(left, minor_unit(order.instrument.currency))


def _carry_on(
    rows: SplitRows, old: Order, terms: OrderTerms, reserved: Decimal, before: dict[str, Any]
) -> None:
    """Close a partly filled order for one that wants its rest, at the same place in the queue."""
    columns = {each.attname: getattr(old, each.attname) for each in old._meta.concrete_fields}
    new = Order(**columns)
    new.id, new.client_order_id = new_id(), f"split-{rows.action.id.hex[-12:]}-{old.id}"
    new.instrument, new.fee_schedule = old.instrument, old.fee_schedule
    new.replaces, new.status = old, OrderStatus.NEW
    new.notional = _amount_left(old) if old.is_buy_of_amount else None
    new.filled_quantity = new.busted_quantity = ZERO
    new.filled_value = new.busted_value = new.commission = new.fees = ZERO
    _set(new, terms, reserved, rows)
    old.replaced_by, old.reserved = new.id, ZERO
    _move(old, OrderStatus.PENDING_REPLACE)
    _move(old, OrderStatus.REPLACED)
    old.reason = f"A {rows.ratio} split; its rest goes on in new shares."
    old.updated_at = old.closed_at = max(old.updated_at, rows.now)
    rows.new_orders.append(new)
    _tell(rows, old, "replaced", before)
    _tell(rows, new, "new", before)


def _set(order: Order, terms: OrderTerms, reserved: Decimal, rows: SplitRows) -> None:
    order.quantity, order.reserved = terms.quantity, reserved
    for name in _TERMS:
        setattr(order, name, getattr(terms, name))
    order.lots = [{"lot_id": str(p.lot_id), "quantity": plain(p.quantity)} for p in terms.picks]
    order.updated_at = max(order.updated_at, rows.now)


def _close(rows: SplitRows, order: Order, status: OrderStatus, reason: str) -> None:
    """Close an order; what it held is free again."""
    before = _told(order)
    if order.reserved:
        rows.balance(order.account_id).reserved -= order.reserved
        order.reserved = ZERO
    _move(order, status)
    order.reason = reason
    order.updated_at = order.closed_at = max(order.updated_at, rows.now)
    _tell(rows, order, str(status), before)


def _worked(order: Order) -> OrderStatus:
    """Return where an order goes back to when it is not replaced after all."""
    if order.worked_quantity:
        return OrderStatus.PARTIALLY_FILLED
    if order.waits_for_entry:
        return OrderStatus.HELD
    return OrderStatus.ACCEPTED if order.priority is None else OrderStatus.NEW


def _move(order: Order, status: OrderStatus) -> None:
    lifecycle.check(OrderStatus(order.status), status)
    order.status = status


def _told(order: Order) -> dict[str, Any]:
    values = {name: getattr(order, name) for name in _TOLD}
    found = {name: None if value is None else plain(value) for name, value in values.items()}
    return found | {"quantity": plain(order.leaves_quantity)}


def _tell(rows: SplitRows, order: Order, event: str, before: dict[str, Any]) -> None:
    """Note the order's event, with what it wanted and held before and after the split."""
    step = {
        "kind": "split",
        "at": moment(rows.now),
        "action_id": str(rows.action.id),
        "ratio": str(rows.ratio),
        "before": before,
        "after": _told(order),
    }
    payload = {
        "order": order_payload(order, rows.instrument.symbol),
        "state": order_state(order),
        "steps": [step],
    }
    event_type = f"order.{event}"
    rows.events.append(NewEvent(order.account_id, event_type, payload, rows.now, subject=order.id))
