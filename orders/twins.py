"""Orders that look like one another: a button pressed twice, or a bot that lost its answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from bengi.money import ZERO
from orders.models import Order

WINDOW = timedelta(seconds=3)
"""How long after an order another one like it may be a mistake."""


class Likeness(NamedTuple):
    """What makes two orders the same to the eye; time in force and lots do not.

    Of an amount, notional, the quantity counts as 0: it moves.
    """

    account_id: UUID
    instrument_id: UUID
    side: str
    type: str
    quantity: Decimal
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_price: Decimal | None
    trail_percent: Decimal | None


def likeness_of(order: Order) -> Likeness:
    """Return what an order looks like. A trailing stop's own stop has moved: its trail counts."""
    follows = order.trail_price is not None or order.trail_percent is not None
    stop = None if follows else order.stop_price
    return Likeness(
        order.account_id,
        order.instrument_id,
        str(order.side),
        str(order.type),
        order.quantity if order.notional is None else ZERO,
        order.notional,
        order.limit_price,
        stop,
        order.trail_price,
        order.trail_percent,
    )


def recent_orders(account_ids: Iterable[UUID], now: datetime) -> dict[Likeness, UUID]:
    """Return the ids of the accounts' orders of the last seconds, by their looks; one statement.

    What has closed without a fill is nobody's double.
    """
    found = Order.objects.filter(account_id__in=list(account_ids), accepted_at__gt=now - WINDOW)
    found = found.filter(Q(closed_at__isnull=True) | Q(filled_quantity__gt=0))
    return {likeness_of(order): order.id for order in found.order_by("id")}
