"""Duties: one process at a time, until it lets go or is silent; one that slept knows it."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from bengi.ids import new_id
from bengi.leases import tenure
from bengi.leases.models import Lease
from bengi.leases.services import LeaseLost, hold, release, take, take_over
from bengi.leases.tenure import LASTS_S, Tenure
from bengi.management.serving import End

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
LASTS = timedelta(seconds=10)


class Times:
    """A machine's clock, and one that counts seconds; both are moved by the test."""

    def __init__(self) -> None:
        self.passed_s = 100.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.passed_s)

    def now_s(self) -> float:
        return self.passed_s

    def tenure(self) -> Tenure:
        return Tenure("feed", self.now, now_s=self.now_s)


@pytest.fixture
def times() -> Times:
    return Times()


def test_one_has_a_duty_until_it_is_silent():
    first, second = new_id(), new_id()
    assert take("feed", first, "a", AT, LASTS)
    assert not take("feed", second, "b", AT + LASTS / 2, LASTS)
    assert take("feed", first, "a", AT + LASTS / 2, LASTS)
    assert not take("feed", second, "b", AT + LASTS, LASTS)
    assert take("feed", second, "b", AT + LASTS * 3 / 2, LASTS)
    assert not take("feed", first, "a", AT + LASTS * 3 / 2, LASTS)
    assert Lease.objects.get().by == "b"


def test_duties_are_apart():
    assert take("feed", new_id(), "a", AT, LASTS)
    assert take("archive", new_id(), "b", AT, LASTS)


def test_who_lets_go_is_followed_at_once():
    first, second = new_id(), new_id()
    take("feed", first, "a", AT, LASTS)
    release("feed", second)  # is not its own
    assert not take("feed", second, "b", AT, LASTS)
    release("feed", first)
    assert take("feed", second, "b", AT, LASTS)


def test_who_was_taken_over_cannot_hold_it():
    first, second = new_id(), new_id()
    take("archive", first, "a", AT, LASTS)
    with transaction.atomic():
        hold("archive", first, AT + LASTS / 2, LASTS)
    assert not take("archive", second, "b", AT + LASTS, LASTS)
    take_over("archive", second, "b", AT, LASTS)
    with pytest.raises(LeaseLost), transaction.atomic():
        hold("archive", first, AT, LASTS)


def test_a_process_that_was_stopped_knows_that_its_turn_may_be_over(times: Times):
    first, second = times.tenure(), times.tenure()
    assert not first.is_held
    assert first.take()
    assert first.is_held
    times.passed_s += LASTS_S
    assert not first.is_held  # before it has asked anybody
    assert second.take()
    assert not first.keep()
    assert not first.is_held
    second.release()
    assert not second.is_held
    assert not first.keep(), "what it knows is of before the other's turn"
    assert first.take()


def test_while_the_database_is_away_a_turn_lasts_to_its_end_and_no_longer(
    times: Times, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    mine, other = times.tenure(), times.tenure()
    assert mine.take()

    def fails(*_: object) -> bool:
        raise DatabaseError("gone\nand more of it")

    with monkeypatch.context() as away:
        away.setattr(tenure, "take", fails)
        away.setattr(tenure, "hold", fails)
        times.passed_s += LASTS_S - 1
        assert mine.keep()
        assert mine.is_held
        assert not other.take()
        times.passed_s += 1
        assert mine.keep()
        assert not mine.is_held, "it may be away from this process alone"
    told = {each.message for each in caplog.records if each.name == tenure.__name__}
    assert told == {"whose turn it is cannot be asked: gone"}


def test_the_end_comes_by_a_signal_while_it_is_waited_for():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        end = End()
        assert not end.comes_within(0.001)
        later = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        later.start()
        assert end.comes_within(30)
        later.join()
        assert end.has_come
        assert end.comes_within(30)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
