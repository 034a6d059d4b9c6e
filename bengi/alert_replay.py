"""The part of the replay that is about price alerts: each event tells the whole of one.

Alerts of before these events were told have none: only what the log tells of is compared.
"""

from collections.abc import Iterator
from typing import Any

from watchlists.models import PriceAlert
from watchlists.payloads import alert_shape, alert_state

FoldedAlerts = dict[str, dict[str, Any] | None]
"""alert id -> what it is, with whose it is; None where it has been deleted."""


def fold_alert(
    state: FoldedAlerts, event_type: str, payload: dict[str, Any], stream_id: str
) -> None:
    """Carry state forward by one event."""
    alert = {**payload["alert"], **payload["state"], "user_id": stream_id}
    state[alert["id"]] = None if event_type == "alert.deleted" else alert


def folded_alert_lines(state: FoldedAlerts) -> Iterator[str]:
    """Yield what the events tell, one line per alert."""
    yield from (_line(alert) for alert in state.values() if alert is not None)


def table_alert_lines(state: FoldedAlerts) -> Iterator[str]:
    """Yield what the table holds of the same alerts, in the same lines."""
    for alert in PriceAlert.objects.filter(id__in=list(state)).select_related("instrument"):
        yield _line({**alert_shape(alert), **alert_state(alert), "user_id": str(alert.user_id)})


def _line(alert: dict[str, Any]) -> str:
    return "alert " + " ".join(f"{key}={alert[key]}" for key in sorted(alert))
