"""`manage.py prepare`: what has to be done once before the processes of a mode start."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from bengi import clock
from bengi.management.commands.seed_demo import seed

LOCK = 0x62656E6769
"""The key of PostgreSQL's advisory lock: "bengi" in ASCII."""

ASK_AGAIN_S = 0.2


class Command(BaseCommand):
    help = (
        "Migrate the database and fill in reference data. Said twice, or by two, it is done once."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _alone():
                call_command("migrate", verbosity=0, interactive=False)
                seed(clock.now())
        except DatabaseError as error:
            raise CommandError(f"The database cannot be prepared: {error}") from error
        self.stdout.write("The database is ready.")


@contextmanager
def _alone() -> Iterator[None]:
    """Let nobody else prepare the database meanwhile; who comes second waits and finds it done.

    It asks again and again: who waits within a statement is waited for by an index that is built
    while others write, and that index is built by the one who holds the lock.
    """
    if connection.vendor != "postgresql":  # SQLite: one process, and it locks the file
        yield
        return
    while not _locked():
        time.sleep(ASK_AGAIN_S)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])
