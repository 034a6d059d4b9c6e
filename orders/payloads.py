"""An order as JSON: the one shape that the API, the socket and the event log share."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from bengi.money import plain, plain_or_none
from orders.models import Order


def order_payload(order: Order, symbol: str) -> dict[str, Any]:
    """Return the order as a client sees it. Decimals are strings, times RFC 3339 in UTC."""
    return {
        "id": str(order.id),
        "client_order_id": order.client_order_id,
        "account_id": _text(order.account_id),
        "portfolio_id": _text(order.portfolio_id),
        "symbol": symbol,
        "side": str(order.side),
        "type": str(order.type),
        "time_in_force": str(order.time_in_force),
        "quantity": plain(order.quantity),
        "notional": plain_or_none(order.notional),
        "extended_hours": order.extended_hours,
        "limit_price": plain_or_none(order.limit_price),
        "stop_price": plain_or_none(order.stop_price),
        "trail_price": plain_or_none(order.trail_price),
        "trail_percent": plain_or_none(order.trail_percent),
        "expires_at": moment(order.expires_at),
        "high_water_mark": plain_or_none(order.high_water_mark),
        "realism": str(order.realism),
        "lots": order.lots,
        "replaces": str(order.replaces_id) if order.replaces_id else None,
        "replaced_by": str(order.replaced_by) if order.replaced_by else None,
        "order_class": str(order.order_class),
        "group_id": str(order.group_id) if order.group_id else None,
        "parent_id": str(order.parent_id) if order.parent_id else None,
        "leg": str(order.leg) or None,
        "status": str(order.status),
        "filled_quantity": plain(order.filled_quantity),
        "busted_quantity": plain(order.busted_quantity),
        "leaves_quantity": plain(order.leaves_quantity),
        "average_price": plain_or_none(order.average_price),
        "reserved": plain(order.reserved),
        "commission": plain(order.commission),
        "fees": plain(order.fees),
        "reason": order.reason,
        "accepted_at": moment(order.accepted_at),
        "updated_at": moment(order.updated_at),
        "triggered_at": moment(order.triggered_at),
        "released_at": moment(order.released_at),
        "closed_at": moment(order.closed_at),
    }


@lru_cache(maxsize=10_000)
def _text(key: UUID) -> str:
    """Return an id as text: the same accounts and instruments come again and again."""
    return str(key)


def order_state(order: Order) -> dict[str, Any]:
    """Return what the tables know of an order beyond its payload, so that a replay can fold it."""
    return {
        "instrument_id": _text(order.instrument_id),
        "body_hash": order.body_hash,
        "protection_price": plain_or_none(order.protection_price),
        "filled_value": plain(order.filled_value),
        "busted_value": plain(order.busted_value),
        "fee_schedule_id": _text(order.fee_schedule_id),
        "month_volume": plain(order.month_volume),
        "priority": order.priority,
    }


@lru_cache(maxsize=10_000)
def moment(value: datetime | None) -> str | None:
    """Write an aware time as RFC 3339 in UTC with Z, to the microsecond.

    A batch tells of few moments, many times; equal ones are written the same.
    """
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
