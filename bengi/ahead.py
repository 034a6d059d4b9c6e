"""Statements that are sent ahead: what bengi/arrays.py runs inside a block waits for no answer.

On PostgreSQL they travel together (psycopg's pipeline) and the server works on one while the next
is being built; the block waits once, at its end. What they should have written is checked then.
Elsewhere every statement answers where it stands.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from bengi.bulk import has_arrays


class Block:
    """The statements of one block, in order, and what is to be done when they have run.

    line: entered with the first of them, so that a block without any waits for nothing.
    """

    def __init__(self, line: ExitStack) -> None:
        self._line = line
        self._writes: list[tuple[CursorWrapper, int | None, str]] = []
        self._reads: list[tuple[CursorWrapper, Any]] = []

    def wrote(self, cursor: CursorWrapper, count: int | None, what: str) -> None:
        """Remember a statement that is to write count rows of what; None: however many."""
        self._begin()
        self._writes.append((cursor, count, what))

    def asked(self, cursor: CursorWrapper, take: Any) -> None:
        """Remember a statement whose rows take wants."""
        self._begin()
        self._reads.append((cursor, take))

    def _begin(self) -> None:
        if not self._writes and not self._reads:
            session: Any = connection.connection
            self._line.enter_context(session.pipeline())

    def finish(self) -> None:
        """Hand out what was read. A statement that wrote other than it should fails an assertion.

        The transaction is then as good as over: its caller rolls it back.
        """
        for cursor, count, what in self._writes:
            written = cursor.rowcount
            assert count in (None, written), f"{written} of {count} {what} are there"
        for cursor, take in self._reads:
            take(cursor.fetchall())

    def close(self) -> None:
        for cursor, _ in (*self._reads, *(each[:2] for each in self._writes)):
            cursor.close()


_here = threading.local()


def block_here() -> Block | None:
    """Return the block that this thread is in."""
    found: Block | None = getattr(_here, "block", None)
    return found


def ask(
    cursor: CursorWrapper, statement: str, params: Sequence[Any], take: Callable[[list[Any]], Any]
) -> None:
    """Let take have what a statement selects, as this thread's block ends where it is in one."""
    if (block := block_here()) is not None:
        block.asked(cursor, take)
        cursor.execute(statement, params)
    else:
        with cursor:
            cursor.execute(statement, params)
            take(cursor.fetchall())


@contextmanager
def sent_ahead() -> Iterator[None]:
    """Let the statements inside wait for no answer; the ORM's own must not be among them.

    What has been asked for is there when the block has ended; a block within another is part of
    it. Raises what the first statement that failed would have raised; those after it have not run.
    """
    if not has_arrays() or block_here() is not None:
        yield
        return
    line = ExitStack()
    block = _here.block = Block(line)
    try:
        with connection.wrap_database_errors, line:
            yield
        block.finish()
    finally:
        _here.block = None
        block.close()
