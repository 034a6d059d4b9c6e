"""Statements of the ORM that are asked many times a second: compiled once, only the moment changes.

Building a statement costs the ORM more than PostgreSQL takes to answer it. Values stand in the
statement as the ORM writes them, so that each is planned for what it asks. Only on PostgreSQL; what
is asked for in a block of statements sent ahead is there when the block ends (bengi/ahead.py).
"""

from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from bengi.ahead import block_here

MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""Stands in a queryset for the moment that a question is about."""


class Compiled:
    """A statement, and the values that it is asked with."""

    def __init__(self, query: QuerySet[Any, Any]) -> None:
        self._statement, self._params = query.query.sql_with_params()

    def ask(self, now: datetime = MOMENT) -> list[tuple[Any, ...]]:
        """Return the rows there are at now."""
        cursor = connection.cursor()
        found: list[tuple[Any, ...]] = []
        block = block_here()
        if block is not None:
            block.asked(cursor, found.extend)
        cursor.execute(self._statement, [now if each == MOMENT else each for each in self._params])
        if block is None:
            with cursor:
                found += cursor.fetchall()
        return found
