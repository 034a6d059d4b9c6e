"""Group commit: what many threads ask for at the same time is done together, in one transaction.

Nobody waits for company. Who comes while nothing is under way does their work at once, alone. Who
comes meanwhile waits; when it is done, the first of them leads: does the work of all who wait, in
its own thread and on its own connection, and answers them. So groups grow with the load and with
nothing else, and a disk that syncs once a group is no limit for how many come.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from bengi.errors import Unavailable
from bengi.retries import is_given_up

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

RETRY_AFTER_S = 1
LOCKED = frozenset({"55P03", "57014"})
"""SQLSTATE of a wait that was too long, for a lock or for a statement: one of a group's, maybe."""


class Seat(Generic[T, R]):
    """One caller's place. It is woken once: to lead, or with its answer."""

    __slots__ = ("_answers", "_bell", "error", "item", "leads")

    def __init__(self, item: T) -> None:
        self.item = item
        self.leads = False
        self.error: BaseException | None = None
        self._answers: list[R] = []
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self, timeout_s: float) -> bool:
        """Return whether it was woken in time."""
        return self._bell.acquire(timeout=timeout_s)

    def wake(self) -> None:
        self._bell.release()

    def answer(self, answer: R) -> None:
        self._answers.append(answer)

    @property
    def is_answered(self) -> bool:
        return bool(self._answers) or self.error is not None

    def result(self) -> R:
        """Return the answer. Raises what kept it from being given."""
        if self.error is not None:
            raise self.error
        return self._answers[0]


class GroupCommit(Generic[T, R]):
    """Does work for many callers at once; work is one transaction, and answers item by item.

    work(items) returns an answer for each item, in their order, or raises and has done nothing. An
    answer that is an exception is raised.
    What another try may mend it tries again itself (bengi/retries.py).
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
        """rest: done by who is about to wait, to let go of what the leader may need."""
        self._work, self._rest = work, rest
        self._group_max, self._waiting_max = group_max, waiting_max
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._waiting: deque[Seat[T, R]] = deque()
        self._is_led = False

    @property
    def waiting(self) -> int:
        """How many wait for their group to begin."""
        return len(self._waiting)

    def submit(self, item: T) -> R:
        """Return the answer to item once it is durable.

        Raises what work raises for it alone, and Unavailable: when too many wait, when it has
        waited for patience_s, when the database is away. After the last two it may yet be done,
        as whenever an answer gets lost.
        """
        seat: Seat[T, R] = Seat(item)
        self._sit_down(seat)
        if not seat.leads:
            self._wait(seat)
        if seat.leads:
            self._lead()
        return seat.result()

    def _sit_down(self, seat: Seat[T, R]) -> None:
        with self._lock:
            if len(self._waiting) >= self._waiting_max:
                raise too_many()
            self._waiting.append(seat)
            if not self._is_led:
                self._is_led = seat.leads = True

    def _wait(self, seat: Seat[T, R]) -> None:
        try:
            self._rest()
        except Exception:
            logger.warning("who waits could not let go of all they had", exc_info=True)
        if not seat.wait(self._patience_s):
            self._give_up(seat)

    def _give_up(self, seat: Seat[T, R]) -> None:
        """Leave without an answer, unless it has come or the lead has, in this very moment."""
        with self._lock:
            if seat.leads or seat.is_answered:
                return
            if seat in self._waiting:
                self._waiting.remove(seat)
        raise too_slow()

    def _lead(self) -> None:
        """Do the work of who waits, the leader first among them, and let the next one lead."""
        group: list[Seat[T, R]] = []
        with self._lock:
            while self._waiting and len(group) < self._group_max:
                group.append(self._waiting.popleft())
        try:
            self._do(group)
        finally:
            self._pass_on()
            for seat in group:
                if not seat.is_answered:
                    seat.error = unavailable()
                if not seat.leads:
                    seat.wake()

    def _pass_on(self) -> None:
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._is_led:
                self._waiting[0].leads = True
                self._waiting[0].wake()

    def _do(self, group: Sequence[Seat[T, R]]) -> None:
        answers = answer_each(self._work, [seat.item for seat in group], self._patience_s)
        for seat, answer in zip(group, answers, strict=True):
            if isinstance(answer, Exception):
                seat.error = answer
            else:
                seat.answer(answer)


def answer_each(
    work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], patience_s: float
) -> list[R | Exception]:
    """Return what work answers to each of a group or, in its place, what it fails with.

    Where it cannot be done as a whole, each is done for itself, so that one item that nothing can
    be done with harms no other. While the database is away no item is to blame, and none is tried
    alone: each is told Unavailable.
    """
    try:
        answers = work(items)
    except Exception as error:  # noqa: BLE001 - told to whom it belongs
        return _failures(work, items, patience_s, error)
    assert len(answers) == len(items), "each has an answer"
    return list(answers)


def _failures(
    work: Callable[[Sequence[T]], Sequence[R]],
    items: Sequence[T],
    patience_s: float,
    error: Exception,
) -> list[R | Exception]:
    if len(items) == 1:
        return [error]
    if is_away(error):
        logger.error("a group of %s was not done", len(items), exc_info=error)
        return [unavailable() for _ in items]
    logger.warning("a group of %s is done one by one", len(items), exc_info=error)
    return list(_one_by_one(work, items, patience_s))


def _one_by_one(
    work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], patience_s: float
) -> Iterator[R | Exception]:
    """Who is not reached in time is answered without: others may wait for the same lock."""
    gives_up_s = time.monotonic() + patience_s
    for item in items:
        if time.monotonic() < gives_up_s:
            yield from answer_each(work, [item], patience_s)
        else:
            yield unavailable()


def unavailable(detail: str = "Try again in a moment.") -> Unavailable:
    """Return the error for who is to come again."""
    return Unavailable("unavailable", detail, retry_after_s=RETRY_AFTER_S)


def too_many() -> Unavailable:
    """Return what somebody is told for whom there is no place to wait."""
    return unavailable("Too many wait already. Try again in a moment.")


def too_slow() -> Unavailable:
    """Return what somebody is told who has waited for long enough; it may yet be done."""
    return unavailable("It takes too long. Ask again with the same key.")


def is_away(error: Exception) -> bool:
    """Say whether the database itself is what fails."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError) or is_given_up(error):
        return False
    return getattr(error.__cause__, "sqlstate", None) not in LOCKED
