"""Moves of the clock and of the processes: waiting, closing bells, restarts and second engines."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.state.draws import soon
from tests.state.stage import FED, quote

SESSIONS_MAX = 8
"""How often an example may go to another day."""


class ClockMoves:
    @rule(seconds=st.sampled_from([0, 5, 16, 120]), times=st.sampled_from([1, 1, 2]))
    def wait(self, *, seconds, times):
        """Time passes, and nudges come once or twice."""
        self.pass_time(seconds)
        for _ in range(times):
            self.drain()

    @precondition(lambda self: self.sessions < SESSIONS_MAX)
    @rule(seconds=st.sampled_from([-1, 0, 1]), is_quoted=st.booleans(), is_soon=soon,
          stay=st.sampled_from([False, False, True]))  # fmt: skip
    def close(self, *, seconds, is_quoted, is_soon, stay):
        """Go to the exchange's close, and mostly on to its next opening.

        The first nights lead over what the season is named after: a week-end on which the clocks
        change, a holiday, a short day.
        """
        self.sessions += 1
        if self.model.is_open(FED, self.now):
            closes_at = self.model.calendar.next_close("new york", self.now)
            if is_quoted and self.now < closes_at - timedelta(seconds=5):
                self.here.now = closes_at - timedelta(seconds=5)
                self.hear(quote(FED, "9.99", "10.01", 3, self.now), is_soon)
            self.here.now = max(self.now, closes_at + timedelta(seconds=seconds))
            self.drain(is_soon)
        if not stay:
            self.here.now = self.model.calendar.next_open(self.now)
            self.hear(quote(FED, "10.00", "10.01", 2, self.now), is_soon)

    @rule(is_soon=soon, what=st.sampled_from(["restart", "second engine"]))
    def process(self, *, is_soon, what):
        """The engine is restarted, or another one takes over from one that is only paused."""
        if self.product.paused is not None:
            self.seen["fenced"] += self.product.wake_paused(self.now)
        elif what == "restart":
            self.product.restart()
            self.model.engine.restart()
            self.drain(is_soon)
        else:
            self.product.take_over(self.now)
            self.model.lose_ticks()
            self.model.engine.restart()
            self.model.engine.drain(self.now)
