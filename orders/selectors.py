"""Orders as their owner may see them."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from bengi.errors import NotFound
from bengi.terms import Leg, OrderStatus, Side
from orders.models import Order, TradingHalt

_OUT_OF_PLACE = (OrderStatus.REPLACED, OrderStatus.REJECTED)
"""Statuses of orders that gave their place to another, or never came to take one."""


def orders_of(user: User) -> QuerySet[Order]:
    """Return the user's orders, newest first, with their instruments."""
    return Order.objects.filter(account__user=user).select_related("instrument").order_by("-id")


def open_orders_of(user: User, portfolio_id: UUID | None = None) -> QuerySet[Order]:
    """Return the user's open orders, newest first; of one portfolio when it is named."""
    found = orders_of(user).filter(closed_at__isnull=True)
    return found if portfolio_id is None else found.filter(portfolio_id=portfolio_id)


def picking_orders(account_ids: Iterable[UUID]) -> QuerySet[Order]:
    """Return the accounts' open sells that name their lots."""
    found = Order.objects.filter(account_id__in=list(account_ids), closed_at__isnull=True)
    return found.filter(side=Side.SELL).exclude(lots=[])


def legs_with(order: Order) -> list[Order]:
    """Return the legs of an order's group beside itself, the take profit first; a leg has none.

    Legs that were replaced are left out, and so is who waits to replace one or was refused to. The
    other leg of an oco is with its take profit. Of a simple order there are none, unasked.
    """
    if order.group_id is None or order.parent_id is not None or order.leg == Leg.STOP_LOSS:
        return []
    found = Order.objects.filter(group_id=order.group_id).exclude(leg="")
    others = found.exclude(id=order.id).exclude(leg=order.leg or None)
    legs = others.exclude(status__in=_OUT_OF_PLACE).select_related("instrument", "replaces")
    return [leg for leg in legs.order_by("-leg", "id") if not leg.waits_to_replace]


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
    reasons: dict[UUID | None, str] = dict(rows.values_list("account_id", "reason"))
    found = {account_id: reasons.get(account_id, reasons.get(None)) for account_id in ids}
    return {account_id: reason for account_id, reason in found.items() if reason is not None}


def order_of(user: User, order_id: UUID) -> Order:
    """Return an order of the user's. Raises NotFound for an absent one and for others'."""
    order = orders_of(user).filter(id=order_id).first()
    if order is None:
        raise NotFound
    return order
