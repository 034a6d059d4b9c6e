"""Somebody with a password, and a program that signs in as them."""

import pytest
from django.test import Client

from accounts.tests.factories import PASSWORD, UserFactory
from bengi.limits.tests.conftest import limits  # noqa: F401 - a fixture

AUTH = "/api/v1/auth"


class Program(Client):
    """Speaks JSON, with a bearer token once it has one."""

    def __init__(self, token=None, **options):
        super().__init__(raise_request_exception=False, **options)
        self.token = token

    def ask(self, method, path, body=None, **headers):
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.generic(
            method.upper(),
            path if path.startswith("/") else f"{AUTH}/{path}",
            b"" if body is None else self._encode_json(body, "application/json"),
            content_type="application/json",
            headers={**sent, **headers},
        )

    def sign_in(self, user, **more):
        answer = self.ask("post", "login", {"email": user.email, "password": PASSWORD, **more})
        assert answer.status_code == 200, answer.content
        self.token = answer.json()["access_token"]
        return answer.json()


@pytest.fixture
def user(db):
    return UserFactory(email="grace@bengi.example", name="Grace")


@pytest.fixture
def program(user):
    return Program()


@pytest.fixture
def at_once(monkeypatch):
    """Let nothing be believed from the cache."""
    monkeypatch.setattr("accounts.identity.standing.STATE_S", 0)


def told(answer):
    """Return status and code of an answer."""
    return answer.status_code, answer.json()["code"]
