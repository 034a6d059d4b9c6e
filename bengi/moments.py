"""Several statements that read one moment: what is booked between them is in none of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection, transaction


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all that is read inside be as the first statement finds it; nothing may be written.

    On PostgreSQL a transaction that is REPEATABLE READ, on SQLite one that begins without the lock
    of writers: neither waits for anybody, nor anybody for it. Within a transaction of the caller's
    it is that one's moment, whatever that is.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with _only_reading(), transaction.atomic():
            yield
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


@contextmanager
def _only_reading() -> Iterator[None]:
    sqlite = cast(Any, connection)
    sqlite.only_reads = True
    try:
        yield
    finally:
        sqlite.only_reads = False
