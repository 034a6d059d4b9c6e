"""The event log as documents in MongoDB: a copy to search and to keep elsewhere, never the truth.

Events are copied stream by stream; how far each has come is a row of the database, written after
the server has acknowledged. So whatever is interrupted is copied again, to the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from bengi import mongo
from bengi.events.models import ArchivedStream, Event, Stream

BATCH = 1_000
COLLECTION = "events"
KEY = {"stream": 1, "seq": 1}


class OtherBooks(Exception):
    """The archive holds another event at the place of one of these books."""


def archive_events(*, from_start: bool = False) -> int:
    """Copy the events that the archive has not yet, and return how many were copied.

    from_start: all of them, into an archive that has been emptied. In batches; it may be stopped
    anywhere and run again, or twice at once. Raises StoreAway, OtherBooks.
    """
    if from_start:
        ArchivedStream.objects.all().delete()
    copied = 0
    while events := _waiting():
        _store(events)
        _advance(events)
        copied += len(events)
    return copied


def _waiting() -> list[Event]:
    """Return the next events to copy, those of a stream in its order and without a gap."""
    come_to = Coalesce("archived__seq", Value(0))
    behind = Stream.objects.annotate(come_to=come_to).filter(seq__gt=F("come_to")).order_by("id")
    streams = list(behind.values_list("id", flat=True)[:BATCH])
    come_to = Coalesce("stream__archived__seq", Value(0))
    waiting = Event.objects.filter(stream_id__in=streams).annotate(come_to=come_to)
    return list(waiting.filter(seq__gt=F("come_to")).order_by("stream_id", "seq")[:BATCH])


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


def _advance(events: Sequence[Event]) -> None:
    newest: dict[UUID, int] = {event.stream_id: event.seq for event in events}
    ArchivedStream.objects.bulk_create(
        [ArchivedStream(stream_id=stream_id, seq=seq) for stream_id, seq in newest.items()],
        update_conflicts=True,
        unique_fields=["stream"],
        update_fields=["seq"],
    )
