"""Somebody with an account who is signed in, and a hub whose rounds come quickly."""

import pytest

from accounts.tests.factories import AccountFactory
from bengi.realtime import hub
from bengi.tests.sockets import cookie_of
from instruments.board import board
from trades.tests.world import assert_books_are_clean, open_world


@pytest.fixture
def empty_board():
    board.clear()


@pytest.fixture
def account(db):
    return AccountFactory()


@pytest.fixture
def cookie(account):
    return cookie_of(account.user)


@pytest.fixture
def swift(monkeypatch):
    """Let the hub's rounds come quickly."""
    monkeypatch.setattr(hub, "SWEEP_S", 0.05)
    monkeypatch.setattr(hub, "WATCH_S", 0.05)
    monkeypatch.setattr(hub, "FLUSH_S", 0.01)
    monkeypatch.setattr(hub, "HEARTBEAT_S", 0.05)


@pytest.fixture
def world(db):
    """A small market; whatever a test does with it, its books must be clean at the end."""
    with open_world() as made:
        yield made
        assert_books_are_clean()
