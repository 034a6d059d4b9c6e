"""Replace an open order: what may change, and what is held meanwhile. The engine decides.

The request makes a second order, held, that replaces the first; the first is pending_replace and
may fill until the engine takes it back. Quantities count as in FIX (OrderQty of a Cancel/Replace
Request): the new quantity is all that is wanted, what the first has filled included. While the new
order is held its quantity is that total; once it takes over, what is left of it.

An order of a group passes its place there on. Of a leg only prices change (orders/groups.py).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs
from msgspec.structs import replace

from accounts.models import CashBalance, User
from accounts.services import lock_accounts
from bengi.errors import Conflict, Refused
from bengi.ids import new_id
from bengi.money import ZERO, minor_unit, plain, round_up_money
from bengi.retries import retried
from bengi.sentences import Number, sentence
from bengi.terms import Leg, OrderClass, OrderStatus, OrderType, Side, TimeInForce
from orders import lifecycle
from orders.acceptance import held
from orders.facts import Facts
from orders.group_rules import check_ticket
from orders.groups import (
    asked_legs,
    check_changed_leg,
    check_changes,
    forget_mark,
    open_members,
)
from orders.models import Order
from orders.rules import reservation
from orders.selectors import order_of
from orders.services import Placement, draft, tell
from orders.tickets import Desk, OrderTicket, read_desk
from portfolios.models import Position

CHANGEABLE = (
    "quantity",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
    "time_in_force",
    "expires_at",
)
_ASKED = frozenset({OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE})


@retried
def request_replace(
    order_id: UUID, user: User, changes: dict[str, Any], *, key: str | None, now: datetime
) -> Placement:
    """Ask the engine to replace an order of the user's; return the new order, held.

    The same key with the same changes returns the order it made. Raises NotFound, Conflict
    order_not_replaceable for an order that is closed, has fired, names its lots, is of an amount or
    is asked for already, Refused quantity_below_filled, unsupported_combination for what belongs to
    the whole group, and what placing the new order would be refused with.
    """
    account_id = order_of(user, order_id).account_id
    accounts = lock_accounts([account_id])
    order = Order.objects.select_related("instrument", "replaces").get(id=order_id)
    ticket = changed_ticket(order, changes, key or str(new_id()))
    desk = read_desk([ticket], accounts, now)
    known = desk.known.get((account_id, ticket.client_order_id))
    if known is not None:
        return _replay(known, order, ticket)
    facts = judged(desk, ticket, order, changes, now)
    return Placement(_hold(desk, ticket, order, facts, now))


def judged(
    desk: Desk, ticket: OrderTicket, order: Order, changes: Iterable[str], now: datetime
) -> Facts:
    """Return what the rules judge the ticket of a replacement by, once they let it pass.

    Raises what request_replace() raises beside NotFound.
    """
    _check_replaceable(order)
    check_changes(order, changes)
    if ticket.quantity <= order.worked_quantity:
        raise Refused(
            "quantity_below_filled",
            sentence(
                "{filled} are filled already; cancel to drop the rest.",
                filled=order.worked_quantity,
            ),
            field="quantity",
            limit=plain(order.worked_quantity),
            value=plain(ticket.quantity),
        )
    members = open_members(order)
    facts = _facts(desk, ticket, order, members, now)
    desk.tell_stale()
    errors = check_changed_leg(facts, order, members) if order.leg else check_ticket(facts)
    if errors:
        raise errors[0] if len(errors) == 1 else Refused(errors=errors)
    return facts


def cash_to_hold(order: Order, facts: Facts, price: Decimal) -> Decimal:
    """Return the cash a held buy adds to what the order it replaces holds; price bounds the new.

    Enough whenever the engine takes over. The old order may fill f more before, so that
    price x (left - f) is needed and its own price x (leaves - f) still held; the difference is
    linear in f, one of its two ends the worst. The new order's fees come on top, and a minor unit
    for rounding.
    """
    currency = facts.instrument.currency
    leaves, left = order.quantity - order.worked_quantity, facts.ticket.quantity
    worst = max(ZERO, price * left - order.bound * leaves, price * (left - leaves))
    whole = reservation(facts.account.schedule, price, left, currency)
    fees = whole - round_up_money(price * left, currency)
    return round_up_money(worst, currency) + fees + minor_unit(currency)


def cash_meanwhile(order: Order, facts: Facts, price: Decimal, free: Decimal) -> Decimal:
    """Return cash_to_hold(), of what is free. Raises Refused insufficient_funds."""
    needed = cash_to_hold(order, facts, price)
    if needed > free:
        currency = facts.instrument.currency
        raise Refused(
            "insufficient_funds",
            sentence(
                "{needed} {currency} more needed meanwhile, {free} available.",
                needed=needed,
                currency=currency,
                free=Number(free, is_own=True),
            ),
            field="quantity",
            needed=plain(needed),
            available=plain(free),
        )
    return needed


def changed_ticket(order: Order, changes: dict[str, Any], key: str) -> OrderTicket:
    """Return the ticket of the order that takes an order's place: what is not changed stays."""
    values: dict[str, Any] = {name: getattr(order, name) for name in CHANGEABLE}
    if order.type == OrderType.TRAILING_STOP:
        values["stop_price"] = None
    if {"trail_price", "trail_percent"} & set(changes):
        values |= {"trail_price": None, "trail_percent": None}
    if changes.get("time_in_force", TimeInForce.GTD) != TimeInForce.GTD:
        values["expires_at"] = None
    values |= changes
    return OrderTicket(
        account_id=order.account_id,
        portfolio_id=order.portfolio_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        type=OrderType(order.type),
        client_order_id=key,
        extended_hours=order.extended_hours,
        **(values | {"time_in_force": TimeInForce(values["time_in_force"])}),
    )


