"""Read the event log."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from bengi.bulk import has_arrays
from bengi.events.models import Event, Stream

Mark = tuple[UUID, int]
"""A stream, and the seq up to which somebody knows it."""
_AFTER_EACH = """
SELECT event.*, mark.after FROM unnest(%s::uuid[], %s::bigint[]) AS mark (stream_id, after)
CROSS JOIN LATERAL (
    SELECT * FROM events_event WHERE stream_id = mark.stream_id AND seq > mark.after
    ORDER BY seq LIMIT %s
) AS event
"""


def events_after(stream_id: UUID, seq: int, limit: int = 500) -> list[Event]:
    """Return the stream's events with a greater seq, oldest first, at most limit of them."""
    found = Event.objects.filter(stream_id=stream_id, seq__gt=seq).order_by("seq")
    return list(found[:limit])


def events_after_each(marks: Collection[Mark], limit: int) -> dict[Mark, list[Event]]:
    """Return for each mark what events_after() does; on PostgreSQL in one statement."""
    if not has_arrays():
        return {mark: events_after(*mark, limit) for mark in marks}
    found: dict[Mark, list[Event]] = defaultdict(list)
    places = [list(column) for column in zip(*marks, strict=True)] or [[], []]
    for event in Event.objects.raw(_AFTER_EACH, [*places, limit]):
        found[event.stream_id, event.after].append(event)  # type: ignore[attr-defined]
    return {mark: sorted(found[mark], key=lambda event: event.seq) for mark in marks}


def events_about(subject: UUID) -> QuerySet[Event]:
    """Return what happened to one row, oldest first."""
    return Event.objects.filter(subject=subject).order_by("seq")


def head_seq(stream_id: UUID) -> int:
    """Return the seq of the stream's newest event, 0 when there is none."""
    seq = Stream.objects.filter(id=stream_id).values_list("seq", flat=True).first()
    return seq or 0


def newest_seq(stream_id: UUID, event_type: str) -> tuple[UUID, int]:
    """Return the stream with the seq of its newest event of a type, which there is."""
    found = Event.objects.filter(stream_id=stream_id, type=event_type).order_by("-seq")
    return stream_id, found.values_list("seq", flat=True)[0]
