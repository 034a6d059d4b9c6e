"""The commands that run one process of a mode: what they refuse, in one sentence each."""

import os
import socket
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command

from bengi import clock
from bengi.bus import TICKS, get_bus
from bengi.embedded import Market
from bengi.ids import new_id
from bengi.leases.models import Lease
from bengi.leases.services import take_over
from bengi.leases.tenure import Tenure
from bengi.management.commands import run_engine, run_feed
from bengi.threads import Crew
from trades.hosting import EngineHost

REPLAY = ["--feed", "replay", "--data", "x", "--day", "2013-10-07"]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("run_engine", ["--shards", "0,2"], "BENGI_SHARDS is 2, so there is no shard 2"),
        ("run_engine", ["--shards", "0,,1"], "numbers with commas"),
        ("run_engine", ["--shards", "\u0661"], "numbers with commas"),
        ("run_engine", ["--shards", ""], "numbers with commas"),
        ("run_engine", ["--source", "kafka"], "needs BENGI_KAFKA"),
        ("run_engine", ["--source", "kafka", "--shards", "0"], "the consumer group says which"),
        ("run_feed", ["--feed", "twelvedata"], "needs a key in TWELVE_DATA_API_KEY"),
        ("run_feed", ["--speed", "0"], "more than zero"),
        ("run_feed", REPLAY, "has a clock of its own"),
    ],
)
def test_what_makes_no_sense_is_refused(
    settings: Any, command: str, options: list[str], words: str
) -> None:
    settings.MATCHING_SHARDS, settings.TWELVE_DATA_API_KEY = 2, ""
    with pytest.raises(CommandError, match=words):
        call_command(command, *options)


def test_real_prices_want_real_hours_in_every_process(settings: Any) -> None:
    settings.TWELVE_DATA_API_KEY, settings.MARKET_HOURS = "key", "always"
    with pytest.raises(CommandError, match="BENGI_MARKET_HOURS=exchange, for all processes"):
        call_command("run_feed", "--feed", "twelvedata")


@pytest.mark.parametrize(("options", "worked"), [([], {0, 1, 2}), (["--shards", "2,0,2"], {0, 2})])
def test_an_engine_s_process_takes_its_shards_and_gives_them_up(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    options: list[str],
    worked: set[int],
) -> None:
    settings.MATCHING_SHARDS = 3
    taken: list[int] = []
    given_up: list[str] = []
    monkeypatch.setattr(EngineHost, "take", lambda _, shard: taken.append(shard))
    monkeypatch.setattr(EngineHost, "stop", lambda _: given_up.append("all"))
    monkeypatch.setattr(run_engine, "CalendarWatch", _Nothing)
    monkeypatch.setattr(run_engine, "wait_for_the_end", lambda: None)
    call_command("run_engine", *options)
    assert (set(taken), len(taken), given_up) == (worked, len(worked), ["all"])
    assert capsys.readouterr().out.splitlines()[-1] == "Stopped."


class Ends:
    """The end of a command: comes after so many looks, each of which something happens at."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self._happens = list(happens)
        self.has_come = False

    def comes_within(self, _seconds: float) -> bool:
        if self._happens:
            self._happens.pop(0)()
        self.has_come = not self._happens
        return self.has_come


@pytest.fixture
def markets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what becomes of the markets of the test."""
    done: list[str] = []
    monkeypatch.setattr(Market, "start", lambda _: done.append("started"))
    monkeypatch.setattr(Market, "stop", lambda _: done.append("stopped"))
    return done


def feed(monkeypatch: pytest.MonkeyPatch, *happens: Callable[[], object]) -> None:
    """Run a feed that looks as often as something happens."""
    monkeypatch.setattr(run_feed, "End", lambda: Ends(*happens))
    call_command("run_feed", "--seed", "7")


def nothing() -> None:
    """Let nothing happen."""


@pytest.mark.django_db
def test_a_feed_s_process_runs_a_market(
    monkeypatch: pytest.MonkeyPatch, markets: list[str], capsys: Any
) -> None:
    feed(monkeypatch, nothing, nothing)
    assert markets == ["started", "stopped"]
    assert "simulated market, seed 7" in capsys.readouterr().out
    assert Lease.objects.get(duty="feed").holder is None


@pytest.mark.django_db
def test_a_second_feed_waits_and_takes_over_when_the_first_is_silent(
    monkeypatch: pytest.MonkeyPatch, markets: list[str], capsys: Any
) -> None:
    first = Tenure("feed", clock.wall)
    assert first.take()
    told: list[list[str]] = []

    def dies() -> None:
        told.append(list(markets))
        past = clock.wall() - timedelta(seconds=1)
        Lease.objects.filter(duty="feed").update(expires_at=past)

    feed(monkeypatch, first.keep, dies, nothing)
    assert told == [[]]
    assert markets == ["started", "stopped"]
    words = capsys.readouterr().out.splitlines()
    assert words[0] == (
        f"Another feed is at work (process {os.getpid()} on {socket.gethostname()});"
        " this one waits for its end."
    )
    assert [line.split()[0] for line in words] == ["Another", "Prices", "Stopped."]


@pytest.mark.django_db
def test_a_feed_that_has_slept_through_its_turn_stops_its_market(
    monkeypatch: pytest.MonkeyPatch, markets: list[str], capsys: Any
) -> None:
    by = "process 1 on b"
    taken = partial(take_over, "feed", new_id(), by, clock.wall(), timedelta(seconds=60))
    feed(monkeypatch, taken, nothing, nothing)
    assert markets == ["started", "stopped"]
    assert f"Another feed has taken over ({by})." in capsys.readouterr().out


def test_a_market_that_has_stopped_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that stands by may have its turn again and again."""
    monkeypatch.setattr(Crew, "add", lambda *_: None)
    monkeypatch.setattr(Crew, "spawn", lambda *_: None)
    bus: Any = get_bus()
    before = {topic: len(heard) for topic, heard in bus._callbacks.items() if heard}
    market = Market(Mock())
    for _ in range(2):
        market.start()
        assert len(bus._callbacks[TICKS]) == before.get(TICKS, 0) + 1
        market.stop()
    assert {topic: len(heard) for topic, heard in bus._callbacks.items() if heard} == before


class _Nothing:
    def look(self) -> None:
        pass

    def run(self) -> None:
        pass

    def stop(self) -> None:
        pass
