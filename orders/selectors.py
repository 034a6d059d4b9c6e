"""Orders as their owner may see them."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from bengi.errors import NotFound
from bengi.listing import in_days
from bengi.terms import Leg, OrderStatus, Side
from orders.models import Order, TradingHalt

_OUT_OF_PLACE = (OrderStatus.REPLACED, OrderStatus.REJECTED)
"""Statuses of orders that gave their place to another, or never came to take one."""


def orders_of(user: User) -> QuerySet[Order]:
    """Return the user's orders, newest first, with their instruments."""
    return Order.objects.filter(account__user=user).select_related("instrument").order_by("-id")


def orders_where(user: User, query: Mapping[str, Any]) -> QuerySet[Order]:
    """Return those of the user's orders for which everything holds that an OrdersInput has read."""
    found = orders_of(user)
    if query["status"] in {"open", "closed"}:
        found = found.filter(closed_at__isnull=query["status"] == "open")
    elif query["status"] != "all":
        found = found.filter(status=query["status"])
    if query["symbol"] is not None:
        found = found.filter(instrument__symbol=query["symbol"].upper())
    for name, column in _EXACT.items():
        if query[name] is not None:
            found = found.filter(**{column: query[name]})
    return in_days(found, "accepted_at", query)


_EXACT = {
    "account": "account_id",
    "portfolio": "portfolio_id",
    "side": "side",
    "type": "type",
    "group_id": "group_id",
    "client_order_id": "client_order_id",
}


def orders_by_key(keys: Iterable[tuple[UUID, str]]) -> QuerySet[Order]:
    """Return the orders that (account, client_order_id) have made before, with instruments.

    Others of the same accounts and words may be among them.
    """
    pairs = list(keys)
    accounts, words = {account for account, _ in pairs}, {word for _, word in pairs}
    found = Order.objects.filter(account_id__in=accounts, client_order_id__in=words)
    return found.select_related("instrument")


def picking_orders(account_ids: Iterable[UUID]) -> QuerySet[Order]:
    """Return the accounts' open sells that name their lots."""
    found = Order.objects.filter(account_id__in=list(account_ids), closed_at__isnull=True)
    return found.filter(side=Side.SELL).exclude(lots=[])


def legs_with(order: Order) -> list[Order]:
    """Return the legs of an order's group beside itself. See legs_of()."""
    return legs_of([order]).get(order.id, [])


def legs_of(orders: Iterable[Order]) -> dict[UUID, list[Order]]:
    """Return the legs beside each order in its group, the take profit first; a leg has none.

    Legs that were replaced are left out, and so is who waits to replace one or was refused to. The
    other leg of an oco is with its take profit. Of simple orders there are none, unasked; one
    statement for all others.
    """
    heads = {order.group_id: order for order in orders if _has_legs(order)}
    if not heads:
        return {}
    found = Order.objects.filter(group_id__in=heads).exclude(leg="")
    rows = found.exclude(status__in=_OUT_OF_PLACE).select_related("instrument", "replaces")
    legs: dict[UUID, list[Order]] = {order.id: [] for order in heads.values()}
    for leg in rows.order_by("-leg", "id"):
        head = heads[leg.group_id]
        if leg.id != head.id and leg.leg != head.leg and not leg.waits_to_replace:
            legs[head.id].append(leg)
    return legs


def _has_legs(order: Order) -> bool:
    is_leg = order.parent_id is not None or order.leg == Leg.STOP_LOSS
    return order.group_id is not None and not is_leg


def group_of(order: Order) -> list[Order]:
    """Return the orders of an order's group, its own too; of a simple one none.

    The entry comes first, then the take profit. Who was replaced, or refused to, is left out.
    """
    if order.group_id is None:
        return []
    found = Order.objects.filter(group_id=order.group_id).exclude(status__in=_OUT_OF_PLACE)
    rows = found.select_related("instrument").order_by("-id")
    return sorted(rows, key=lambda row: (bool(row.leg), row.leg == Leg.STOP_LOSS))


def halted_accounts(account_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return why, for each of the accounts that may place no orders now; one statement."""
    ids = list(account_ids)
    standing = TradingHalt.objects.filter(lifted_at__isnull=True)
    rows = standing.filter(Q(account__isnull=True) | Q(account_id__in=ids))
    return reasons_of(ids, dict(rows.values_list("account_id", "reason")))


def reasons_of(account_ids: Iterable[UUID], reasons: Mapping[UUID | None, str]) -> dict[UUID, str]:
    """Return why each of the accounts may not order; the reason under None is everybody's."""
    found = {account_id: reasons.get(account_id, reasons.get(None)) for account_id in account_ids}
    return {account_id: reason for account_id, reason in found.items() if reason is not None}


def order_of(user: User, order_id: UUID) -> Order:
    """Return an order of the user's. Raises NotFound for an absent one and for others'."""
    order = orders_of(user).filter(id=order_id).first()
    if order is None:
        raise NotFound
    return order
