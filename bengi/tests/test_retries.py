"""What the database gives up is tried again, and nothing of the failed try is left."""

import sqlite3
import threading

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from accounts.models import User
from bengi import retries
from bengi.retries import is_given_up, retried
from bengi.tests.databases import on_postgresql

DEADLOCK = psycopg.errors.DeadlockDetected("deadlock detected")


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(retries, "sleep", taken.append)
    return taken


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = code
    return error


def wrapped(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


class Failing:
    """A use case that writes a row, fails as often as told, and tells after its commit."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries, self.told = 0, 0

    def __call__(self, email: str) -> str:
        self.tries += 1
        User.objects.create(email=email)
        transaction.on_commit(self.tell)
        if self.errors:
            raise self.errors.pop(0)
        return email

    __name__ = "failing"

    def tell(self) -> None:
        self.told += 1


@pytest.mark.django_db(transaction=True)
def test_it_is_tried_again_until_it_holds(pauses):
    failing = Failing(
        wrapped(DEADLOCK),
        wrapped(psycopg.errors.SerializationFailure()),
        wrapped(sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT)),
    )
    assert retried(failing)("a@bengi.example") == "a@bengi.example"
    assert (failing.tries, failing.told, pauses) == (4, 1, [0.01, 0.03, 0.1])
    assert User.objects.filter(email="a@bengi.example").count() == 1


@pytest.mark.django_db(transaction=True)
def test_four_failures_are_enough(pauses):
    failing = Failing(*(wrapped(DEADLOCK) for _ in range(4)))
    with pytest.raises(OperationalError, match="deadlock"):
        retried(failing)("a@bengi.example")
    assert (failing.tries, failing.told) == (4, 0)
    assert not User.objects.filter(email="a@bengi.example").exists()


@pytest.mark.django_db(transaction=True)
def test_who_asks_does_not_wait_for_ever(pauses, monkeypatch):
    seconds = iter([100.0, 101.0, 102.5])
    monkeypatch.setattr(retries, "monotonic", lambda: next(seconds))
    failing = Failing(*(wrapped(DEADLOCK) for _ in range(4)))
    with pytest.raises(OperationalError, match="deadlock"):
        retried(failing)("a@bengi.example")
    assert failing.tries == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection unexpectedly"),
        wrapped(psycopg.errors.QueryCanceled("statement timeout")),
        wrapped(psycopg.errors.LockNotAvailable("lock timeout")),
        IntegrityError("twice"),
        ValueError("its own"),
    ],
    ids=str,
)
def test_whatever_else_fails_is_not_tried_again(pauses, error):
    failing = Failing(error)
    with pytest.raises(type(error)):
        retried(failing)("a@bengi.example")
    assert (failing.tries, pauses) == (1, [])


@pytest.mark.django_db
def test_inside_of_a_transaction_the_outermost_has_to_try_again(pauses):
    failing = Failing(wrapped(DEADLOCK))
    with pytest.raises(OperationalError):
        retried(failing)("a@bengi.example")
    assert (failing.tries, pauses) == (1, [])
    assert not User.objects.filter(email="a@bengi.example").exists()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, True),
        (sqlite3.SQLITE_LOCKED, True),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_IOERR, False),
    ],
)
def test_which_of_sqlites_errors_pass(code, expected):
    assert is_given_up(wrapped(sqlite_error(code))) is expected


@on_postgresql("SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_two_that_lock_each_other_out_both_hold():
    """Real deadlock: each locks a row, then wants the other's."""
    rows = [User.objects.create(email=f"{name}@bengi.example") for name in "ab"]
    meet = threading.Barrier(2, timeout=20)
    tries = []

    @retried
    def rename(first: User, second: User, name: str) -> None:
        tries.append(name)
        User.objects.filter(id=first.id).update(name=name)
        if len(tries) <= 2:
            meet.wait()
        User.objects.filter(id=second.id).update(name=name)

    def run(*args) -> None:
        try:
            rename(*args)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(*order, name))
        for order, name in ((rows, "one"), (rows[::-1], "two"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(set(tries)) == ["one", "two"]
    assert len(tries) == 3, "one of them was tried again"
    assert len(set(User.objects.values_list("name", flat=True))) == 1
