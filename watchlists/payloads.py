"""An alert as the API, the socket and the event log tell it."""

from datetime import datetime
from typing import Any

from bengi.events.services import NewEvent
from bengi.money import plain_or_none
from bengi.realtime.protocol import moment
from watchlists.models import PriceAlert


def alert_shape(alert: PriceAlert) -> dict[str, Any]:
    """Return an alert: what it waits for, what the price was then, and whether it has fired."""
    return {
        "id": str(alert.id),
        "symbol": alert.instrument.symbol,
        "kind": str(alert.kind),
        "price": plain_or_none(alert.price),
        "percent": plain_or_none(alert.percent),
        "reference_price": plain_or_none(alert.reference_price),
        "note": alert.note,
        "status": "waiting" if alert.fired_at is None else "fired",
        "created_at": moment(alert.created_at),
        "fired_at": None if alert.fired_at is None else moment(alert.fired_at),
        "fired_price": plain_or_none(alert.fired_price),
    }


def alert_state(alert: PriceAlert) -> dict[str, Any]:
    """Return what of an alert is nobody's business but is replayed all the same."""
    return {"instrument_id": str(alert.instrument_id), "armed_at": moment(alert.armed_at)}


def alert_event(alert: PriceAlert, what: str, now: datetime, **told: Any) -> NewEvent:
    """Return the event that tells, on the user's own stream, what has become of an alert."""
    payload = {"alert": alert_shape(alert), "state": alert_state(alert), **told}
    return NewEvent(alert.user_id, f"alert.{what}", payload, now, subject=alert.id)
