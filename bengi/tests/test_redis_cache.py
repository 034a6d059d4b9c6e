"""The cache in Redis is Django's, and makes its client once."""

from typing import Any

import pytest
import redis

from bengi.redis_cache import RedisCache


def test_it_keeps_what_it_is_given(redis_url: str):
    cache = RedisCache(redis_url, {})
    cache.set_many({"a": {"b": 1}, "c": None}, 60)
    assert cache.get_many(["a", "c", "d"]) == {"a": {"b": 1}, "c": None}
    assert cache.add("a", 2) is False
    cache.delete_many(["a"])
    assert cache.get("a", "gone") == "gone"


def test_one_client_answers_all_calls(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    made: list[Any] = []
    real = redis.Redis.__init__

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        made.append(self)
        real(self, *args, **kwargs)

    monkeypatch.setattr(redis.Redis, "__init__", counted)
    cache = RedisCache(redis_url, {})
    for number in range(5):
        cache.set("n", number)
        assert cache.get("n") == number
    assert len(made) == 1


def test_a_redis_that_is_away_is_told_of():
    cache = RedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 0.2}})
    with pytest.raises(redis.ConnectionError):
        cache.get("a")
