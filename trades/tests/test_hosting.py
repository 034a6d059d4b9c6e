"""The host of engines: which shards it works, what they hear, and that a shard can be handed on."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from bengi.bus import ACCOUNT, NUDGE, TICKS, get_bus
from instruments.tests.ticks import D, make_tick
from trades import hosting
from trades.hosting import EngineHost
from trades.models import Shard
from trades.session import SessionHours
from trades.tests.world import START, Trader, assert_books_are_clean, open_world

WAIT_S = 10


class FakeLoop:
    """Notes what it hears; ends when it is stopped, or never where it is stuck."""

    made: list["FakeLoop"] = []
    is_stuck = False

    def __init__(self, engine: Any, _now: Any, stored_quotes: Any) -> None:
        self.nudges, self.ticks = 0, list[Any]()
        self.stopped, self.let_go = threading.Event(), threading.Event()
        self.has_ended = False
        self.made.append(self)

    def nudge(self, _message: object = None) -> None:
        self.nudges += 1

    def on_ticks(self, ticks: Sequence[Any]) -> None:
        self.ticks += ticks

    def stop(self) -> None:
        self.stopped.set()

    def run(self) -> None:
        self.stopped.wait(WAIT_S)
        if self.is_stuck:
            self.let_go.wait(WAIT_S)
        self.has_ended = True


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> list[FakeLoop]:
    FakeLoop.made = []
    monkeypatch.setattr(FakeLoop, "is_stuck", False)
    monkeypatch.setattr(hosting, "EngineLoop", FakeLoop)
    return FakeLoop.made


@pytest.fixture
def host() -> Iterator[EngineHost]:
    before = {topic: get_bus()._callbacks[topic] for topic in (TICKS, NUDGE)}
    host = EngineHost(lambda: START, hours=SessionHours("always"))
    yield host
    host.stop()
    assert {topic: get_bus()._callbacks[topic] for topic in before} == before


def test_a_shard_hears_its_own_nudges_and_all_ticks(
    host: EngineHost, loops: list[FakeLoop]
) -> None:
    host.take(0)
    host.take(3)
    host.take(3)
    assert host.shards == {0, 3}
    get_bus().publish(NUDGE, 3)
    get_bus().publish(NUDGE, 1)
    assert host.nudge(0)
    assert host.nudge(0)
    assert not host.nudge(1)
    assert [loop.nudges for loop in loops] == [2, 1]
    get_bus().publish(TICKS, ["a tick"])
    host.on_ticks(["another"])  # type: ignore[list-item]
    assert [loop.ticks for loop in loops] == [["a tick", "another"]] * 2


def test_what_is_given_up_has_ended_and_hears_nothing(
    host: EngineHost, loops: list[FakeLoop]
) -> None:
    host.take(0)
    host.take(1)
    assert host.give_up(0)
    assert loops[0].has_ended
    assert not loops[1].has_ended
    assert host.shards == {1}
    get_bus().publish(NUDGE, 0)
    assert not host.nudge(0)
    assert loops[0].nudges == 0
    assert host.give_up(0), "nothing is left to end"
    host.take(0)
    get_bus().publish(NUDGE, 0)
    assert [loop.nudges for loop in loops] == [0, 0, 1]


def test_it_says_when_a_loop_has_not_ended_in_time(
    host: EngineHost, loops: list[FakeLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLoop, "is_stuck", True)
    host.take(0)
    assert not host.give_up(0, timeout_s=0.01)
    assert host.shards == set()
    loops[0].let_go.set()


@pytest.mark.django_db(transaction=True)
def test_a_shard_goes_from_one_host_to_another_with_its_book(host: EngineHost) -> None:
    """An order that rests with the first host is filled by the second one."""
    with open_world() as world:
        abc, trader = world.instrument(), world.trader()
        host.take(0)
        with _told_of(trader):
            order = world.place(trader, abc, "buy", 5, limit="10", drain=False)
        assert host.give_up(0)
        assert Shard.objects.get().starts == 0, "it ended in good order"
        order.refresh_from_db()
        assert order.status == "new"
        host.take(0)
        tick = make_tick(
            abc, bid=D("8.99"), ask=D(9), last=D(9), as_of=START + timedelta(seconds=1)
        )
        with _told_of(trader):
            get_bus().publish(TICKS, [tick])
        host.stop()
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 5)
    assert_books_are_clean()


@contextmanager
def _told_of(trader: Trader) -> Iterator[None]:
    """Wait until an engine's thread has told of the trader's account."""
    told = threading.Event()
    here = threading.get_ident()

    def hear(message: Any) -> None:
        if message["account_id"] == str(trader.account.id) and threading.get_ident() != here:
            told.set()

    end = get_bus().subscribe(ACCOUNT, hear)
    try:
        yield
        assert told.wait(WAIT_S)
    finally:
        end()
