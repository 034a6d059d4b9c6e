"""Write the audit log, in the transaction of what it tells of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from bengi.audit.models import TARGET_LENGTH_MAX, AuditEntry
from bengi.audit.origin import current
from bengi.events.services import NewEvent

Actor = AbstractBaseUser | None
Doer = AbstractBaseUser | str | None
"""A person, a part of the house by name, as "engine", or None: the command line.

What a part of the house does is in its event alone; the others' deeds are noted here too.
"""


@dataclass(frozen=True, slots=True)
class Note:
    """One privileged action.

    details is JSON-ready; event is the stream and seq of the event that tells the same.
    """

    action: str
    target: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    event: tuple[UUID, int] | None = None


def note(
    action: str,
    *,
    by: Actor,
    now: datetime,
    target: str = "",
    details: dict[str, Any] | None = None,
    event: tuple[UUID, int] | None = None,
) -> AuditEntry:
    """Write one row: who did what to what, when, from where.

    by is None where nobody is known: a stranger, or the command line. Address and id are those of
    the request being answered, and empty where there is none.
    Never put a secret into details.
    """
    one = Note(action, target, details or {}, event)
    (entry,) = note_all([one], by=by, now=now)
    return entry


def note_all(notes: Sequence[Note], *, by: Actor, now: datetime) -> list[AuditEntry]:
    """Write one row for each action that somebody did at once; one statement."""
    origin = current()
    rows = []
    for each in notes:
        stream, seq = each.event or (None, None)
        row = AuditEntry(
            at=now,
            actor_id=by.pk if by is not None else None,
            action=each.action,
            target=each.target[:TARGET_LENGTH_MAX],
            details=each.details,
            stream=stream,
            seq=seq,
            address=origin.address,
            request_id=origin.request_id,
        )
        rows.append(row)
    return AuditEntry.objects.bulk_create(rows)


def name_of(by: Doer) -> str:
    """Return who did something as events tell it: a person's id, or a name."""
    if by is None:
        return "command line"
    return by if isinstance(by, str) else str(by.pk)


def seqs_of(events: Sequence[NewEvent], heads: Mapping[UUID, int]) -> list[tuple[UUID, int]]:
    """Return stream and seq of each event that append() has just written, and answered heads to."""
    left = Counter(event.stream_id for event in events)
    found = []
    for event in events:
        left[event.stream_id] -= 1
        found.append((event.stream_id, heads[event.stream_id] - left[event.stream_id]))
    return found


def head_of(heads: Mapping[UUID, int], stream_id: UUID) -> tuple[UUID, int]:
    """Return the newest event of a stream, of what append() has answered."""
    return stream_id, heads[stream_id]
