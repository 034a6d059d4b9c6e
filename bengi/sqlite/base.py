"""Django's SQLite with a queue in front of the write lock, one per database and process.

SQLite makes a writer that finds the lock taken sleep and look again, up to a tenth of a second at a
time, and who looks at the right moment wins: with several threads writing, some starve. Threads of
one process wait for each other here instead; other processes still meet SQLite's own lock.

`manage.py flush`, and the tests that empty their tables with it, empty append-only tables too.
"""

import contextlib
import threading
from collections import defaultdict
from typing import Any

from django.db.backends.sqlite3 import base, operations
from django.db.utils import OperationalError

_gates: dict[str, threading.Lock] = defaultdict(threading.Lock)


class DatabaseOperations(operations.DatabaseOperations):
    """Statements of the tables as wholes."""

    def sql_flush(self, *args: Any, **options: Any) -> list[str]:
        """Return what empties tables: triggers go before and come back after, as with TRUNCATE."""
        emptying = super().sql_flush(*args, **options)
        if not emptying:
            return []
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = dict(cursor.fetchall())
        dropping = [f"DROP TRIGGER {self.quote_name(name)}" for name in triggers]
        return [*dropping, *emptying, *triggers.values()]


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that queues before BEGIN IMMEDIATE and leaves the queue when it is over."""

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate: threading.Lock | None = None
        self.only_reads = False
        """Whether the next transaction only reads: it needs no lock, and no place in the queue."""

    def _start_transaction_under_autocommit(self) -> None:
        if self.only_reads:
            self.cursor().execute("BEGIN DEFERRED")
            return
        gate = _gates[str(self.settings_dict["NAME"])]
        if not gate.acquire(timeout=self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise OperationalError("database is locked")
        self._gate = gate
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._leave)
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            on_failure.pop_all()

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._leave()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _leave(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.release()
