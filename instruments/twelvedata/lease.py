"""Who asks Twelve Data for quotes: one of all processes that share a cache, as long as it does."""

from uuid import uuid4

from django.core.cache import cache
from redis.exceptions import RedisError

NAME = "twelvedata:polling"


class Lease:
    """Held by one at a time. It ends by itself seconds_s after it was last held."""

    def __init__(self, seconds_s: int) -> None:
        self._seconds_s = seconds_s
        self._mark = str(uuid4())

    def hold(self) -> bool:
        """Take the lease or go on with it; return False while somebody else has it.

        While the cache is away everybody has it: credits are counted elsewhere, and quotes that
        are asked for twice do less harm than none.
        """
        try:
            if cache.add(NAME, self._mark, self._seconds_s):
                return True
            return cache.get(NAME) == self._mark and cache.touch(NAME, self._seconds_s)
        except RedisError:
            return True

    def release(self) -> None:
        """Let somebody else have it, where it is still ours."""
        try:
            if cache.get(NAME) == self._mark:
                cache.delete(NAME)
        except RedisError:
            return
