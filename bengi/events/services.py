"""Append to the event log: dense seq per stream, each event chained to the one before by hash."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from bengi.bulk import has_arrays, insert_values, save_rows
from bengi.events.models import Event, Stream
from bengi.ids import new_id


class NewEvent(msgspec.Struct, frozen=True):
    """An event that is about to happen. payload is JSON-ready: decimals and times as strings.

    subject: the id of the row it tells of, by which events_about() finds it.
    """

    stream_id: UUID
    type: str
    payload: dict[str, Any]
    occurred_at: datetime
    version: int = 1
    subject: UUID | None = None


def append(events: Sequence[NewEvent], locked: Iterable[Stream] = ()) -> dict[UUID, int]:
    """Write events in order, in the caller's transaction; return each stream's newest seq.

    One statement to read and lock the heads, at most three to write, however many events. The
    caller holds the locks of the streams' owners, so a stream's head cannot move meanwhile.
    locked: heads that lock_heads() has returned in this transaction.
    """
    assert connection.in_atomic_block, "an event is written with the change it tells of"
    if not events:
        return {}
    heads = _heads({event.stream_id for event in events}, locked)
    rows = [_next(heads[event.stream_id], event) for event in events]
    save_rows(Stream, heads.values(), ["seq", "head_hash"])
    insert_values(Event, _COLUMNS, rows)
    return {stream.id: stream.seq for stream in heads.values()}


def chain_hash(previous: str, seq: int, event_type: str, version: int, payload: Any) -> str:
    """Return the hex SHA-256 over the hash before and this event's canonical JSON."""
    body = msgspec.json.encode([previous, seq, event_type, version, payload], order="sorted")
    return hashlib.sha256(body).hexdigest()


def lock_heads(stream_ids: Collection[UUID]) -> list[Stream]:
    """Lock streams in id order and return the heads of those that have events.

    On PostgreSQL that can be sent ahead (bengi/ahead.py).
    """
    if has_arrays():
        from bengi.arrays import select  # noqa: PLC0415 - with its driver, where it is used

        keys = [(stream_id,) for stream_id in stream_ids]
        return select(Stream, ["id"], keys, rest=" ORDER BY id FOR UPDATE")
    return list(Stream.objects.filter(id__in=stream_ids))


def _heads(stream_ids: set[UUID], locked: Iterable[Stream]) -> dict[UUID, Stream]:
    heads = {stream.id: stream for stream in locked}
    if unknown := stream_ids - heads.keys():
        found = Stream.objects.select_for_update().filter(id__in=unknown).order_by("id")
        heads |= {stream.id: stream for stream in found}
    return {sid: heads.get(sid) or Stream(id=sid) for sid in sorted(stream_ids)}


def _next(head: Stream, event: NewEvent) -> tuple[Any, ...]:
    """Move a head on to an event and return the event's row. Its payload is encoded once."""
    payload = msgspec.Raw(msgspec.json.encode(event.payload, order="sorted"))
    head.seq += 1
    head.head_hash = chain_hash(head.head_hash, head.seq, event.type, event.version, payload)
    return (
        *(new_id(), head.id, head.seq, event.type, event.version),
        payload if has_arrays() else event.payload,
        *(event.occurred_at, event.subject, head.head_hash),
    )


_COLUMNS = (
    *("id", "stream_id", "seq", "type", "version"),
    *("payload", "occurred_at", "subject", "hash"),
)
