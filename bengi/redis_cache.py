"""Django's cache in Redis, with one client for each pool of connections.

Django's own makes a client for every call, with a table of 170 answers to parse: 0.1 ms, which is
more than the call itself. A client is safe to share.
"""

from typing import Any

from django.core.cache.backends import redis


class _Client(redis.RedisCacheClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[Any, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        parent: Any = super()
        pool = parent._get_connection_pool(write)
        if pool not in self._kept:
            self._kept[pool] = parent.get_client(key, write=write)
        return self._kept[pool]


class RedisCache(redis.RedisCache):
    """A backend for CACHES; takes what django.core.cache.backends.redis.RedisCache takes."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
