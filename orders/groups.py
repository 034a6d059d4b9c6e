"""Groups as rows: an order and the legs that were placed with it, and what is open of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from bengi.errors import BengiError, Refused
from bengi.ids import derived_id
from bengi.terms import Leg, OrderClass, OrderStatus, OrderType, Side
from orders.facts import Facts
from orders.group_rules import check_prices
from orders.legs import StopLoss, TakeProfit
from orders.models import Order
from orders.rules import check_leg
from orders.tickets import OrderTicket

PRICES_OF_A_LEG = frozenset({"limit_price", "stop_price", "trail_price", "trail_percent"})
KEPT_BY_AN_ENTRY = frozenset({"time_in_force", "expires_at"})


def leg_tickets(ticket: OrderTicket) -> dict[Leg, OrderTicket]:
    """Return the tickets of the legs that a ticket asks for besides its own order.

    An oco is its own take profit. The keys are given when the group has its id.
    """
    is_pair = ticket.order_class is OrderClass.OCO
    asked: dict[Leg, TakeProfit | StopLoss | None] = {
        Leg.TAKE_PROFIT: None if is_pair else ticket.take_profit,
        Leg.STOP_LOSS: ticket.stop_loss,
    }
    return {leg: _ticket(ticket, parts) for leg, parts in asked.items() if parts is not None}


def join(order: Order, legs: dict[Leg, Order]) -> None:
    """Make a group of an order as it is placed and its legs; those of an entry are held for it."""
    is_pair = order.order_class == OrderClass.OCO
    order.group_id = order.id
    order.leg = Leg.TAKE_PROFIT if is_pair else ""
    for leg, one in legs.items():
        one.order_class, one.group_id, one.leg = order.order_class, order.id, leg
        one.client_order_id = str(derived_id("leg", order.id, leg))
        if not is_pair:
            one.status, one.parent = OrderStatus.HELD, order
            forget_mark(one)


def forget_mark(leg: Order) -> None:
    """Let a trailing leg that waits have no stop yet: it starts where its entry is filled."""
    if leg.type == OrderType.TRAILING_STOP:
        leg.stop_price = leg.high_water_mark = None


def open_members(order: Order) -> list[Order]:
    """Return the other open orders of the order's group; of a simple order none, unasked."""
    if order.group_id is None:
        return []
    found = Order.objects.filter(group_id=order.group_id, closed_at__isnull=True)
    others = found.exclude(id=order.id).select_related("instrument", "replaces")
    return [other for other in others if not other.waits_to_replace]


def asked_legs(legs: Iterable[Order]) -> dict[str, Any]:
    """Return the legs there are as a ticket asks for them."""
    found: dict[str, Any] = {}
    for leg in legs:
        if leg.leg == Leg.TAKE_PROFIT:
            assert leg.limit_price is not None
            found["take_profit"] = TakeProfit(leg.limit_price)
        elif leg.leg == Leg.STOP_LOSS:
            trails = leg.type == OrderType.TRAILING_STOP
            found["stop_loss"] = StopLoss(
                stop_price=None if trails else leg.stop_price,
                limit_price=leg.limit_price,
                trail_price=leg.trail_price,
                trail_percent=leg.trail_percent,
            )
    return found


def check_changes(order: Order, changes: Iterable[str]) -> None:
    """Refuse to change of one order what belongs to its group.

    Raises Refused unsupported_combination: the size and the time of a leg are those of its group,
    and so is the time of an entry.
    """
    if order.group_id is None:
        return
    kept = [
        name
        for name in changes
        if (name not in PRICES_OF_A_LEG if order.leg else name in KEPT_BY_AN_ENTRY)
    ]
    if kept:
        detail = f"The {kept[0].replace('_', ' ')} is that of the whole group; place another."
        raise Refused("unsupported_combination", detail, field=kept[0])


def check_changed_leg(facts: Facts, leg: Order, members: Sequence[Order]) -> list[BengiError]:
    """Return why a leg may not have the prices that facts ask for, beside what the group has.

    While it waits it is measured from its entry, afterwards from the market and the other leg.
    """
    asked = facts.ticket
    errors = check_leg(facts)
    if errors:
        return errors
    legs = asked_legs([other for other in members if other.leg])
    legs |= asked_legs([_as_asked(leg, facts)])
    entry = next((other for other in members if not other.leg), None)
    if entry is not None and leg.waits_for_entry:
        whole = replace(
            asked,
            side=Side(entry.side),
            type=OrderType(entry.type),
            limit_price=entry.limit_price,
            stop_price=entry.stop_price,
            trail_price=entry.trail_price,
            trail_percent=entry.trail_percent,
        )
    else:
        limit = legs["take_profit"].limit_price if "take_profit" in legs else None
        whole = replace(asked, type=OrderType.LIMIT, limit_price=limit, stop_price=None)
    order_class = OrderClass.BRACKET if leg.waits_for_entry else OrderClass.OCO
    whole = replace(whole, order_class=order_class, **legs)
    found = list(check_prices(replace(facts, ticket=whole)))
    for error in found:
        error.field = (error.field or "").rpartition(".")[2]
    return found


def _as_asked(leg: Order, facts: Facts) -> Order:
    ticket = facts.ticket
    return Order(
        leg=leg.leg,
        type=ticket.type,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        trail_price=ticket.trail_price,
        trail_percent=ticket.trail_percent,
    )


def _ticket(ticket: OrderTicket, asked: TakeProfit | StopLoss) -> OrderTicket:
    stop = asked if isinstance(asked, StopLoss) else None
    return msgspec.structs.replace(
        ticket,
        side=Side.SELL,
        type=OrderType.LIMIT if stop is None else stop.type,
        client_order_id="",
        limit_price=asked.limit_price,
        stop_price=stop.stop_price if stop else None,
        trail_price=stop.trail_price if stop else None,
        trail_percent=stop.trail_percent if stop else None,
        order_class=OrderClass.SIMPLE,
        take_profit=None,
        stop_loss=None,
    )
