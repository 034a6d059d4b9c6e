"""Writers of one process queue for SQLite's lock instead of sleeping and hoping."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction

from bengi.sqlite.base import _gates

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has its own row locks"),
]


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def body() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def is_free() -> bool:
    return not _gates[str(connection.settings_dict["NAME"])].locked()


def test_writers_wait_for_their_turn_and_all_get_it() -> None:
    waited_s: list[float] = []

    def write() -> None:
        began = time.monotonic()
        with transaction.atomic():
            waited_s.append(time.monotonic() - began)

    with transaction.atomic():
        threads = [in_thread(write) for _ in range(8)]
        time.sleep(0.3)
        assert waited_s == []
    for thread in threads:
        thread.join()
    assert len(waited_s) == 8
    assert is_free()


def test_a_failed_transaction_leaves_the_queue() -> None:
    with pytest.raises(ValueError, match="no"), transaction.atomic():
        raise ValueError("no")
    assert is_free()


def test_a_savepoint_does_not_queue_twice() -> None:
    with transaction.atomic(), transaction.atomic():
        assert not is_free()
    assert is_free()


def test_a_closed_connection_leaves_the_queue() -> None:
    def write_and_vanish() -> None:
        transaction.set_autocommit(False)
        connection._start_transaction_under_autocommit()
        connection.close()

    in_thread(write_and_vanish).join()
    assert is_free()


def test_a_lock_that_never_comes_is_an_error_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Exception] = []

    def write() -> None:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
        try:
            with transaction.atomic():
                pass
        except OperationalError as error:
            raised.append(error)

    with transaction.atomic():
        in_thread(write).join()
    assert [str(error) for error in raised] == ["database is locked"]
