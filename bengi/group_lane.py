"""Group commit for an event loop: one thread does the work of all who wait on it.

As in bengi/group_commit.py nobody waits for company. While the thread is at work, others sit down;
when it is done, it takes all of them. On the loop an item costs a future and a place in a queue,
and the answers to a group come back to it in one step.
"""

import asyncio
import contextlib
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bengi.group_commit import too_many, too_slow, unavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

BREATH_S = 0.001
"""After a group its thread lets the loop answer, and read what has come meanwhile: the next group
is the larger for it. Who comes while nothing is under way does not wait for it."""
IDLE_S = 1.0
"""After so long without work its thread rests: gives back what it has kept for the next group."""


class Waiter(Generic[T, R]):
    """One item and where its answer goes."""

    __slots__ = ("answer", "gives_up_s", "item")

    def __init__(self, item: T, answer: "asyncio.Future[R]", gives_up_s: float) -> None:
        self.item, self.answer, self.gives_up_s = item, answer, gives_up_s


class GroupLane(Generic[T, R]):
    """Belongs to one loop, whose thread calls submit(); another one runs run() until stop().

    work(items) returns an answer for each item, in their order. What it raises, all of them are
    told.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R]],
        *,
        group_max: int,
        waiting_max: int,
        patience_s: float,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._work, self._rest = work, rest
        self._group_max, self._waiting_max = group_max, waiting_max
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Waiter[T, R] | None] = queue.SimpleQueue()
        self._unanswered: deque[Waiter[T, R]] = deque()
        self._is_watched = self._is_stopping = False

    def submit(self, item: T) -> "asyncio.Future[R]":
        """Return what will be the answer.

        Raises Unavailable where too many wait, and so does the future that has waited for
        patience_s. Then it may yet be done, as whenever an answer gets lost.
        """
        if self._queue.qsize() >= self._waiting_max:
            raise too_many()
        waiter: Waiter[T, R] = Waiter(
            item, self._loop.create_future(), self._loop.time() + self._patience_s
        )
        self._unanswered.append(waiter)
        self._queue.put(waiter)
        if not self._is_watched:
            self._watch()
        return waiter.answer

    # -- in a thread of its own ----------------------------------------------------------------

    def run(self) -> None:
        """Work until stopped, and then until nobody waits."""
        while (first := self._next()) is not None:
            self._answer(self._group_of(first))
            time.sleep(BREATH_S)

    def stop(self) -> None:
        """Let run() end; from any thread."""
        self._queue.put(None)

    def _next(self) -> Waiter[T, R] | None:
        """Return the first who waits, None at the end. Rest where nobody comes for a while."""
        if self._is_stopping:
            with contextlib.suppress(queue.Empty):
                return self._queue.get_nowait()
            return None
        try:
            return self._queue.get(timeout=IDLE_S)
        except queue.Empty:
            self._take_a_rest()
            return self._queue.get()

    def _take_a_rest(self) -> None:
        try:
            self._rest()
        except Exception:
            logger.warning("who rests could not let go of all they had", exc_info=True)

    def _group_of(self, first: Waiter[T, R]) -> list[Waiter[T, R]]:
        """Return who waits now, but for those who have left."""
        group, more = [], first
        with contextlib.suppress(queue.Empty):
            while True:
                if not more.answer.done():
                    group.append(more)
                if len(group) == self._group_max:
                    break
                found = self._queue.get_nowait()
                if found is None:
                    self._is_stopping = True
                    break
                more = found
        return group

    def _answer(self, group: Sequence[Waiter[T, R]]) -> None:
        if not group:
            return
        answers: Sequence[R | Exception]
        try:
            answers = self._work([waiter.item for waiter in group])
        except BaseException as error:  # the thread outlives whatever its work does
            logger.exception("a group of %s was not done", len(group))
            answers = [error if isinstance(error, Exception) else unavailable()] * len(group)
        self._loop.call_soon_threadsafe(self._tell, group, answers)

    # -- on the loop -----------------------------------------------------------------------------

    def _tell(self, group: Sequence[Waiter[T, R]], answers: Sequence[R | Exception]) -> None:
        for waiter, answer in zip(group, answers, strict=True):
            if waiter.answer.done():
                continue
            if isinstance(answer, Exception):
                waiter.answer.set_exception(answer)
            else:
                waiter.answer.set_result(answer)
        self._forget_answered()

    def _forget_answered(self) -> None:
        while self._unanswered and self._unanswered[0].answer.done():
            self._unanswered.popleft()

    def _watch(self) -> None:
        """See to it that who waits too long is told so; one timer, however many wait."""
        self._forget_answered()
        self._is_watched = bool(self._unanswered)
        if self._is_watched:
            self._loop.call_at(self._unanswered[0].gives_up_s, self._let_go)

    def _let_go(self) -> None:
        now_s = self._loop.time()
        for waiter in self._unanswered:
            if waiter.gives_up_s > now_s:
                break
            if not waiter.answer.done():
                error = too_slow()
                waiter.answer.set_exception(error)
        self._watch()
