"""The invariant of the audit log: what staff did to the books, somebody is named for."""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import User
from bengi.audit.models import AuditEntry
from bengi.events.models import Event

BY_STAFF = (
    *("account.frozen", "account.limits_changed", "account.released"),
    *("adjustment.approved", "adjustment.declined", "adjustment.requested"),
    *("corporate_action.approved", "corporate_action.canceled", "corporate_action.proposed"),
    *("correction.approved", "correction.declined", "correction.requested"),
    *("instrument.corrected", "instrument.listed", "rate.published"),
    *("trading.halted", "trading.resumed"),
)
"""Events of what nobody but staff does."""
BY_ANYBODY = (
    *("calendar.overridden", "calendar.restored"),
    *("instrument.delisted", "instrument.halted", "instrument.resumed"),
)
"""Events of what parts of the house do too, who are no users."""


def privileged_actions_are_noted() -> Iterator[str]:
    """[36] Each event of what staff did has its row in the audit log, and each row its event."""
    known = AuditEntry.objects.filter(stream__isnull=False).values_list("stream", "seq")
    noted = set(known.iterator())
    told = Event.objects.filter(type__in=[*BY_STAFF, *BY_ANYBODY, "trade.executed"])
    people = {str(pk) for pk in User.objects.values_list("pk", flat=True)}
    for event in told.filter(id__gte=_since()).iterator():
        if _is_of_staff(event, people) and (event.stream_id, event.seq) not in noted:
            yield f"{event.type} of stream {event.stream_id} seq {event.seq} is not noted"
    there = set(Event.objects.filter(stream__in={s for s, _ in noted}).values_list("stream", "seq"))
    for stream, seq in noted - there:
        yield f"the audit log tells of stream {stream} seq {seq}, which is not there"


def _is_of_staff(event: Event, people: set[str]) -> bool:
    if event.type == "trade.executed":
        return "by_hand" in event.payload
    return event.type in BY_STAFF or event.payload["by"] in people


def _since() -> UUID:
    """Return an identifier as old as the audit log: what was done before it has no row."""
    applied = MigrationRecorder(connection).applied_migrations()
    begun: datetime = applied["audit", "0001_initial"].applied
    return UUID(int=int(begun.timestamp() * 1000) << 80)


AUDIT_CHECKS: list[Callable[[], Iterator[str]]] = [privileged_actions_are_noted]
