"""Who waits on the loop is answered by one thread, a group at a time."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from bengi.errors import Unavailable
from bengi.group_lane import GroupLane

LONG_S = 20


class Work:
    """Doubles numbers; notes the groups it is given; can be held up, and fail."""

    def __init__(self, fail: Callable[[Sequence[int]], Any] = lambda items: None) -> None:
        self.groups: list[list[int]] = []
        self.fail = fail
        self.began, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.began.set()
        assert self.may_go_on.wait(LONG_S)
        self.fail(items)
        return [item * 2 for item in items]

    async def held_up(self, lane: GroupLane[int, int], item: int) -> "asyncio.Future[int]":
        """Submit an item and return its answer to come, once the work on it has begun."""
        self.may_go_on.clear()
        self.began.clear()
        answer = lane.submit(item)
        assert await asyncio.to_thread(self.began.wait, LONG_S)
        return answer


def run(
    act: Callable[[GroupLane[int, int], Work], Awaitable[None]],
    fail: Callable[[Sequence[int]], Any] = lambda items: None,
    **limits: Any,
) -> None:
    """Let act use a lane with a thread of its own, which has to end when it is told to."""
    work = Work(fail)

    async def go() -> None:
        options = {"group_max": 10, "waiting_max": 10, "patience_s": LONG_S, **limits}
        lane: GroupLane[int, int] = GroupLane(work, **options)
        thread = threading.Thread(target=lane.run, daemon=True)
        thread.start()
        try:
            await asyncio.wait_for(act(lane, work), LONG_S)
        finally:
            work.may_go_on.set()
            lane.stop()
            await asyncio.to_thread(thread.join, LONG_S)
            assert not thread.is_alive()

    asyncio.run(go())


async def outcomes(*answers: Awaitable[int]) -> list[Any]:
    return await asyncio.gather(*answers, return_exceptions=True)


def test_who_comes_meanwhile_goes_together():
    async def act(lane: GroupLane[int, int], work: Work) -> None:
        first = await work.held_up(lane, 1)
        others = [lane.submit(item) for item in (2, 3, 4)]
        work.may_go_on.set()
        assert await outcomes(first, *others) == [2, 4, 6, 8]
        assert work.groups == [[1], [2, 3, 4]]
        assert await lane.submit(5) == 10

    run(act)


def test_a_group_has_its_end():
    async def act(lane: GroupLane[int, int], work: Work) -> None:
        first = await work.held_up(lane, 1)
        others = [lane.submit(item) for item in (2, 3, 4, 5, 6)]
        work.may_go_on.set()
        assert await outcomes(first, *others) == [2, 4, 6, 8, 10, 12]
        assert work.groups == [[1], [2, 3], [4, 5], [6]]

    run(act, group_max=2)


def test_too_many_are_told_to_come_again():
    async def act(lane: GroupLane[int, int], work: Work) -> None:
        first = await work.held_up(lane, 1)
        others = [lane.submit(item) for item in (2, 3)]
        with pytest.raises(Unavailable) as refused:
            lane.submit(4)
        assert refused.value.details == {"retry_after_s": 1}
        work.may_go_on.set()
        assert await outcomes(first, *others) == [2, 4, 6]

    run(act, waiting_max=2)


def test_who_has_waited_too_long_leaves_and_nothing_is_done():
    async def act(lane: GroupLane[int, int], work: Work) -> None:
        told = await outcomes(await work.held_up(lane, 1), lane.submit(2), lane.submit(3))
        assert [type(each) for each in told] == [Unavailable] * 3, "the first may yet be done"
        work.may_go_on.set()
        assert await lane.submit(4) == 8
        assert work.groups == [[1], [4]]

    run(act, patience_s=0.02)


@pytest.mark.parametrize(
    ("error", "told"), [(ValueError("no"), ValueError), (SystemExit(), Unavailable)]
)
def test_work_that_fails_is_told_and_the_thread_goes_on(error, told, caplog):
    def fail(items: Sequence[int]) -> None:
        if 1 in items:
            raise error

    async def act(lane: GroupLane[int, int], work: Work) -> None:
        with pytest.raises(told):
            await lane.submit(1)
        assert await lane.submit(2) == 4

    run(act, fail)
    assert "a group of 1 was not done" in caplog.text


def test_whoever_waits_at_the_end_is_answered():
    async def act(lane: GroupLane[int, int], work: Work) -> None:
        first = await work.held_up(lane, 1)
        second = lane.submit(2)
        lane.stop()
        work.may_go_on.set()
        assert await outcomes(first, second) == [2, 4]

    run(act)


def test_its_thread_rests_when_nobody_comes(monkeypatch):
    monkeypatch.setattr("bengi.group_lane.IDLE_S", 0.01)
    rested = threading.Event()

    def rest() -> None:
        rested.set()
        raise OSError("it does not close")

    async def act(lane: GroupLane[int, int], work: Work) -> None:
        assert await lane.submit(1) == 2
        assert await asyncio.to_thread(rested.wait, LONG_S)
        assert await lane.submit(2) == 4

    run(act, rest=rest)


def test_who_was_answered_is_forgotten():
    async def act(lane: GroupLane[int, int], work: Work) -> None:
        for item in range(50):
            assert await lane.submit(item) == item * 2
        assert not lane._unanswered

    run(act)
