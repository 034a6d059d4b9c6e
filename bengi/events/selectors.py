"""Read the event log."""

from uuid import UUID

from django.db.models import QuerySet

from bengi.events.models import Event, Stream


def events_after(stream_id: UUID, seq: int, limit: int = 500) -> list[Event]:
    """Return the stream's events with a greater seq, oldest first, at most limit of them."""
    found = Event.objects.filter(stream_id=stream_id, seq__gt=seq).order_by("seq")
    return list(found[:limit])


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
