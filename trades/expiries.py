"""When orders run out of time, and which have: a heap, so that a look costs one comparison.

Most orders are over long before their time. What they leave in the heap is swept out when it is
more than what waits.
"""

import heapq
from collections.abc import Sequence
from datetime import datetime

from bengi.terms import TimeInForce
from orders.models import Order
from orders.rules import AT_A_MOMENT
from trades.matching.outcomes import Expired, Outcome, canceled
from trades.requests import BY_SESSION, Command
from trades.session import SessionHours

SWEPT_FROM = 1_000
"""How much is left lying: a smaller heap is not worth the sweeping."""


class Expiries:
    """The expiries of orders at work; what is for the close comes before what expires then."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, str]] = []
        self._at_work = set[str]()

    def __len__(self) -> int:
        """Return how many are remembered, those of orders that are over too."""
        return len(self._heap)

    def add(self, order: Order, at: datetime) -> None:
        """Remember that an order's time is over at at."""
        rank = 0 if order.time_in_force == TimeInForce.CLS else 1
        heapq.heappush(self._heap, (at, rank, str(order.id)))
        self._at_work.add(str(order.id))

    def forget(self, order_id: str) -> None:
        """The order is closed."""
        self._at_work.discard(order_id)
        if len(self._heap) > SWEPT_FROM + 2 * len(self._at_work):
            self._heap = [entry for entry in self._heap if entry[2] in self._at_work]
            heapq.heapify(self._heap)

    def due(self, now: datetime) -> list[Command]:
        """Take out and return the expiries that are due, in order, of orders at work."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            at, _, order_id = heapq.heappop(self._heap)
            if order_id in self._at_work:
                found.append(Command(at=at, rank=0, expire=order_id))
        return found

    def put_back(self, commands: Sequence[Command]) -> None:
        """Let expiries that were taken out and not worked be due again, before others."""
        for place, command in enumerate(commands):
            if command.expire is not None:
                heapq.heappush(self._heap, (command.at, place - len(commands), command.expire))


def ends_at(order: Order, hours: SessionHours) -> datetime | None:
    """Return when the order's time is over; None for one that is good till canceled."""
    if order.time_in_force in BY_SESSION:
        mic, extended = order.instrument.mic, order.extended_hours
        return hours.closes_at(mic, order.accepted_at, extended_hours=extended)
    return order.expires_at


def is_late(order: Order, hours: SessionHours, now: datetime) -> bool:
    """Say whether the order's time is over by now."""
    over_at = ends_at(order, hours)
    return over_at is not None and over_at <= now


def too_late(order: Order) -> Outcome:
    """Say what becomes of an order whose time was over before it could be worked."""
    if order.time_in_force in AT_A_MOMENT:
        return canceled(str(order.id), f"{order.time_in_force}_remainder")
    return Expired(str(order.id))
