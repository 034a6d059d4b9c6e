"""Statements of the ORM that are asked many times a second: compiled once, only the moment changes.

Building a statement costs the ORM more than PostgreSQL takes to answer it. Values stand in the
statement as the ORM writes them, so that each is planned for what it asks. Only on PostgreSQL; what
is asked for in a block of statements sent ahead is there when the block ends (bengi/ahead.py).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from bengi.ahead import ask

MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""Stands in a queryset for the moment that a question is about."""


class Compiled:
    """A statement, and the values that it is asked with."""

    def __init__(self, query: QuerySet[Any, Any]) -> None:
        self._statement, self._params = query.query.sql_with_params()

    def ask(self, now: datetime = MOMENT) -> list[tuple[Any, ...]]:
        """Return the rows there are at now."""
        params = [now if each == MOMENT else each for each in self._params]
        return ask_planned(self._statement, params)


def ask_planned(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return what a statement selects, planned for these very values.

    For conditions of which a plan for any value would think that most rows meet them.
    """
    found: list[tuple[Any, ...]] = []
    ask(connection.cursor(), statement, params, found.extend)
    return found
