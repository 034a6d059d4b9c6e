"""MongoDB, for those who set MONGODB_URI: one client per process, and a pause while it is away.

Nothing depends on it: whoever asks has an answer for StoreAway. pymongo is imported when somebody
asks for the first time, so without the setting it is never loaded.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings

if TYPE_CHECKING:
    from pymongo import MongoClient, ReplaceOne, UpdateOne
    from pymongo.database import Database

    Write = ReplaceOne[dict[str, Any]] | UpdateOne

log = logging.getLogger(__name__)
T = TypeVar("T")
Document = dict[str, Any]

DATABASE = "bengi"
"""The database's name where MONGODB_URI ends without one."""
CONNECT_MS = 1500
READ_S = 2
MESSAGE_MS = 20_000
PAUSE_S = 10
"""After a failure nobody asks for so long: pages wait for a lost server once, not always."""
DUPLICATE = 11000
_lock = threading.Lock()


class StoreAway(Exception):
    """MongoDB cannot be asked now."""


class Taken(Exception):
    """Another document stands at the place of one that was to be written."""


class _State:
    """What this process knows of the server."""

    client: MongoClient[Document] | None = None
    made_for: tuple[str, int] | None = None
    quiet_until_s: int = 0
    """0 while it answers."""


def is_used() -> bool:
    """Return whether MONGODB_URI is set."""
    return bool(settings.MONGODB_URI)


def ask(question: Callable[[Database[Document]], T]) -> T:
    """Return question's answer, given within READ_S.

    Raises StoreAway when there is none, and for PAUSE_S after that without asking.
    """
    import pymongo  # noqa: PLC0415 - not loaded without the setting

    with pymongo.timeout(READ_S):
        return _answer(question)


def _answer(question: Callable[[Database[Document]], T]) -> T:
    """As ask(), given within what each message to the server may take.

    What single writes failed for is the caller's: pymongo.errors.BulkWriteError.
    """
    from pymongo.errors import BulkWriteError, PyMongoError  # noqa: PLC0415

    assert is_used(), "only who has set MONGODB_URI asks"
    if _now_s() < _State.quiet_until_s:
        raise StoreAway("MongoDB was away a moment ago")
    try:
        answer = question(_database())
    except BulkWriteError:
        raise
    except PyMongoError as error:
        _State.quiet_until_s = _now_s() + PAUSE_S
        words = f"{type(error).__name__}: {error}".partition(", Timeout:")[0][:300]
        log.warning("MongoDB is away, what it holds is left out: %s", words)
        raise StoreAway(words) from error
    if _State.quiet_until_s:
        _State.quiet_until_s = 0
        log.warning("MongoDB answers again")
    return answer


def upsert(name: str, key: Mapping[str, int], writes: Sequence[Write]) -> None:
    """Apply writes, in any order, to a collection in which key (name and direction) is unique.

    Returns once they are durable. Raises StoreAway, and Taken where another document has the key.
    """

    def write(database: Database[Document]) -> None:
        database[name].create_index(list(key.items()), unique=True, name="once")
        database[name].bulk_write(writes, ordered=False)

    try:
        _written(write)
    except Taken:  # two who insert the same at once: one of them is told so, and finds it now
        _written(write)


def _written(write: Callable[[Database[Document]], None]) -> None:
    from pymongo.errors import BulkWriteError  # noqa: PLC0415

    try:
        _answer(write)
    except BulkWriteError as error:
        failed = error.details.get("writeErrors", [])
        words = str(failed[0]["errmsg"] if failed else error)[:300]
        if failed and all(each["code"] == DUPLICATE for each in failed):
            raise Taken(words) from error
        log.warning("MongoDB has not written everything: %s", words)
        raise StoreAway(words) from error


def forget() -> None:
    """Close this process's client; whoever asks next makes another, without a pause."""
    with _lock:
        if _State.client is not None:
            _State.client.close()
        _State.client = _State.made_for = None
        _State.quiet_until_s = 0


def _database() -> Database[Document]:
    wanted = settings.MONGODB_URI, os.getpid()  # a client does not survive a fork
    with _lock:
        if _State.made_for != wanted or _State.client is None:
            _State.client, _State.made_for = _client(settings.MONGODB_URI), wanted
        return _State.client.get_default_database(DATABASE)


def _client(uri: str) -> MongoClient[Document]:
    from pymongo import MongoClient  # noqa: PLC0415
    from pymongo.errors import ConfigurationError  # noqa: PLC0415

    try:
        return MongoClient(
            uri,
            serverSelectionTimeoutMS=CONNECT_MS,
            connectTimeoutMS=CONNECT_MS,
            socketTimeoutMS=MESSAGE_MS,
            w="majority",
            journal=True,
            tz_aware=True,
            uuidRepresentation="standard",
            appname="bengi",
        )
    except ValueError as error:
        raise ConfigurationError(f"MONGODB_URI: {error}") from error


def _now_s() -> int:
    return int(time.monotonic())
