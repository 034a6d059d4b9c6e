"""The event log as documents in MongoDB: a copy to search and to keep elsewhere, never the truth.

Events are copied stream by stream; how far each has come is a row of the database, written after
the server has acknowledged. So whatever is interrupted is copied again, to the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bengi import mongo
from bengi.events.models import ArchivedStream, Event
from bengi.events.positions import move, next_events

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
    while events := next_events(ArchivedStream, BATCH):
        _store(events)
        move(ArchivedStream, events)
        copied += len(events)
    return copied


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
