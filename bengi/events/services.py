"""Append to the event log: dense seq per stream, each event chained to the one before by hash."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from bengi.arrays import select
from bengi.bulk import has_arrays, insert_values, save_rows
from bengi.events.models import Event, Stream
from bengi.ids import new_id


class NewEvent(msgspec.Struct, frozen=True):
    """An event that is about to happen. payload is JSON-ready: decimals and times as strings,
    ids as such or as strings.

    subject: the id of the row it tells of, by which events_about() finds it.
    """

    stream_id: UUID
    type: str
    payload: dict[str, Any]
    occurred_at: datetime
    version: int = 1
    subject: UUID | None = None


def append(events: Sequence[NewEvent], log: "Log | None" = None) -> dict[UUID, int]:
    """Write events in order, in the caller's transaction; return each stream's newest seq.

    One statement to read and lock the heads, at most three to write, however many events. The
    caller holds the locks of the streams' owners, so a stream's head cannot move meanwhile. log:
    that of a caller who has read heads behind those locks, and may append again.
    """
    log = log or Log()
    log.write(events)
    return log.close()


class Log:
    """Appends to streams whose heads are locked, in the caller's transaction.

    heads: what heads_of() has returned in it. Those of other streams are read and locked as they
    are needed, which cannot be sent ahead.
    """

    def __init__(self, heads: Mapping[UUID, Stream] | None = None) -> None:
        self._heads = dict(heads or {})
        self._moved = set[UUID]()

    def write(self, events: Sequence[NewEvent]) -> None:
        """Write events in order."""
        assert connection.in_atomic_block, "an event is written with the change it tells of"
        streams = {event.stream_id for event in events}
        if unknown := streams - self._heads.keys():
            self._heads |= heads_of(unknown, lock_heads(unknown))
        is_encoded = has_arrays()
        rows = [_next(self._heads[event.stream_id], event, is_encoded) for event in events]
        insert_values(Event, _COLUMNS, rows)
        self._moved |= streams

    def close(self) -> dict[UUID, int]:
        """Write the heads; return the newest seq of each stream written to since the last time."""
        heads = [self._heads[stream_id] for stream_id in sorted(self._moved)]
        self._moved.clear()
        save_rows(Stream, heads, ["seq", "head_hash"])
        return {stream.id: stream.seq for stream in heads}


def chain_hash(previous: str, seq: int, event_type: str, version: int, payload: Any) -> str:
    """Return the hex SHA-256 over the hash before and this event's canonical JSON."""
    body = msgspec.json.encode([previous, seq, event_type, version, payload], order="sorted")
    return hashlib.sha256(body).hexdigest()


def lock_heads(stream_ids: Collection[UUID]) -> list[Stream]:
    """Lock streams in id order and return the heads of those that have events.

    On PostgreSQL that can be sent ahead (bengi/ahead.py); the list is filled later then.
    """
    if has_arrays():
        keys = [(stream_id,) for stream_id in stream_ids]
        return select(Stream, ["id"], keys, rest=" ORDER BY id FOR UPDATE")
    return list(Stream.objects.select_for_update().filter(id__in=stream_ids).order_by("id"))


def heads_of(stream_ids: Iterable[UUID], locked: Iterable[Stream]) -> dict[UUID, Stream]:
    """Return the streams' heads by id: those that lock_heads() has found, and new ones."""
    heads = {stream.id: stream for stream in locked}
    return {stream_id: heads.get(stream_id) or Stream(id=stream_id) for stream_id in stream_ids}


def _next(head: Stream, event: NewEvent, is_encoded: bool) -> tuple[Any, ...]:
    """Move a head on to an event and return the event's row. Its payload is encoded once.

    is_encoded: the database takes the payload so; else it goes as it is, with ids as text.
    """
    payload = msgspec.Raw(msgspec.json.encode(event.payload, order="sorted"))
    head.seq += 1
    head.head_hash = chain_hash(head.head_hash, head.seq, event.type, event.version, payload)
    return (
        *(new_id(), head.id, head.seq, event.type, event.version),
        payload if is_encoded else msgspec.to_builtins(event.payload),
        *(event.occurred_at, event.subject, head.head_hash),
    )


_COLUMNS = (
    *("id", "stream_id", "seq", "type", "version"),
    *("payload", "occurred_at", "subject", "hash"),
)
