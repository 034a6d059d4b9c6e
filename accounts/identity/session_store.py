"""Sessions where processes share a cache: the table is the truth, a copy saves asking it each time.

A copy counts for STATE_S at most. So a session that was ended while the cache could not be told is
over within that time all the same, and where there is no cache the table answers.
"""

import logging
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends import cached_db
from django.core.cache import caches

from accounts.identity.lifetimes import STATE_S
from bengi.line import Line

_line = Line(logging.getLogger(__name__), "sessions are read from the table")


class SessionStore(cached_db.SessionStore):
    """One session, as Django's cached_db has it, with copies that do not outlive STATE_S."""

    cache_key_prefix = "bengi:session:"

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._cache = _Copies(caches[settings.SESSION_CACHE_ALIAS])


class _Copies:
    """A cache that may be away, and keeps nothing for long."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def get(self, key: str) -> Any:
        return _line.ask(lambda: self._cache.get(key), None)

    def set(self, key: str, value: Any, timeout_s: float) -> None:
        _line.ask(lambda: self._cache.set(key, value, min(timeout_s, STATE_S)), None)

    def delete(self, key: str) -> None:
        _line.ask(lambda: self._cache.delete(key), None)

    def __contains__(self, key: str) -> bool:
        return _line.ask(lambda: key in self._cache, otherwise=False)

    async def aget(self, key: str) -> Any:
        return await sync_to_async(self.get)(key)

    async def aset(self, key: str, value: Any, timeout_s: float) -> None:
        await sync_to_async(self.set)(key, value, timeout_s)

    async def adelete(self, key: str) -> None:
        await sync_to_async(self.delete)(key)
