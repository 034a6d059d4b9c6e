"""Reads the event log for many sockets at once.

Who asks while nothing is being read is read for at once. Who asks meanwhile is read for together
with all others who have, so a burst of fills costs a few statements, not one for each socket.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from bengi.events.selectors import Mark

MARKS_MAX = 20
"""Places that one statement reads from: who is one event behind waits for all of them."""

Read = Callable[[Collection[Mark]], Awaitable[Mapping[Mark, Sequence[Any]]]]
"""Reads the events after each mark, oldest first."""


class LogReader:
    """One for the sockets of an event loop."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._asked: dict[Mark, asyncio.Future[Sequence[Any]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def after(self, stream_id: UUID, seq: int) -> Sequence[Any]:
        """Return the stream's next events after seq. Raises what the read raises."""
        answer = self._asked.get((stream_id, seq))
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._asked[stream_id, seq] = answer
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(answer)  # it is of all who ask for it

    async def stop(self) -> None:
        """End what is under way; who waits for it is canceled."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _work(self) -> None:
        try:
            while self._asked:
                marks = list(self._asked)[:MARKS_MAX]
                await self._answer({mark: self._asked.pop(mark) for mark in marks})
        finally:
            self._task = None
            for answer in self._asked.values():
                answer.cancel()
            self._asked.clear()

    async def _answer(self, asked: Mapping[Mark, asyncio.Future[Sequence[Any]]]) -> None:
        try:
            (found,) = await asyncio.gather(self._read(asked), return_exceptions=True)
            for mark, answer in asked.items():
                if isinstance(found, BaseException):
                    answer.set_exception(found)
                    answer.exception()  # seen, also where nobody waits any more
                else:
                    answer.set_result(found[mark])
        finally:
            for answer in asked.values():
                answer.cancel()
