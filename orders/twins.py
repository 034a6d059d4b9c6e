"""Orders that look like one another: a button pressed twice, or a bot that lost its answer."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
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
    """Return what an order looks like."""
    return _likeness_of(
        Likeness(
            order.account_id,
            order.instrument_id,
            str(order.side),
            str(order.type),
            order.quantity,
            order.notional,
            order.limit_price,
            order.stop_price,
            order.trail_price,
            order.trail_percent,
        )
    )


def recent_orders(
    account_ids: Collection[UUID], instrument_ids: Collection[UUID], now: datetime
) -> dict[Likeness, UUID]:
    """Return the ids of the accounts' orders of the last seconds, by their looks; one statement.

    Of the instruments named alone. What has closed without a fill is nobody's double.
    """
    if not account_ids:
        return {}
    found = Order.objects.filter(
        account_id__in=account_ids, accepted_at__gt=now - WINDOW, instrument_id__in=instrument_ids
    )
    found = found.filter(Q(closed_at__isnull=True) | Q(filled_quantity__gt=0))
    return by_looks(found.order_by("id").values_list("id", *Likeness._fields))


def by_looks(rows: Iterable[tuple[Any, ...]]) -> dict[Likeness, UUID]:
    """Return orders by their looks; rows: the id, then the columns of a Likeness, oldest first."""
    return {_likeness_of(Likeness(*looks)): order_id for order_id, *looks in rows}


def _likeness_of(row: Likeness) -> Likeness:
    """Return what an order looks like by its columns. A stop that trails has moved: its trail
    counts."""
    if row.trail_price is not None or row.trail_percent is not None:
        row = row._replace(stop_price=None)
    return row if row.notional is None else row._replace(quantity=ZERO)
