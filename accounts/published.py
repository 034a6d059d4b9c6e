"""What the house publishes from a day on: fee schedules, regulatory rates, FX rates.

A row is added and never changed: what was in force stays as it was, and orders keep what they had.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction

from accounts.models import FeeSchedule, FxRate, RegulatoryRate, User
from bengi.access import require
from bengi.audit.services import head_of, note
from bengi.errors import Conflict
from bengi.events.services import NewEvent, append
from bengi.ids import derived_id
from bengi.money import plain
from bengi.realtime.protocol import moment

HOUSE = derived_id("house", "rates")
"""The stream of what the house publishes."""

Row = FeeSchedule | RegulatoryRate | FxRate
_NAMES: dict[type[models.Model], str] = {
    FeeSchedule: "fee_schedule",
    RegulatoryRate: "regulatory_rate",
    FxRate: "fx_rate",
}


@transaction.atomic
def publish_row(row: Row, *, by: User | None, now: datetime) -> Row:
    """Write a new row; appends rate.published with all of it.

    Raises Forbidden, and Conflict possible_duplicate where its code, or pair, has a row of then.
    """
    kind = _NAMES[type(row)]
    require(by, f"accounts.add_{type(row)._meta.model_name}")
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        detail = "There is a row of the same name and time already."
        raise Conflict("possible_duplicate", detail) from error
    row.refresh_from_db()
    payload = row_payload(row)
    heads = append([NewEvent(HOUSE, "rate.published", payload, now, subject=row.id)])
    note(
        f"{kind}.added",
        by=by,
        now=now,
        target=f"{kind.replace('_', ' ')} {row.id}",
        details=payload["values"],
        event=head_of(heads, HOUSE),
    )
    return row


def row_payload(row: Row) -> dict[str, Any]:
    """Return a published row as the event log carries it."""
    told = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    told.pop("id")
    values = {name: _plain(value) for name, value in told.items()}
    return {"kind": _NAMES[type(row)], "id": str(row.id), "values": values}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return moment(value)
    return value.isoformat() if isinstance(value, date) else value
