"""The log is read for many sockets at once: nobody gets another's events, nobody waits for ever."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

import pytest

from bengi.events.models import Event
from bengi.events.selectors import Mark, events_after, events_after_each
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.realtime.log import MARKS_MAX, LogReader

AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


class Log:
    """Answers a read with (mark, number of the read) once it is let go."""

    def __init__(self) -> None:
        self.reads: list[set[Mark]] = []
        self.may_answer = asyncio.Event()
        self.fails = False

    async def __call__(self, marks: Collection[Mark]) -> dict[Mark, list[tuple[Mark, int]]]:
        self.reads.append(set(marks))
        number = len(self.reads)
        await self.may_answer.wait()
        if self.fails:
            raise ConnectionError("the database is away")
        return {mark: [(mark, number)] for mark in marks}


@pytest.fixture
def log() -> Log:
    return Log()


def ask(reader: LogReader, stream: UUID, seq: int) -> asyncio.Task:
    return asyncio.ensure_future(reader.after(stream, seq))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_meanwhile_is_read_for_together(log):
    reader, streams = LogReader(log), [new_id() for _ in range(4)]
    asked = [ask(reader, streams[0], 7)]
    await settle()
    asked += [ask(reader, stream, 7) for stream in streams]
    await settle()
    assert log.reads == [{(streams[0], 7)}], "who comes while nothing is read waits for nobody"
    log.may_answer.set()
    told = await asyncio.gather(*asked)
    assert log.reads[1:] == [{(stream, 7) for stream in streams}]
    first = [((streams[0], 7), 1)]
    assert told == [first, *([((stream, 7), 2)] for stream in streams)]


async def test_sockets_of_one_place_share_the_answer(log):
    reader, stream = LogReader(log), new_id()
    log.may_answer.set()
    told = await asyncio.gather(*(reader.after(stream, 7) for _ in range(3)))
    assert (log.reads, told) == ([{(stream, 7)}], [[((stream, 7), 1)]] * 3)


async def test_a_read_is_of_so_many_places_at_most(log):
    reader = LogReader(log)
    log.may_answer.set()
    await asyncio.gather(*(reader.after(new_id(), 0) for _ in range(2 * MARKS_MAX + 1)))
    assert [len(read) for read in log.reads] == [MARKS_MAX, MARKS_MAX, 1]


async def test_what_goes_wrong_is_told_to_all_who_asked_and_to_nobody_else(log):
    reader, stream = LogReader(log), new_id()
    log.fails = True
    log.may_answer.set()
    told = await asyncio.gather(
        reader.after(stream, 1), reader.after(stream, 2), return_exceptions=True
    )
    assert [type(each) for each in told] == [ConnectionError, ConnectionError]
    log.fails = False
    assert await reader.after(stream, 1) == [((stream, 1), 2)]


async def test_a_socket_that_leaves_takes_nobody_along(log):
    reader, stream = LogReader(log), new_id()
    leaves, stays = ask(reader, stream, 1), ask(reader, stream, 1)
    await settle()
    leaves.cancel()
    await settle()
    log.may_answer.set()
    assert await stays == [((stream, 1), 1)]


async def test_the_end_leaves_no_task_and_nobody_waiting(log):
    reader = LogReader(log)
    under_way = ask(reader, new_id(), 1)
    await settle()
    waits = ask(reader, new_id(), 1)
    await settle()
    await reader.stop()
    told = await asyncio.gather(under_way, waits, return_exceptions=True)
    assert [type(each) for each in told] == [asyncio.CancelledError, asyncio.CancelledError]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.django_db
def test_each_place_is_answered_as_if_it_were_alone():
    streams = [new_id() for _ in range(3)]
    for stream in (*streams[:2], streams[0], streams[1], streams[0]):
        append([NewEvent(stream, "test.told", {"of": str(stream)}, AT)])
    marks = [(streams[0], 0), (streams[0], 2), (streams[1], 1), (streams[1], 2), (streams[2], 0)]
    found = events_after_each(marks, limit=2)
    assert found == {mark: events_after(*mark, 2) for mark in marks}
    assert [len(found[mark]) for mark in marks] == [2, 1, 1, 0, 0]
    assert all(type(event) is Event and event.payload for told in found.values() for event in told)
    assert events_after_each([], limit=2) == {}
