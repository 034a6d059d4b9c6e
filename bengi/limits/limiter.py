"""Asking a limit: shared through Redis where there is one, else counted in this process.

While Redis is away each process counts for itself: limits are looser then, and nobody is shut out.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import redis
from django.conf import settings

from bengi.errors import RateLimited
from bengi.ids import new_id
from bengi.limits.memory import MemoryStore
from bengi.limits.rates import OPEN, Scope, Store, Verdict, verdict_of
from bengi.limits.redis_store import RedisStore

logger = logging.getLogger(__name__)
T = TypeVar("T")

PAUSE_S = 5.0
"""After Redis has failed to answer it is not asked for so long."""


class Limiter:
    """One per process."""

    def __init__(
        self, shared: Store | None, own: Store, time_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared, self._own, self._time_s = shared, own, time_s
        self._asks_again_s = 0.0

    def take(self, scope: Scope, key: str, cost: int = 1) -> Verdict:
        """Count cost under key, unless that is too many: then count nothing."""
        full, ticket = _key(scope, key), str(new_id())
        counts = self._ask(lambda store: store.take(full, scope.rates, cost, ticket))
        return verdict_of(scope.rates, counts, full, ticket)

    def take_all(self, scope: Scope, keys: Sequence[str], cost: int = 1) -> list[Verdict]:
        """Do what take() does for each key, in order; one question, however many."""
        group = new_id()
        asked = [(_key(scope, key), f"{group}-{n}") for n, key in enumerate(keys)]
        counts = self._ask(lambda store: store.take_all(asked, scope.rates, cost))
        return [
            verdict_of(scope.rates, count, full, ticket)
            for count, (full, ticket) in zip(counts, asked, strict=True)
        ]

    def give_back(self, verdict: Verdict) -> None:
        """Let what was counted for this verdict not have been."""
        if verdict.allowed and verdict.ticket:
            self._ask(lambda store: store.give_back(verdict.key, verdict.ticket))

    def _ask(self, question: Callable[[Store], T]) -> T:
        if self._shared is not None and self._time_s() >= self._asks_again_s:
            try:
                return question(self._shared)
            except redis.RedisError:
                self._asks_again_s = self._time_s() + PAUSE_S
                logger.warning("limits are counted per process: Redis does not answer")
        return question(self._own)


def take(scope: Scope, key: str, cost: int = 1) -> Verdict:
    """Count cost under key and say whether it may go on; everything may where limits are off."""
    return _limiter().take(scope, key, cost) if settings.RATE_LIMITS else OPEN


def take_all(scope: Scope, keys: Sequence[str], cost: int = 1) -> list[Verdict]:
    """Do what take() does for each key, in order; one question, however many."""
    if not settings.RATE_LIMITS:
        return [OPEN for _ in keys]
    return _limiter().take_all(scope, keys, cost) if keys else []


def give_back(*verdicts: Verdict) -> None:
    """Let what was counted for these not have been: the attempt was a good one."""
    for verdict in verdicts:
        if verdict.limit:
            _limiter().give_back(verdict)


def require(scope: Scope, key: str, cost: int = 1) -> Verdict:
    """Count, and raise RateLimited with retry_after_s when it is too many."""
    verdict = take(scope, key, cost)
    if not verdict.allowed:
        raise refusal(verdict)
    return verdict


def refusal(verdict: Verdict) -> RateLimited:
    """Return the error that tells of a verdict."""
    wait_s = verdict.retry_after_s
    detail = f"Too many requests. Try again in {wait_s} second{'s' if wait_s > 1 else ''}."
    return RateLimited("rate_limited", detail, retry_after_s=wait_s)


def _key(scope: Scope, key: str) -> str:
    """Keys are of any length and may be what somebody typed: their digest is kept."""
    return f"{scope.name}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


_own: Limiter | None = None
_making = threading.Lock()


def _limiter() -> Limiter:
    global _own  # noqa: PLW0603 - one limiter per process is the point
    with _making:
        if _own is None:
            url = settings.RATE_LIMITS_REDIS_URL
            _own = Limiter(RedisStore(url) if url else None, MemoryStore())
        return _own


def reset() -> None:
    """Begin anew: nothing has been counted in this process, settings are read again."""
    global _own  # noqa: PLW0603
    with _making:
        _own = None
