"""When a browser was last seen: noted with its pages, once a minute, and never in the way."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.db.models import QuerySet

from accounts.identity.lifetimes import LAST_USED_EVERY
from accounts.identity.middleware import see
from accounts.identity.models import SignIn
from accounts.tests.factories import PASSWORD
from bengi import clock

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=5)


@pytest.fixture
def row(client, user):
    cache.clear()
    client.post("/signin", {"email": user.email, "password": PASSWORD})
    cache.clear()
    SignIn.objects.update(last_used_at=clock.wall() - LONG_AGO)
    return SignIn.objects.get()


def seen(row):
    row.refresh_from_db()
    return clock.wall() - row.last_used_at < LAST_USED_EVERY


def test_a_page_says_that_its_browser_is_there(client, row):
    client.get("/orders")
    assert seen(row)


def test_it_is_noted_once_a_minute(client, row, django_assert_num_queries):
    client.get("/orders")
    SignIn.objects.update(last_used_at=clock.wall() - LONG_AGO)
    client.get("/orders")
    assert not seen(row)
    with django_assert_num_queries(0):
        see(row.id, clock.wall())


@pytest.mark.parametrize("path", ["/api/v1/orders", "/help"])
def test_what_asks_nobody_who_is_there_and_the_api_note_nothing(client, row, path):
    if path == "/help":
        client.cookies.clear()
    client.get(path)
    assert not seen(row)


def test_a_session_that_has_ended_is_not_seen_any_more(row):
    SignIn.objects.update(ended_at=clock.wall())
    see(row.id, clock.wall())
    assert not seen(row)


def test_a_page_goes_out_though_nobody_can_note_it(client, row, monkeypatch):
    def locked(*_args, **_values):
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", locked)
    assert client.get("/orders").status_code == 200
    monkeypatch.undo()
    assert not seen(row)
