"""Append to the event log: dense seq per stream, each event chained to the one before by hash."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from bengi.bulk import insert_rows, upsert_rows
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


def append(events: Sequence[NewEvent]) -> dict[UUID, int]:
    """Write events in order, in the caller's transaction; return each stream's newest seq.

    Two statements to read and lock the heads, two to write, however many events. The caller holds
    the locks of the streams' owners, so a stream's head cannot move meanwhile.
    """
    assert connection.in_atomic_block, "an event is written with the change it tells of"
    if not events:
        return {}
    heads = _heads({event.stream_id for event in events})
    rows = [_next(heads[event.stream_id], event) for event in events]
    upsert_rows(Stream, heads.values(), ["seq", "head_hash"])
    insert_rows(Event, rows)
    return {stream.id: stream.seq for stream in heads.values()}


def chain_hash(previous: str, seq: int, event_type: str, version: int, payload: Any) -> str:
    """Return the hex SHA-256 over the hash before and this event's canonical JSON."""
    body = msgspec.json.encode([previous, seq, event_type, version, payload], order="sorted")
    return hashlib.sha256(body).hexdigest()


def _heads(stream_ids: set[UUID]) -> dict[UUID, Stream]:
    found = Stream.objects.select_for_update().filter(id__in=stream_ids).order_by("id")
    heads = {stream.id: stream for stream in found}
    return {sid: heads.get(sid) or Stream(id=sid) for sid in sorted(stream_ids)}


def _next(head: Stream, event: NewEvent) -> Event:
    head.seq += 1
    head.head_hash = chain_hash(head.head_hash, head.seq, event.type, event.version, event.payload)
    return Event(
        id=new_id(),
        stream_id=head.id,
        seq=head.seq,
        type=event.type,
        version=event.version,
        payload=event.payload,
        occurred_at=event.occurred_at,
        subject=event.subject,
        hash=head.head_hash,
    )
