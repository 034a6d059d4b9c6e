"""SIGKILL in the middle of a burst: nothing acknowledged is lost, the books stay clean.

The whole product is killed PRODUCT_ROUNDS times, a small broker of its services CRASH_ROUNDS times
(`make crash` does 200): two of three on a PostgreSQL that is crashed itself now and then.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.labs.running import run_lab
from tests.realparts import note_lab

PRODUCT_ROUNDS = 20
CRASHES = ("servers_stopped", "backends_killed", "postmasters_killed")
CRASH_ROUNDS = int(os.environ.get("CRASH_ROUNDS", "60"))


@pytest.mark.slow
def test_kill_9_in_the_middle_of_a_burst(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    told = run_lab(
        "crash",
        PRODUCT_ROUNDS,
        "embedded",
        timeout_s=60 + 30 * PRODUCT_ROUNDS,
        BENGI_DATABASE=str(tmp_path / "crash.sqlite3"),
        DJANGO_SETTINGS_MODULE="bengi.settings.dev",
    )
    assert told["wrong"] == []
    assert told["rounds"] == PRODUCT_ROUNDS
    # A harness that only kills an idle process finds nothing.
    assert told["acknowledged"] >= PRODUCT_ROUNDS
    assert told["with_work_pending"] >= PRODUCT_ROUNDS // 4
    _note(pytestconfig, "product, sqlite", PRODUCT_ROUNDS, told)


def burst(*words: object, timeout_s: float) -> dict[str, Any]:
    """Run the lab of small brokers and return what it tells."""
    return run_lab("burst", *words, timeout_s=timeout_s)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "rounds"), [("sqlite", CRASH_ROUNDS // 3), ("postgres", -(-CRASH_ROUNDS * 2 // 3))]
)
def test_kill_9_of_engine_and_placers_again_and_again(
    kind: str, rounds: int, pytestconfig: pytest.Config
) -> None:
    told = burst(rounds, "kills", kind, timeout_s=60 + 15 * rounds)
    assert told["wrong"] == []
    assert told["kills"] == rounds
    assert told["acknowledged"] >= rounds
    assert told["with_work_pending"] > rounds // 2
    if kind == "postgres":
        assert sum(told.get(each, 0) for each in CRASHES) == rounds // 5
    _note(pytestconfig, kind, rounds, told)


def _note(config: pytest.Config, kind: str, kills: int, told: dict[str, Any]) -> None:
    """Say in the run's summary how many kills there were, and what they hit."""
    pending, kept = told["with_work_pending"], told["acknowledged"]
    words = f"{kills} SIGKILLs, {pending} with work pending, {kept} orders acknowledged, none lost"
    words += "".join(f", {told[each]} {each.replace('_', ' ')}" for each in CRASHES if each in told)
    note_lab(config, f"kills, {kind}", words, is_postgres=kind == "postgres")


@pytest.mark.slow
def test_a_batch_booked_in_two_commits_is_found_out() -> None:
    """A planted bug: only a kill between the two commits can show it."""
    told = burst(80, "planted", "postgres", "two-commits", timeout_s=400)
    assert told["wrong"], told
