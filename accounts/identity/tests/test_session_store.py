"""Sessions with copies in a cache: the table is the truth, and no copy outlives STATE_S."""

import logging
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

from accounts.identity import session_store
from accounts.identity.lifetimes import STATE_S
from accounts.identity.session_store import SessionStore
from accounts.tests.factories import UserFactory
from bengi.line import Line

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(settings: Any, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    settings.SESSION_ENGINE = "accounts.identity.session_store"
    caches["default"].clear()
    monkeypatch.setattr(session_store, "_line", Line(logging.getLogger("test"), "in vain"))
    store = SessionStore()
    store["who"] = "me"
    store.save()
    return store


def key_of(store: SessionStore) -> str:
    assert store.session_key
    return store.session_key


def test_the_copy_answers_in_place_of_the_table(
    store: SessionStore, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert SessionStore(key_of(store))["who"] == "me"
        assert store.exists(key_of(store))


def test_a_copy_does_not_last(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[float] = []
    cache = caches["default"]
    monkeypatch.setattr(type(cache), "set", lambda _, key, value, timeout: kept.append(timeout))
    SessionStore(key_of(store)).save()
    caches["default"].clear()
    SessionStore(key_of(store)).load()
    assert kept == [STATE_S, STATE_S]


def test_one_that_has_ended_is_over(store: SessionStore) -> None:
    SessionStore(key_of(store)).delete()
    assert not SessionStore(key_of(store)).get("who")


class Away:
    """A cache that cannot be reached."""

    asked = 0

    def __getattr__(self, _name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            type(self).asked += 1
            raise RedisAway("planted")

        return fail

    def __contains__(self, key: str) -> bool:
        self.get(key)
        return False


def test_without_a_cache_the_table_answers_and_it_is_not_asked_each_time(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_store, "caches", {"default": Away()})
    Away.asked = 0
    for _ in range(3):
        again = SessionStore(key_of(store))
        assert again["who"] == "me"
        again["who"] = "me"
        again.save()
        assert again.exists(key_of(store))
    again.delete()
    assert Away.asked == 1
    assert caplog.text.count("Redis is away") == 1
    assert not Session.objects.filter(session_key=key_of(store)).exists()


def test_pages_are_served_while_it_is_away(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_store, "caches", {"default": Away()})
    browser = Client()
    browser.force_login(UserFactory())
    assert browser.get("/settings").status_code in {200, 302, 404}
    assert browser.get("/api/v1/auth/profile").status_code == 200
    browser.logout()
    assert browser.get("/api/v1/auth/profile").status_code == 401
