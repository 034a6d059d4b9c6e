"""How far somebody has come who copies the log elsewhere: per stream, in its order, gap-free.

Ids and times of events do not follow commits: a transaction that began first may be seen last. Only
a stream's seq is dense, so that is what a position is: the seq of the newest event that has arrived
where it goes. It is written after that, so whatever is interrupted is copied again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from bengi.events.models import ArchivedStream, Event, RelayedStream, Stream

Position = type[ArchivedStream] | type[RelayedStream]


def behind(position: Position) -> QuerySet[Stream]:
    """Return the streams whose head is ahead of their position, which is come_to, by id."""
    come_to = Coalesce(f"{_name(position)}__seq", Value(0))
    return Stream.objects.annotate(come_to=come_to).filter(seq__gt=F("come_to")).order_by("id")


def next_events(position: Position, limit: int, after: UUID | None = None) -> list[Event]:
    """Return at most limit of the events to copy next, those of a stream together and in order.

    after: only of streams with a greater id. Each stream gets the same share, so that one with a
    long way to go keeps no other waiting. Two statements.
    """
    due = behind(position) if after is None else behind(position).filter(id__gt=after)
    streams = list(due.values_list("id", flat=True)[:limit])
    if not streams:
        return []
    share = limit // len(streams)
    come_to = Coalesce(f"stream__{_name(position)}__seq", Value(0))
    waiting = Event.objects.filter(stream_id__in=streams).annotate(come_to=come_to)
    waiting = waiting.filter(seq__gt=F("come_to"), seq__lte=F("come_to") + share)
    return list(waiting.order_by("stream_id", "seq"))


def move(position: Position, events: Sequence[Event]) -> None:
    """Note that events have arrived, those of a stream in its order. One statement."""
    newest = {event.stream_id: event.seq for event in events}
    rows: list[Any] = [position(stream_id=key, seq=seq) for key, seq in newest.items()]
    position.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["stream"], update_fields=["seq"]
    )


def count_behind(position: Position) -> int:
    """Return how many events have not arrived yet."""
    told = behind(position).order_by().aggregate(all=Sum(F("seq") - F("come_to")))
    return told["all"] or 0


def _name(position: Position) -> str:
    """Return by what name a stream's position is found in a query."""
    return position._meta.get_field("stream").related_query_name()
