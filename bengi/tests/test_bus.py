"""Both buses: one process's in memory, and the one over Redis that joins several."""

import logging
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bengi import bus as bus_module
from bengi import redis_bus
from bengi.bus import ACCOUNT, MISSED, NUDGE, STALE, TICKS, Bus, MemoryBus, get_bus
from bengi.redis_bus import RedisBus
from instruments.tests.ticks import D, make_tick
from tests.servers import Redis

WAIT_S = 10


class Ears:
    """Hears topics of a bus, in the order in which messages come."""

    def __init__(self, bus: Bus, *topics: str) -> None:
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.ends = [bus.subscribe(topic, self._heard.put) for topic in topics]

    def next(self) -> Any:
        return self._heard.get(timeout=WAIT_S)

    def all_now(self) -> list[Any]:
        heard = []
        while not self._heard.empty():
            heard.append(self._heard.get())
        return heard


def listening(bus: Bus) -> Bus:
    """Return the bus once it hears what other processes say."""
    ears = Ears(bus, MISSED)
    if bus.is_deaf:
        assert ears.next() is None
    return bus


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_bus, "SILENCE_S", 0.1)
    monkeypatch.setattr(redis_bus, "PAUSE_S", 0.1)


@pytest.fixture(params=["memory", "redis"])
def buses(request: pytest.FixtureRequest) -> Iterator[tuple[Bus, Bus]]:
    """Yield two ends: in memory the same bus twice, over Redis those of two processes."""
    if request.param == "memory":
        bus = MemoryBus()
        yield bus, bus
        return
    url = request.getfixturevalue("redis_url")
    here, there = RedisBus(url), RedisBus(url)
    try:
        yield listening(here), listening(there)
    finally:
        here.close()
        there.close()


@pytest.fixture
def redis_buses(own_redis: Redis) -> Iterator[tuple[Redis, Bus, Bus]]:
    """Yield a Redis of the test's own, and two processes' buses that are joined by it."""
    here, there = RedisBus(own_redis.url), RedisBus(own_redis.url)
    try:
        yield own_redis, listening(here), listening(there)
    finally:
        here.close()
        there.close()


