"""Many orders are asked to go at once; only the engine closes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Value
from django.db.models.functions import Greatest

from accounts.models import Account, User
from accounts.selectors import account_of
from accounts.services import lock_accounts
from bengi.retries import retried
from bengi.terms import OrderStatus, Side
from orders import lifecycle
from orders.models import Order
from orders.selectors import orders_where
from orders.services import tell

CANCELABLE = [
    status.value
    for status in OrderStatus
    if status not in {OrderStatus.HELD, OrderStatus.PENDING_CANCEL}
    and lifecycle.may(status, OrderStatus.PENDING_CANCEL)
]


@retried
def cancel_all(
    user: User,
    *,
    now: datetime,
    account_id: UUID | None = None,
    symbol: str | None = None,
    side: Side | None = None,
) -> list[Order]:
    """Ask for the user's open orders to be canceled, of all or of what is named; return those.

    A leg that waits for its entry goes with it, and what waits to replace another with that one.
    Who was asked before is not asked again. Raises NotFound for an account that is not the user's.
    """
    accounts = Account.objects.filter(user=user)
    if account_id is not None:
        accounts = accounts.filter(id=account_of(user, account_id).id)
    ids = list(lock_accounts(accounts.values_list("id", flat=True)))
    found = Order.objects.filter(account_id__in=ids)
    if symbol is not None:
        found = found.filter(instrument__symbol=symbol.upper())
    if side is not None:
        found = found.filter(side=side)
    return ask_to_cancel(found, now=now)


@retried
def cancel_where(user: User, query: Mapping[str, Any], newest: UUID, *, now: datetime) -> int:
    """Ask for those of the user's orders to be canceled for which query holds; return how many.

    query: as orders_where() takes it. newest: the newest order that was there when they were
    looked at; what came later is left alone.
    """
    list(lock_accounts(Account.objects.filter(user=user).values_list("id", flat=True)))
    found = orders_where(user, query).filter(id__lte=newest)
    return len(ask_to_cancel(found, now=now))


def cancelable(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return those of the orders that can be asked to go."""
    return orders.filter(closed_at__isnull=True, status__in=CANCELABLE)


def ask_to_cancel(orders: QuerySet[Order], *, now: datetime) -> list[Order]:
    """Ask the engine to cancel those of the orders that can be; return them, pending.

    One statement changes all of them. The caller has locked the orders' accounts.
    """
    asked = cancelable(orders)
    found = list(asked.select_related("instrument").order_by("account_id", "id"))
    for order in found:
        lifecycle.check(OrderStatus(order.status), OrderStatus.PENDING_CANCEL)
        order.status = OrderStatus.PENDING_CANCEL
        order.updated_at = max(now, order.updated_at)
    asked.order_by().update(
        status=OrderStatus.PENDING_CANCEL, updated_at=Greatest("updated_at", Value(now))
    )
    tell(found, "order.pending_cancel", now)
    return found
