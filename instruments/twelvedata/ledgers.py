"""Where the credits that have been used are kept: in this process and a file, or in Redis for all.

The embedded mode keeps a file, so that a restart does not forget the day. When Redis does not
answer nobody gets credits: to ask nothing for a while is better than to ask too much.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import redis

from instruments.twelvedata.governor import Credits

T = TypeVar("T")
log = logging.getLogger(__name__)

TIMEOUT_S = 1.0
PREFIX = "bengi:twelvedata:credits:"
KEEP_S = 2 * 86_400
TRIES = 50
"""How often a change is tried when others change at the same moment."""


class Busy(RuntimeError):
    """So many change the credits at once that this one did not get its turn."""


class MemoryLedger:
    """For one process. file: survives it, and is what a command reads beside it."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._credits = Credits() if file is None else read_file(file)

    def read(self) -> Credits:
        return self._credits

    def change(self, work: Callable[[Credits], tuple[Credits, T]]) -> T:
        with self._lock:
            changed, answer = work(self._credits)
            if changed != self._credits:
                self._credits = changed
                self._save()
            return answer

    def _save(self) -> None:
        if self._file is None:
            return
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(self._credits))
            os.replace(beside, self._file)  # noqa: PTH105 - atomic, whichever the system
        except OSError:
            log.warning("the credits used could not be written to %s", self._file)


class RedisLedger:
    """For all processes of an installation. Raises redis.RedisError while Redis is away."""

    def __init__(self, url: str, name: str) -> None:
        self._client: Any = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        self._key = PREFIX + name

    def read(self) -> Credits:
        return _decoded(self._client.get(self._key))

    def change(self, work: Callable[[Credits], tuple[Credits, T]]) -> T:
        """Read, work and write; again where somebody else has written in between."""
        with self._client.pipeline() as pipe:
            for _ in range(TRIES):
                try:
                    pipe.watch(self._key)
                    changed, answer = work(_decoded(pipe.get(self._key)))
                    pipe.multi()
                    pipe.set(self._key, msgspec.json.encode(changed), ex=KEEP_S)
                    pipe.execute()
                except redis.WatchError:
                    continue
                return answer
        raise Busy("the credits are changed by too many at once")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def ledger_name(key: str) -> str:
    """Return what a key's credits are kept under: nothing that the key can be told from."""
    return hashlib.sha256(b"twelvedata:" + key.encode()).hexdigest()[:16]


def read_file(file: Path) -> Credits:
    """Return the credits of a file; none used where it is missing, or not readable."""
    try:
        return _decoded(file.read_bytes())
    except OSError:
        return Credits()


def _decoded(stored: bytes | None) -> Credits:
    if not stored:
        return Credits()
    try:
        return msgspec.json.decode(stored, type=Credits)
    except msgspec.MsgspecError:
        log.warning("what was kept of the credits used cannot be read; they count anew")
        return Credits()
