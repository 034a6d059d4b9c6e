"""Connections to PostgreSQL that do not wait for ever for a server that has frozen.

statement_timeout is the server's own, and connect_timeout ends with the connection; a machine that
is stopped, or a disk that hangs, answers neither. Its kernel acknowledges what we send all the
same, so tcp_user_timeout does not end the wait either. Whoever waits here gives the connection up.
"""

import time
from typing import Any

import psycopg

STATEMENT_S = 20
"""After so long the server itself ends a statement."""
IDLE_S = 15
"""How long a transaction may do nothing; what holds locks and works takes milliseconds."""
ANSWER_S = STATEMENT_S + 3
"""After so long we believe that there will be no answer, to a statement or to all of a block."""
ALIVE_S = 1.5
"""How long one that has nothing to do may take to say that it is there."""

LOOK_S = 0.1
"""How often who waits looks whether Ctrl-C has come."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which every wait ends; one that has taken too long is closed.

    What was asked may have been done all the same, as when a server dies while it commits.
    """

    _is_asked_for_life = False

    def execute(self, *args: Any, **options: Any) -> Any:
        """Ask whether it is alive: the pool's question to one that was idle. Django has cursors."""
        self._is_asked_for_life = True
        try:
            return super().execute(*args, **options)
        finally:
            self._is_asked_for_life = False

    def wait(self, gen: Any, interval: float = LOOK_S, timeout: float | None = None) -> Any:
        """Wait for the server's part in something. Raises OperationalError when time is up."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        bound_s = ALIVE_S if self._is_asked_for_life else ANSWER_S
        gives_up_at_s = time.monotonic() + bound_s
        try:
            return super().wait(gen, interval, bound_s)
        except psycopg.OperationalError:
            if time.monotonic() >= gives_up_at_s:
                self.pgconn.finish()
            raise
