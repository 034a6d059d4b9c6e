"""A process dies at each named point of accepting, booking and splitting: nothing is lost or half.

Where test_crash.py kills at random moments, this one comes to every place, every time.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bengi.crash_points import POINTS
from tests.labs.running import run_lab
from tests.realparts import note_lab

ROOT = Path(__file__).resolve().parent.parent
CASH_OFF = re.compile(r" balance (?P<cash>\d+), entries (?P<ledger>\d+)$")
"""How many shares were bought before the death differs from run to run, and so do the amounts."""


def lab(*words: str) -> dict[str, list[str]]:
    return run_lab("points", *words, timeout_s=400, without=["CRASH_AT"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_dying_at_a_named_point_leaves_nothing_half(kind: str, pytestconfig: pytest.Config) -> None:
    points = [point for point in POINTS if not point.startswith("relay.")]  # see test_kafka.py
    assert lab(kind, *points) == {point: [] for point in points}
    words = f"died at each of {len(points)}"
    note_lab(pytestconfig, f"crash points, {kind}", words, is_postgres=kind == "postgres")


@pytest.mark.slow
def test_two_commits_are_found_at_the_point_between_them() -> None:
    """A planted bug; before the first commit there is nothing to find."""
    told = lab("sqlite", "two-commits", "book.orders", "book.trades")
    assert told["book.orders"] == []
    found = [CASH_OFF.search(line) for line in told["book.trades"]]
    assert any(int(match["cash"]) < int(match["ledger"]) for match in found if match)
    assert any(line.endswith("ledger 0") for line in told["book.trades"])


def test_every_point_is_in_the_code_once() -> None:
    found: list[str] = []
    for app in ("bengi", "orders", "trades"):
        for path in (ROOT / app).rglob("*.py"):
            if "tests" not in path.parts:
                found += re.findall(r'crash_point\("([a-z.]+)"\)', path.read_text())
    assert sorted(found) == sorted(POINTS)


def test_a_point_that_does_not_exist_is_refused() -> None:
    environment = {**os.environ, "CRASH_AT": "nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", "import bengi.crash_points"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "CRASH_AT names no point" in done.stderr
