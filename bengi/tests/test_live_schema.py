"""An index is built while others write, and anew where it was broken off."""

from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import OperationalError, ProgrammingError, connection, models
from django.db.migrations.state import ProjectState

from bengi.live_schema import AddIndexLive
from bengi.tests.databases import on_postgresql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    on_postgresql("SQLite knows one way"),
]
TABLE = "trades_trade"
NAME = "tried_twice"


def build() -> None:
    operation = AddIndexLive("trade", models.Index(fields=["price"], name=NAME))
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("trades", after)
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("trades", editor, before, after)


def say(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def is_valid() -> bool | None:
    """Return whether the database uses the index, None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [NAME])
        found = cursor.fetchone()
    return found and found[0]


def writer() -> psycopg.Connection[Any]:
    """A session in the middle of a transaction that has written into the table."""
    told = connection.settings_dict
    session = psycopg.connect(
        host=told["HOST"], port=told["PORT"], user=told["USER"], dbname=told["NAME"]
    )
    session.execute(f"LOCK TABLE {TABLE} IN ROW EXCLUSIVE MODE")
    return session


def test_what_was_broken_off_is_built_anew() -> None:
    try:
        with closing(writer()):
            say("SET statement_timeout = 300")
            with pytest.raises(OperationalError, match="statement timeout"):
                build()
        say("RESET statement_timeout")
        assert is_valid() is False
        build()
        assert is_valid() is True
    finally:
        say(f"DROP INDEX IF EXISTS {NAME}")


def test_an_index_that_is_whole_is_not_dropped() -> None:
    """Somebody else's of the same name: the database says so."""
    try:
        build()
        with pytest.raises(ProgrammingError, match="already exists"):
            build()
        assert is_valid() is True
    finally:
        say(f"DROP INDEX IF EXISTS {NAME}")
