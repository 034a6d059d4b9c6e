"""The lease of who asks for quotes: one at a time, and never for ever."""

from typing import Any

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisAway

from instruments.twelvedata import lease as subject
from instruments.twelvedata.lease import NAME, Lease


@pytest.fixture(autouse=True)
def _anew() -> None:
    cache.clear()


def test_one_has_it_until_it_lets_go() -> None:
    one, other = Lease(60), Lease(60)
    assert one.hold()
    assert not other.hold()
    assert one.hold(), "and goes on with it"
    other.release()
    assert not other.hold(), "nobody lets go of another's"
    one.release()
    assert other.hold()


def test_it_ends_by_itself_where_its_holder_died(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Lease(60), Lease(60)
    assert one.hold()
    cache.delete(NAME)  # its time is over
    assert other.hold()
    assert not one.hold()
    one.release()
    assert other.hold()


def test_without_a_cache_everybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def __getattr__(self, _name: str) -> Any:
            def fail(*_: Any) -> None:
                raise RedisAway("planted")

            return fail

    monkeypatch.setattr(subject, "cache", Away())
    one = Lease(60)
    assert one.hold()
    one.release()
