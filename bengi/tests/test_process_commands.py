"""The commands that run one process of a mode: what they refuse, in one sentence each."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bengi.embedded import Market
from bengi.management.commands import run_engine, run_feed
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


@pytest.mark.django_db
def test_a_feed_s_process_runs_a_market(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    done: list[str] = []
    monkeypatch.setattr(Market, "start", lambda _: done.append("started"))
    monkeypatch.setattr(Market, "stop", lambda _: done.append("stopped"))
    monkeypatch.setattr(run_feed, "wait_for_the_end", lambda: done.append("waited"))
    call_command("run_feed", "--seed", "7")
    assert done == ["started", "waited", "stopped"]
    assert "simulated market, seed 7" in capsys.readouterr().out


class _Nothing:
    def look(self) -> None:
        pass

    def run(self) -> None:
        pass

    def stop(self) -> None:
        pass