def test_messages_come_once_and_in_order(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    ears = Ears(there, NUDGE, ACCOUNT)
    here.publish(NUDGE, 3)
    here.publish_all(ACCOUNT, [{"account_id": "a", "seq": 1}, {"account_id": "b", "seq": 2}])
    here.publish_all(ACCOUNT, [])
    here.publish(NUDGE, 4)
    heard = [ears.next() for _ in range(4)]
    assert heard == [3, {"account_id": "a", "seq": 1}, {"account_id": "b", "seq": 2}, 4]
    here.publish_together({ACCOUNT: [], NUDGE: [5, 6]})
    here.publish_together({NUDGE: [7], ACCOUNT: [{"account_id": "c", "seq": 3}]})
    assert [ears.next() for _ in range(4)] == [5, 6, 7, {"account_id": "c", "seq": 3}]
    assert ears.all_now() == []


def test_ticks_come_as_they_were_sent(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    ears = Ears(there, TICKS)
    ticks = [make_tick(bid=D("0.00000001"), volume=D("12345678901234567890.12345678")), make_tick()]
    here.publish(TICKS, ticks)
    assert ears.next() == ticks


def test_who_listens_in_the_same_process_is_called_at_once_and_only_once(
    buses: tuple[Bus, Bus],
) -> None:
    here, there = buses
    own = Ears(here, STALE)
    here.publish(STALE, "mine")
    assert own.all_now() == ["mine"]
    echo = Ears(there, NUDGE)
    here.publish(NUDGE, 1)
    echo.next()
    there.publish(STALE, "theirs")
    assert own.next() == "theirs", "mine would have come back before it"


def test_who_has_left_hears_nothing(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    gone, stays = Ears(there, NUDGE), Ears(there, NUDGE)
    for end in gone.ends:
        end()
    here.publish(NUDGE, 7)
    assert stays.next() == 7
    assert gone.all_now() == []


def test_messages_about_something_else_are_not_heard(buses: tuple[Bus, Bus]) -> None:
    here, there = buses
    ears = Ears(there, NUDGE)
    here.publish(STALE, "a")
    here.publish(NUDGE, 1)
    assert ears.next() == 1


def test_databases_of_one_redis_are_strangers(redis_url: str) -> None:
    here, there = RedisBus(redis_url), RedisBus(redis_url.removesuffix("/0") + "/1")
    here_too = RedisBus(redis_url)
    ears, ears_too = Ears(listening(there), NUDGE), Ears(listening(here_too), NUDGE)
    here.publish(NUDGE, 1)
    assert ears_too.next() == 1
    there.publish(NUDGE, 2)
    assert ears.all_now() == [2]
    for bus in (here, here_too, there):
        bus.close()


def test_a_listener_that_fails_does_not_deafen_the_others(
    redis_buses: tuple[Redis, Bus, Bus], caplog: pytest.LogCaptureFixture
) -> None:
    _, here, there = redis_buses

    def fail(_: Any) -> None:
        raise ZeroDivisionError("planted")

    ears = Ears(there, NUDGE)
    end = there.subscribe(STALE, fail)
    here.publish(STALE, "a")
    here.publish(NUDGE, 1)
    assert ears.next() == 1
    end()
    assert "a message about stale was not taken well" in caplog.text


def test_what_another_version_says_is_left_out(
    redis_buses: tuple[Redis, Bus, Bus], caplog: pytest.LogCaptureFixture
) -> None:
    _, here, there = redis_buses
    ears = Ears(there, TICKS, NUDGE)
    here.publish(TICKS, [{"symbol": "of the future"}])
    here.publish(NUDGE, 1)
    assert ears.next() == 1
    assert "a message about ticks cannot be read" in caplog.text


# -- Redis that goes and comes back --------------------------------------------------------------


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == redis_bus.__name__]


def test_nothing_fails_while_redis_is_away_and_it_is_said_once(
    redis_buses: tuple[Redis, Bus, Bus], caplog: pytest.LogCaptureFixture
) -> None:
    server, here, there = redis_buses
    own, others, again = Ears(here, NUDGE), Ears(there, NUDGE), Ears(there, MISSED)
    with caplog.at_level(logging.WARNING):
        server.stop()
        for number in range(100):
            here.publish(NUDGE, number)
        assert own.all_now() == list(range(100))
        assert others.all_now() == []
        while not (here.is_deaf and there.is_deaf):
            here.publish(NUDGE, 0)
        server.start()
        again.next()
    assert not there.is_deaf
    while others._heard.empty():
        here.publish(NUDGE, 5)
    assert others.next() == 5
    first, *_, last = lines_of(caplog)
    assert "Redis is away, the bus is in this process alone" in first
    assert last == "Redis answers again"
    assert len(lines_of(caplog)) == 4, "each of the two says so once"


def test_a_redis_that_hangs_keeps_nobody_waiting(redis_buses: tuple[Redis, Bus, Bus]) -> None:
    server, here, there = redis_buses
    with server.hanging():
        started_s = time.monotonic()
        here.publish(NUDGE, 1)
        first_s = time.monotonic() - started_s
        here.publish(NUDGE, 2)
        second_s = time.monotonic() - started_s - first_s
        ears = Ears(there, MISSED)
        give_up_s = time.monotonic() + WAIT_S
        while not there.is_deaf:
            assert time.monotonic() < give_up_s
            time.sleep(0.01)
    assert first_s < 2 * redis_bus.ANSWER_S
    assert second_s < redis_bus.ANSWER_S / 2
    ears.next()


def test_where_there_never_was_a_redis_everything_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bus = RedisBus(f"redis://127.0.0.1:{probe.getsockname()[1]}/0")
        own = Ears(bus, NUDGE)
        bus.publish(NUDGE, 1)
        assert own.next() == 1
        assert bus.is_deaf
        bus.close()
    assert [line for line in lines_of(caplog) if "is away" in line]


# -- which one a process has ---------------------------------------------------------------------


def test_the_settings_say_which(settings: Any) -> None:
    bus_module.reset()
    assert isinstance(get_bus(), MemoryBus)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    bus_module.reset()
    assert isinstance(get_bus(), RedisBus)
    assert get_bus() is get_bus()
    bus_module.reset()


FORK = """
import os, django
django.setup()
from bengi.bus import get_bus
before = get_bus()
if not (child := os.fork()):
    os._exit(get_bus() is before)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child has the same"
assert get_bus() is before
"""


def test_a_process_that_was_forked_has_one_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
