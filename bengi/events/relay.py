"""Publish the event log: each event at least once, those of a stream in order, nothing left out.

A batch has some events of every stream that is due; where those are too many, streams are gone
round by id. A batch is published, and only once all
of it is acknowledged do the streams' positions move. A relay that dies between the two publishes
the batch again: who reads knows a repetition by a seq of its stream that it has seen.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from django.db import transaction

from bengi.crash_points import crash_point
from bengi.events.lease import note_published, take_lease
from bengi.events.models import Event, RelayedStream
from bengi.events.positions import move, next_events
from bengi.ids import new_id

BATCH = 1_000

Publish = Callable[[Sequence[Event]], None]
"""Returns once all of them are durable elsewhere, else raises."""


class Relay:
    """Publishes what is due, batch by batch. For one thread; any number of relays may run."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._after: UUID | None = None
        self.holder = new_id()
        self.is_active = False
        """Whether the last turn found that it is this relay's to publish."""

    def turn(self, now: datetime) -> int:
        """Publish one batch and return how many events; 0 when none is due or another relay works.

        Raises what publish raises, and LeaseLost: positions have not moved then.
        """
        self.is_active = take_lease(self.holder, now)
        if not self.is_active:
            return 0
        events = self._next()
        if events:
            self._publish(in_order(events))
            crash_point("relay.published")
            with transaction.atomic():
                note_published(self.holder, now)
                move(RelayedStream, events)
            is_cut_off = len({event.stream_id for event in events}) == BATCH
            self._after = events[-1].stream_id if is_cut_off else None
        return len(events)

    def _next(self) -> list[Event]:
        """Return the next batch: streams after the last one's, or the first ones again."""
        events = next_events(RelayedStream, BATCH, self._after) if self._after else []
        return events or next_events(RelayedStream, BATCH)


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return events so that a stream's stay in its order, and streams' are about as they happened.

    events: those of a stream stand together. An id tells when an event was written, not when it was
    committed, and by another machine's clock too; so it decides between streams only.
    """
    streams = [list(each) for _, each in groupby(events, key=attrgetter("stream_id"))]
    return list(heapq.merge(*streams, key=attrgetter("id")))
