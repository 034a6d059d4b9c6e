"""The event log as documents in MongoDB: a copy to search and to keep elsewhere, never the truth.

Events are copied stream by stream; how far each has come is a row of the database, written after
the server has acknowledged. So whatever is interrupted is copied again, to the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from bengi import clock, mongo
from bengi.events.models import ArchivedStream, Event
from bengi.events.positions import move, next_events
from bengi.ids import new_id
from bengi.leases.services import LeaseLost, hold, release, take, take_over, this_process

BATCH = 1_000
COLLECTION = "events"
KEY = {"stream": 1, "seq": 1}


ARCHIVE, LASTS = "archive", timedelta(seconds=60)
"""The duty of copying. So long a copier may take for a batch, or is missed when it dies."""


class OtherBooks(Exception):
    """The archive holds another event at the place of one of these books."""


def archive_events(*, from_start: bool = False, wall: Callable[[], datetime] = clock.wall) -> int:
    """Copy the events that the archive has not yet, and return how many were copied.

    from_start: all of them, into an archive that has been emptied; whoever copies meanwhile is
    stopped. In batches; it may be stopped anywhere and run again. wall: the machine's time.
    Raises StoreAway, OtherBooks, and LeaseLost where another process copies.
    """
    copier, copied = new_id(), 0
    try:
        _begin(copier, wall(), from_start)
        while events := next_events(ArchivedStream, BATCH):
            _store(events)
            with transaction.atomic():
                hold(ARCHIVE, copier, wall(), LASTS)
                move(ArchivedStream, events)
            copied += len(events)
    finally:
        release(ARCHIVE, copier)
    return copied


@transaction.atomic
def _begin(copier: UUID, now: datetime, from_start: bool) -> None:
    """Take the duty. To begin anew it is taken from whoever has it, who then notes nothing more.

    Else one that has read and copied before would say of an emptied archive that it has it all.
    """
    by = this_process()
    if from_start:
        take_over(ARCHIVE, copier, by, now, LASTS)
        ArchivedStream.objects.all().delete()
    elif not take(ARCHIVE, copier, by, now, LASTS):
        raise LeaseLost


def _store(events: Sequence[Event]) -> None:
    from pymongo import UpdateOne  # noqa: PLC0415 - only with the setting

    writes = [
        UpdateOne(
            {"stream": event.stream_id, "seq": event.seq, "hash": event.hash},
            {"$setOnInsert": _rest(event)},
            upsert=True,
        )
        for event in events
    ]
    try:
        mongo.upsert(COLLECTION, KEY, writes)
    except mongo.Taken as error:
        raise OtherBooks(f"the archive is of other books: {error}") from error


def _rest(event: Event) -> dict[str, Any]:
    """Return what a document holds beside stream, seq and hash.

    MongoDB's times end at the millisecond; occurred_us is what is left of the microseconds.
    """
    return {
        "event": event.id,
        "type": event.type,
        "version": event.version,
        "payload": event.payload,
        "occurred_at": event.occurred_at,
        "occurred_us": event.occurred_at.microsecond % 1000,
        "subject": event.subject,
    }
