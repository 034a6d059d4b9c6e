"""Several sets of rows in one round trip: how a transaction that is waited for reads.

On PostgreSQL the statements go out together (psycopg's pipeline) and each is planned once a
session. They run one after the other, each seeing what has been committed by then. Only there; what
reads elsewhere is the ORM, see orders/desk_rows.py.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection, models

from bengi.arrays import rows_of

M = TypeVar("M", bound=models.Model)
Row = tuple[Any, ...]


class Read(Generic[M]):
    """One statement and, once they have run, its rows."""

    def __init__(self, statement: str, params: Sequence[Any]) -> None:
        self.statement, self.params = statement, params
        self.rows: list[Row] = []

    def of(self, model: type[M]) -> list[M]:
        """Return the rows as instances; the statement selects columns_of(model)."""
        return rows_of(model, self.rows)


def run_together(*reads: Read[Any]) -> None:
    """Run the statements in order, in the caller's transaction, in one round trip."""
    connection.ensure_connection()
    if connection.queries_logged:
        connection.queries_log.extend({"sql": each.statement, "time": "0.000"} for each in reads)
    session: Any = connection.connection
    with connection.wrap_database_errors:
        cursors = [psycopg.Cursor(session) for _ in reads]
        with session.pipeline():
            for cursor, read in zip(cursors, reads, strict=True):
                cursor.execute(read.statement, read.params, prepare=True, binary=True)
        for cursor, read in zip(cursors, reads, strict=True):
            read.rows = cursor.fetchall()
            cursor.close()
