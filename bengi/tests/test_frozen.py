"""Who stands still in a transaction is ended, in a block too; no session of others is."""

from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from bengi.clock import wall
from bengi.frozen import end_frozen_sessions
from bengi.tests.databases import on_postgresql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    on_postgresql("SQLite has no sessions"),
]
LOCK = "SELECT pg_advisory_xact_lock(7)"


def session(name: str = "bengi run_engine") -> psycopg.Connection[Any]:
    told = connection.settings_dict
    return psycopg.connect(
        host=told["HOST"],
        port=told["PORT"],
        user=told["USER"],
        dbname=told["NAME"],
        application_name=name,
    )


def is_locked() -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT NOT pg_try_advisory_xact_lock(7)")
        (found,) = cursor.fetchone()
    return bool(found)


def until(wanted: bool) -> None:
    """Return once the lock is held by somebody, or is not."""
    ends = wall().timestamp() + 20
    while is_locked() is not wanted:
        assert wall().timestamp() < ends


def stand_still() -> None:
    """Send the beginning of a block, and find at its end that it was too late."""
    with closing(session()) as frozen, frozen.pipeline():
        frozen.execute(LOCK)
        frozen.pgconn.flush()
        until(True)
        assert end_frozen_sessions(60) == 0, "it may yet go on"
        assert end_frozen_sessions(0) == 1
        until(False)
        frozen.execute("SELECT 1").fetchone()


def test_a_session_that_was_stopped_in_a_block_is_ended() -> None:
    with pytest.raises(psycopg.OperationalError):
        stand_still()


def test_who_stands_still_between_two_statements_is_ended_if_it_is_one_of_ours() -> None:
    with closing(session("psql")) as other, closing(session()) as ours:
        other.execute("SELECT 1")
        ours.execute(LOCK)
        assert end_frozen_sessions(60) == 0
        assert end_frozen_sessions(0) == 1
        assert other.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            ours.execute("SELECT 1")
