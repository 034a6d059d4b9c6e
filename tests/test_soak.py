"""The soak's judgement: what grows is found, what only varies is let pass."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import soak
from benchmarks.soak import Minute, grown, verdict
from tests.labs.running import run_lab


def minutes(**told: list[float]) -> list[Minute]:
    """Return nine quiet minutes, in some of which something is different."""
    quiet = {"median_s": [0.02] * 9, "p99_s": [0.1] * 9, "missing": [0] * 9, "web": [200.0] * 9}
    rows = {name: told.get(name, values) for name, values in quiet.items()}
    return [
        Minute(median_s, p99_s, 1000, int(missing), {"web": web, "feed": 80.0})
        for median_s, p99_s, missing, web in zip(*rows.values(), strict=True)
    ]


def test_quiet_minutes_are_good() -> None:
    assert verdict(minutes(), []) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"median_s": [0.02 + 0.004 * n for n in range(9)]}, "latency, median"),
        ({"p99_s": [0.1 + 0.03 * n for n in range(9)]}, "latency, p99"),
        ({"missing": [0, 0, 0, 0, 1, 0, 0, 0, 0]}, "1 orders not asked"),
        ({"web": [200.0 + 4 * n for n in range(9)]}, "memory of web"),
    ],
)
def test_what_grows_or_is_lost_is_found(told: dict[str, Any], words: str) -> None:
    (found,) = verdict(minutes(**told), [])
    assert found.startswith(words)


@pytest.mark.parametrize(
    "told",
    [
        {"median_s": [0.02, 0.025, 0.02, 0.03, 0.02, 0.02, 0.025, 0.02, 0.02]},
        {"p99_s": [0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.15, 0.1]},  # one bad minute in between
        {"web": [190.0, 198.0, 200.0, 203.0, 203.0, 204.0, 204.0, 204.0, 204.0]},  # caches fill
        {"web": [200.0 - 4 * n for n in range(9)]},
        {"web": [200.0] * 7 + [264.0, 200.0]},  # a vacuum takes some, and gives it back
    ],
)
def test_what_only_varies_is_let_pass(told: dict[str, Any]) -> None:
    assert verdict(minutes(**told), []) == []


def test_wrong_books_are_never_good() -> None:
    assert verdict(minutes(), ["FAIL cash"]) == ["the books: FAIL cash"]


def test_two_minutes_are_compared_with_each_other() -> None:
    assert grown("x", [1.0, 3.0], (0.5, 0.0), "s") == ["x went from 1 to 3 s"]
    assert grown("x", [1.0, 1.5], (0.5, 0.0), "s") == []


@pytest.mark.parametrize(
    ("carries", "found"),
    [(0.0, 0), (5.0, 4), (soak.RAMP_FROM, 40), (100.0, 78), (1e9, 1620)],
)
def test_the_ramp_goes_up_or_down_to_what_is_carried(
    carries: float, found: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "_is_carried", lambda _place, _mode, _name, rate: rate <= carries)
    nobody: Any = None
    assert round(soak.ramp(nobody, nobody)) == found


@pytest.mark.slow
@pytest.mark.real_parts
def test_a_short_soak_finds_a_leak_and_a_changed_balance(tmp_path: Path) -> None:
    """Real processes for 20 seconds; what was not planted is not found either.

    Of PostgreSQL that cannot be said so soon: sessions are opened and learn what tables there are.
    """
    results = tmp_path / "results"
    told = run_lab(
        "soaked",
        tmp_path,
        timeout_s=500,
        without=["DJANGO_SETTINGS_MODULE"],
        SOAK_MINUTES="5",
        SOAK_MINUTE_S="4",
        SOAK_RATE="10",
        BENCH_RESULTS=str(results),
    )
    assert told == {"code": 1}
    kept = json.loads((results / "soak_minutes.json").read_text())
    found = kept["not_good"]
    books = [line for line in found if line.startswith("the books")]
    memory = [line for line in found if line.startswith("memory") and "PostgreSQL" not in line]
    assert any("FAIL" in line for line in books), found
    assert len(memory) == 1, found
    assert memory[0].startswith("memory of sockets"), found
    assert not any("unanswered" in line for line in found), found
    assert all(minute["orders"] > 10 for minute in kept["minutes"])
