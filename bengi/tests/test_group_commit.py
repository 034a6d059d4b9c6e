"""Who asks at the same time is answered together; nobody waits for company or pays for others."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import psycopg.errors
import pytest
from django.db import InterfaceError, OperationalError

from bengi.errors import BengiError, Unavailable
from bengi.group_commit import GroupCommit

LONG_S = 20


class Work:
    """Doubles numbers; notes the groups it is given; can be held up, and fail."""

    def __init__(self, fail: Callable[[Sequence[int]], Any] = lambda items: None) -> None:
        self.groups: list[list[int]] = []
        self.threads: list[int] = []
        self.fail = fail
        self.began, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        self._at_it = threading.Lock()

    def __call__(self, items: Sequence[int]) -> list[int]:
        assert self._at_it.acquire(blocking=False), "two groups at a time"
        try:
            self.groups.append(list(items))
            self.threads.append(threading.get_ident())
            self.began.set()
            assert self.may_go_on.wait(LONG_S)
            self.fail(items)
            return [item * 2 for item in items]
        finally:
            self._at_it.release()


class Crowd:
    """Threads that each submit one item; answers and errors by item."""

    def __init__(self, lane: GroupCommit[int, int], work: Work) -> None:
        self.lane, self.work = lane, work
        self.told: dict[int, Any] = {}
        self._threads: list[threading.Thread] = []

    def come(self, *items: int) -> None:
        """Let each submit its item, one after the other; return when all of them wait."""
        for item in items:
            before = self.lane.waiting
            self._threads.append(threading.Thread(target=self._submit, args=(item,), daemon=True))
            self._threads[-1].start()
            until(lambda before=before: self.lane.waiting > before)

    def lead(self, item: int) -> None:
        """Let one come that finds nobody, and be held up at work."""
        self.work.may_go_on.clear()
        self.work.began.clear()
        self._threads.append(threading.Thread(target=self._submit, args=(item,), daemon=True))
        self._threads[-1].start()
        assert self.work.began.wait(LONG_S)

    def go(self) -> dict[int, Any]:
        """Let the work go on; return what everybody was told."""
        self.work.may_go_on.set()
        for thread in self._threads:
            thread.join(LONG_S)
            assert not thread.is_alive()
        return self.told

    def _submit(self, item: int) -> None:
        try:
            self.told[item] = self.lane.submit(item)
        except BaseException as error:  # noqa: BLE001 - it is what the test looks at
            self.told[item] = error


def until(holds: Callable[[], bool]) -> None:
    """Return when it holds: there is no event for a thread that has sat down to wait."""
    ends_s = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < ends_s
        threading.Event().wait(0.0005)


def crowd(
    fail: Callable[[Sequence[int]], Any] = lambda items: None, **limits: Any
) -> tuple[Crowd, Work]:
    work = Work(fail)
    lane = GroupCommit(work, **{"group_max": 10, "waiting_max": 10, "patience_s": LONG_S, **limits})
    return Crowd(lane, work), work


def states(sqlstate: type[psycopg.Error]) -> OperationalError:
    """Return what Django raises for an error of the database."""
    error = OperationalError(sqlstate.__name__)
    error.__cause__ = sqlstate()
    return error


def once(error: Exception, times: int = 1, least: int = 2) -> Callable[[Sequence[int]], None]:
    """Return what raises the error for the first groups of at least so many."""
    left = [times]

    def fail(items: Sequence[int]) -> None:
        if len(items) >= least and left[0]:
            left[0] -= 1
            raise error

    return fail


def test_who_comes_alone_works_at_once_in_their_own_thread():
    people, work = crowd()
    assert [people.lane.submit(1), people.lane.submit(2)] == [2, 4]
    assert work.groups == [[1], [2]]
    assert work.threads == [threading.get_ident()] * 2


def test_who_comes_meanwhile_goes_together():
    people, work = crowd()
    people.lead(1)
    people.come(2, 3, 4)
    assert people.go() == {1: 2, 2: 4, 3: 6, 4: 8}
    assert work.groups == [[1], [2, 3, 4]]
    assert people.lane.submit(5) == 10, "it is free again"


def test_who_cannot_let_go_of_what_they_had_is_answered_all_the_same(caplog):
    def fail() -> None:
        raise OSError("it does not close")

    people, _ = crowd(rest=fail)
    people.lead(1)
    people.come(2, 3)
    assert people.go() == {1: 2, 2: 4, 3: 6}
    assert people.lane.submit(4) == 8, "it is free again"
    assert caplog.text.count("it does not close") >= 2


def test_a_group_has_its_end_and_the_next_one_leads():
    people, work = crowd(group_max=2)
    people.lead(1)
    people.come(2, 3, 4, 5, 6)
    people.go()
    assert work.groups == [[1], [2, 3], [4, 5], [6]]
    assert len(set(work.threads)) == 4


def test_one_that_nothing_can_be_done_with_harms_no_other():
    def fail(items: Sequence[int]) -> None:
        if 3 in items:
            raise ValueError("three")

    people, work = crowd(fail)
    people.lead(1)
    people.come(2, 3, 4)
    told = people.go()
    assert {item: told[item] for item in (1, 2, 4)} == {1: 2, 2: 4, 4: 8}
    assert isinstance(told[3], ValueError)
    assert work.groups == [[1], [2, 3, 4], [2], [3], [4]]


@pytest.mark.parametrize(
    "passing", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_what_others_came_in_the_way_of_is_done_one_by_one(passing):
    people, work = crowd(once(states(passing)))
    people.lead(1)
    people.come(2, 3)
    assert people.go() == {1: 2, 2: 4, 3: 6}
    assert work.groups == [[1], [2, 3], [2], [3]]


def test_a_lock_that_one_waits_for_in_vain_is_that_ones():
    locked = states(psycopg.errors.LockNotAvailable)

    def fail(items: Sequence[int]) -> None:
        if 2 in items:
            raise locked

    people, _ = crowd(fail)
    people.lead(1)
    people.come(2, 3)
    assert people.go() == {1: 2, 2: locked, 3: 6}


def test_nobody_waits_for_others_locks_beyond_their_patience():
    """None of a group is reached in time: they are told so, not left waiting for each other."""
    people, work = crowd(once(ValueError("no"), times=1))
    people.lead(1)
    people.come(2, 3)
    people.lane._patience_s = 0
    told = people.go()
    assert [type(told[item]) for item in (2, 3)] == [Unavailable] * 2
    assert work.groups == [[1], [2, 3]]


@pytest.mark.parametrize("away", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_that_is_away_is_nobodys_fault_and_not_asked_again(away):
    people, work = crowd(once(away, times=9))
    people.lead(1)
    people.come(2, 3, 4)
    told = people.go()
    assert [type(told[item]) for item in (2, 3, 4)] == [Unavailable] * 3
    assert len({id(told[item]) for item in (2, 3, 4)}) == 3, "each has an error of their own"
    assert work.groups == [[1], [2, 3, 4]]


def test_a_bug_alone_is_raised_as_it_is():
    people, _ = crowd(once(AssertionError("impossible"), least=1))
    with pytest.raises(AssertionError, match="impossible"):
        people.lane.submit(1)
    assert people.lane.submit(2) == 4


def test_too_many_are_told_to_come_again():
    people, work = crowd(waiting_max=2)
    people.lead(1)
    people.come(2, 3)
    with pytest.raises(Unavailable) as refused:
        people.lane.submit(4)
    assert refused.value.details == {"retry_after_s": 1}
    assert people.go() == {1: 2, 2: 4, 3: 6}
    assert work.groups == [[1], [2, 3]]


def test_who_has_waited_too_long_leaves_and_nothing_is_done():
    people, work = crowd(patience_s=0.01)
    people.lead(1)
    with pytest.raises(Unavailable):
        people.lane.submit(2)
    assert people.go() == {1: 2}
    assert work.groups == [[1]]
    assert people.lane.submit(3) == 6


def test_a_leader_that_is_ended_leaves_nobody_waiting():
    people, work = crowd(once(SystemExit(), least=3))  # type: ignore[arg-type]
    people.lead(1)
    people.come(2, 3, 4)
    told = people.go()
    assert isinstance(told[2], SystemExit)
    assert [type(told[item]) for item in (3, 4)] == [Unavailable] * 2
    assert people.lane.submit(5) == 10
    assert work.groups == [[1], [2, 3, 4], [5]]


def test_a_crowd_gets_what_each_has_asked_for():
    """Many come and come again, some with what fails: all are answered, each with their own."""

    def fail(items: Sequence[int]) -> None:
        if any(item % 97 == 0 for item in items):
            raise ValueError

    people, work = crowd(fail, group_max=5, waiting_max=100)
    told: Counter[str] = Counter()
    start = threading.Barrier(16)

    def person(number: int) -> None:
        start.wait(LONG_S)
        for item in range(number, 1600, 16):
            try:
                answer = people.lane.submit(item)
                told["right" if answer == item * 2 and item % 97 else "wrong"] += 1
            except (ValueError, BengiError):
                told["wrong" if item % 97 else "refused"] += 1

    threads = [threading.Thread(target=person, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert told == {"right": 1583, "refused": 17}
    assert max(map(len, work.groups)) <= 5
    assert people.lane.waiting == 0