def _replay(known: Order, order: Order, ticket: OrderTicket) -> Placement:
    if known.replaces_id == order.id and known.body_hash == _body_hash(order, ticket):
        return Placement(known, replayed=True)
    detail = "This client_order_id belongs to another order already."
    raise Refused("idempotency_mismatch", detail, field="client_order_id")


def _body_hash(order: Order, ticket: OrderTicket) -> str:
    """Return the hash of what is asked for; the size of a leg changes by itself and is left out."""
    return (structs.replace(ticket, quantity=ZERO) if order.leg else ticket).body_hash


def may_be_replaced(order: Order) -> bool:
    """Say whether a replace of the order may be asked for as it stands."""
    return not _why_not(order)


def _check_replaceable(order: Order) -> None:
    reason = _why_not(order)
    if reason:
        raise Conflict("order_not_replaceable", reason, order_status=str(order.status))


def _why_not(order: Order) -> str:
    """Say why an order cannot be replaced; empty when it can."""
    status = OrderStatus(order.status)
    if (
        status in _ASKED
        or order.waits_to_replace
        or not lifecycle.may(status, OrderStatus.PENDING_REPLACE)
    ):
        return f"The order is {status.replace('_', ' ')}."
    if order.triggered_at is not None:
        return "Its stop has fired."
    if order.lots:
        return "The order names its lots; cancel it and place another."
    if order.notional is not None:
        return "The order is of an amount; cancel it and place another."
    return ""


def _facts(
    desk: Desk, ticket: OrderTicket, order: Order, members: Sequence[Order], now: datetime
) -> Facts:
    """Return what the rules judge: the rest that is wanted, and what the old order frees.

    An entry is judged with its legs, which do not count as new ones.
    """
    facts = desk.facts(ticket, order.instrument, now)
    account, leaves = facts.account, order.quantity - order.worked_quantity
    is_sell = ticket.side is Side.SELL
    left = replace(
        facts.ticket,
        quantity=ticket.quantity - order.worked_quantity,
        filled_quantity=order.worked_quantity,
    )
    if order.leg:
        left = replace(left, leg=Leg(order.leg))
    elif members:
        left = replace(left, order_class=OrderClass(order.order_class), **asked_legs(members))
    return replace(
        facts,
        ticket=left,
        account=replace(
            account,
            buying_power=account.buying_power + order.reserved,
            available_quantity=account.available_quantity + (leaves if is_sell else ZERO),
            open_orders=account.open_orders - 1 - len(members),
            open_orders_here=account.open_orders_here - 1,
            open_orders_opposite=account.open_orders_opposite - len(members),
            twin=None,
        ),
    )


def _hold(desk: Desk, ticket: OrderTicket, order: Order, facts: Facts, now: datetime) -> Order:
    """Write the held order with what it adds to the reservation, and mark the old one."""
    new = draft(desk, ticket, order.instrument, facts, now)
    new.status, new.replaces = OrderStatus.HELD, order
    new.body_hash = _body_hash(order, ticket)
    new.order_class, new.group_id = order.order_class, order.group_id
    new.parent_id, new.leg = order.parent_id, order.leg
    if order.waits_for_entry:
        forget_mark(new)
    if ticket.side is Side.BUY:
        _hold_cash(desk.balances[ticket.account_id, facts.instrument.currency], order, new, facts)
    elif new.held_shares:
        position = desk.positions[ticket.portfolio_id, order.instrument_id]
        position.reserved_quantity += new.held_shares
        Position.objects.bulk_update([position], ["reserved_quantity"])
    lifecycle.check(OrderStatus(order.status), OrderStatus.PENDING_REPLACE)
    order.status = OrderStatus.PENDING_REPLACE
    order.updated_at = max(now, order.updated_at)
    order.save(update_fields=["status", "updated_at"])
    Order.objects.bulk_create([new])
    tell([order], "order.pending_replace", now)
    tick = desk.quotes.get(order.instrument.symbol)
    tell([new], "order.held", now, {new.id: held(new, facts, tick)})
    return new


def _hold_cash(balance: CashBalance, order: Order, new: Order, facts: Facts) -> None:
    needed = cash_meanwhile(order, facts, new.bound, balance.amount - balance.reserved)
    new.reserved = needed
    balance.reserved += needed
    CashBalance.objects.bulk_update([balance], ["reserved"])
