"""Which moves of trailing stops are booked: at most one a second per order, and before it fires."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from trades.matching.outcomes import Outcome, Trailed, Triggered

BOOKED_EVERY = timedelta(seconds=1)


class Marks:
    """Newest marks of trailing stops that are not booked yet.

    The matcher knows every mark at once; the table follows at most a second later. That is safe:
    if the engine dies in between, the stop comes back where it stood up to a second ago, which is
    further from the market and never nearer than a print has justified. It fires later at most, as
    if that last second's ticks had been missed, and nothing that was told to anybody is taken back.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Trailed, datetime]] = {}
        self._booked_at: dict[str, datetime] = {}

    def hold_back(self, outcomes: Iterable[Outcome], at: datetime) -> list[Outcome]:
        """Return outcomes with the moves taken out, but for those of stops that fire now."""
        found: list[Outcome] = []
        for outcome in outcomes:
            if isinstance(outcome, Trailed):
                self._waiting[outcome.order_id] = outcome, at
                continue
            if isinstance(outcome, Triggered):
                self._booked_at.pop(outcome.order_id, None)
                move = self._waiting.pop(outcome.order_id, None)
                if move is not None:
                    found.append(move[0])
            found.append(outcome)
        return found

    def forget(self, order_id: str) -> None:
        """The order is closed."""
        self._waiting.pop(order_id, None)
        self._booked_at.pop(order_id, None)

    def due(self, now: datetime) -> list[tuple[Trailed, datetime]]:
        """Take out and return the moves to book now, each with the time of its print."""
        if not self._waiting:
            return []
        due = [
            order_id
            for order_id in self._waiting
            if (booked := self._booked_at.get(order_id)) is None or now - booked >= BOOKED_EVERY
        ]
        self._booked_at |= dict.fromkeys(due, now)
        return [self._waiting.pop(order_id) for order_id in due]
