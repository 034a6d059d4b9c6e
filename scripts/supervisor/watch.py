"""Start children one after the other, start again what dies, stop all in reverse order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.supervisor.children import Child, Order, Say

NAME = "bengi"
BACKOFF_S = (1, 2, 4, 8, 16, 30)
"""How long each further start in a row waits."""
GOOD_AFTER_S = 60
"""Who has run for so long begins the row anew when it dies."""
LOOK_S = 0.2
END_LOOK_S = 0.02
"""How often one that is asked to end is looked at, and whether there is a hurry meanwhile."""


class DidNotStart(Exception):
    """A process ended, or did not become well in time; the message says which."""


@dataclass
class _Watched:
    child: Child
    began_s: float
    deaths: int = 0
    again_at_s: float | None = None


class Supervisor:
    """Looks after children. A signal handler may call stop_soon(); all else is one thread's.

    What the handler says is a plain number: it interrupts the thread that would hold a lock.
    """

    def __init__(self, say: Say, now_s: Callable[[], float] = time.monotonic) -> None:
        self._say, self._now_s = say, now_s
        self._times_asked = 0
        self._watched: list[_Watched] = []

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._times_asked > 0

    @property
    def is_hurried(self) -> bool:
        """Whether somebody has asked for it again, and waits for nobody."""
        return self._times_asked > 1

    def stop_soon(self) -> None:
        """Let watch() return; asked for again, the end waits for nobody."""
        self._times_asked += 1

    def run_to_end(self, order: Order) -> None:
        """Run what ends by itself. Raises DidNotStart when it ends badly."""
        child = self._start(order)
        while child.exit_code is None and not self._is_told_after(LOOK_S):
            pass
        child.ask_to_end()
        self._end(child)
        if child.exit_code and not self.is_stopping:
            raise DidNotStart(f"{order.name} ended with code {child.exit_code}")

    def start(self, orders: Sequence[Order], *, within_s: float) -> None:
        """Start them in their order and wait until all are well. Raises DidNotStart."""
        fresh = []
        for order in orders:
            fresh.append(_Watched(self._start(order), self._now_s()))
            self._watched.append(fresh[-1])
            self._tell_pid(fresh[-1].child)
        deadline_s = self._now_s() + within_s
        for each in fresh:
            self._await(each.child, deadline_s)

    def watch(self) -> None:
        """Start again what dies, until somebody asks for the end."""
        while not self._is_told_after(LOOK_S):
            for each in self._watched:
                self._look(each)

    def stop(self) -> None:
        """Stop all, the last first, each within its time; in a hurry at once."""
        for each in reversed(self._watched):
            each.child.ask_to_end()
            if not self._end(each.child):
                self._say(NAME, f"{each.child.order.name} had to be killed")
        self._watched.clear()

    def _end(self, child: Child) -> bool:
        """Wait for the end of one that was asked, then kill what is left; return whether it kept.

        A hurry ends the wait, also one that begins meanwhile.
        """
        deadline_s = time.monotonic() + child.order.stop_s
        while child.exit_code is None and time.monotonic() < deadline_s and not self.is_hurried:
            time.sleep(END_LOOK_S)
        return child.end(0)

    def _is_told_after(self, seconds: float) -> bool:
        """Wait, and return whether somebody has asked for the end."""
        if not self.is_stopping:
            time.sleep(seconds)
        return self.is_stopping

    def _start(self, order: Order) -> Child:
        child = Child(order, self._say)
        try:
            child.start()
        except OSError as error:
            raise DidNotStart(f"{order.name} does not start: {error.strerror}") from error
        return child

    def _tell_pid(self, child: Child) -> None:
        self._say(NAME, f"{child.order.name} is process {child.pid}")

    def _await(self, child: Child, deadline_s: float) -> None:
        while not self.is_stopping:
            if child.exit_code is not None:
                raise DidNotStart(f"{child.order.name} ended with code {child.exit_code}")
            if child.order.is_well():
                return
            if self._now_s() > deadline_s:
                raise DidNotStart(f"{child.order.name} did not become well in time")
            self._is_told_after(LOOK_S)

    def _look(self, each: _Watched) -> None:
        """See whether one has died, and start it again when its time has come."""
        now_s, child = self._now_s(), each.child
        if each.again_at_s is not None:
            if now_s >= each.again_at_s:
                each.again_at_s, each.began_s = None, now_s
                each.child = self._start(child.order)
                self._tell_pid(each.child)
            return
        if child.exit_code is None:
            return
        each.deaths = 1 if now_s - each.began_s >= GOOD_AFTER_S else each.deaths + 1
        wait_s = BACKOFF_S[min(each.deaths, len(BACKOFF_S)) - 1]
        each.again_at_s = now_s + wait_s
        code, name = child.exit_code, child.order.name
        child.end(0)
        self._say(NAME, f"{name} ended with code {code}; it starts again in {wait_s} s")
