"""Several sets of rows in one round trip: how a transaction that is waited for reads.

On PostgreSQL the statements go out together (psycopg's pipeline) and each is planned once a
session. They run one after the other, each seeing what has been committed by then. Only there; what
reads elsewhere is the ORM, see orders/desk_rows.py.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection, models

M = TypeVar("M", bound=models.Model)
Row = tuple[Any, ...]


class Read(Generic[M]):
    """One statement and, once they have run, its rows."""

    def __init__(self, statement: str, params: Sequence[Any]) -> None:
        self.statement, self.params = statement, params
        self.rows: list[Row] = []

    def of(self, model: type[M]) -> Iterator[M]:
        """Yield the rows as instances; the statement selects columns_of(model)."""
        names, converters = _shape_of(model)
        for row in self.rows:
            values = list(row)
            for place, convert in converters:
                values[place] = convert(values[place], None, connection)
            yield model.from_db(connection.alias, names, values)


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
                cursor.execute(read.statement, read.params, prepare=True)
        for cursor, read in zip(cursors, reads, strict=True):
            read.rows = cursor.fetchall()
            cursor.close()


@cache
def columns_of(model: type[models.Model], table: str = "") -> str:
    """Return a model's columns as a statement selects them, of the table under its alias."""
    quote = connection.ops.quote_name
    prefix = f"{table}." if table else ""
    return ", ".join(
        f"{prefix}{quote(field.column or '')}" for field in model._meta.concrete_fields
    )


@cache
def _shape_of(
    model: type[models.Model],
) -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    """Return the attributes of a model, and for some of their places what converts the value."""
    fields: list[Any] = list(model._meta.concrete_fields)
    converters = [
        (place, convert)
        for place, field in enumerate(fields)
        for convert in field.get_db_converters(connection)
    ]
    return [field.attname for field in fields], converters
