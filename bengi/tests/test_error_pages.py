"""Pages for what went wrong: they need no database, no script and no person to be shown."""

import re

import pytest
from asgiref.sync import sync_to_async
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.template.loader import render_to_string
from django.test import Client
from django.urls import resolve

from accounts.tests.factories import UserFactory

PAGES = ("400", "403", "403_csrf", "404", "405", "500", "503")


@pytest.mark.parametrize("name", PAGES)
def test_they_stand_alone(name):
    page = render_to_string(f"{name}.html")
    assert page.count("<h1") == 1
    assert f"<span>{name[:3]}</span>" in page
    assert "<script" not in page
    assert "style=" not in page
    for path in re.findall(r'"/static/([^"#]+)', page):
        assert finders.find(path), path
    links = re.findall(r'href="(/[^"]*)"', page)
    assert links
    for link in links:
        assert link.startswith("/static/") or resolve(link)


@pytest.fixture
def broken(monkeypatch):
    """Return a client, and a function that makes the front page fail with an error."""

    def fail_with(error):
        def view(*_args, **_more):
            raise error

        monkeypatch.setattr("accounts.views._front", view)

    return Client(raise_request_exception=False), fail_with


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RuntimeError("no secret is told"), 500, "Something went wrong on our side"),
        (OperationalError("the database is away"), 503, "Try again in a moment"),
    ],
)
def test_what_broke_names_the_request_and_nothing_else(db, broken, error, status, words):
    client, fail_with = broken
    fail_with(error)
    answer = client.get("/", headers={"X-Request-ID": "01890a5d-ac96-774b"})
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert answer["X-Request-ID"] == "01890a5d-ac96-774b"
    assert 'Reference <span class="mono">01890a5d-ac96-774b</span>' in page
    assert str(error) not in page
    assert "Content-Security-Policy" in answer


def test_who_is_signed_in_is_led_back_to_work(client, db):
    assert b"Your orders" not in client.get("/nowhere").content
    client.force_login(UserFactory(theme="light"))
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert b"Your orders" in answer.content
    assert b'data-theme="light"' in answer.content


def test_an_address_of_forms_alone_is_no_blank_page(client, db):
    client.force_login(UserFactory(theme="light"))
    answer = client.get("/orders/place")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert b"There is nothing to look at here" in answer.content
    assert b'data-theme="light"' in answer.content


@pytest.mark.django_db(transaction=True)
async def test_that_page_comes_from_the_server_that_browsers_meet_too(async_client):
    await async_client.aforce_login(await sync_to_async(UserFactory)(theme="light"))
    answer = await async_client.get("/orders/place")
    assert answer.status_code == 405
    assert b'data-theme="light"' in answer.content


def test_a_form_without_its_sign_is_refused(db):
    answer = Client(enforce_csrf_checks=True).post("/signin", {})
    assert answer.status_code == 403
    assert b"The form was too old to be sent" in answer.content


def test_a_host_that_is_not_ours_is_refused(db):
    answer = Client().get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert b"This request cannot be read" in answer.content
    assert b"evil" not in answer.content
