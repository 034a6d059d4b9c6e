"""Each process and server of the scale-out mode is killed: idle, in a burst, at a session's close.

Every run kills each of them once (`make test`); `make crash` plays every cell of the matrix
MATRIX_ROUNDS times. Nothing acknowledged is lost, all is done within 30 s, the books are clean.
"""

import os
import re
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.labs.matrix.cells import ALL
from tests.labs.running import run_lab
from tests.realparts import note_lab

pytestmark = [pytest.mark.slow, pytest.mark.real_parts]
SLICE = (
    "engine/burst",
    "relay/burst",
    "postgres/burst",
    "kafka/burst",
    "web/idle",
    "redis/idle",
    "worker/close",
    "beat/close",
)
ROUNDS = int(os.environ.get("MATRIX_ROUNDS", "0"))
CELL_S_MAX = 90


def matrix(rounds: int, seed: str, *words: str) -> dict[str, Any]:
    cells = rounds * len(ALL)
    return run_lab("matrix", rounds, seed, *words, timeout_s=300 + CELL_S_MAX * cells)


def died_by_themselves(told: dict[str, Any]) -> dict[str, int]:
    """Return which processes ended more often than somebody killed them, and how often."""
    killed: Counter[str] = Counter()
    for cell, kills in told["kills_of"].items():
        killed[cell.partition("/")[0]] += kills
    ended = told["ended"].items()
    return {name: times for name, times in ended if times > killed[name.partition("-")[0]]}


def _note(config: pytest.Config, told: dict[str, Any]) -> None:
    pending = sum(told["pending"].values())
    words = f"{told['kills']} SIGKILLs, {pending} with work pending, {told['orders']} orders"
    words += f" acknowledged, none lost, all done after {told['slowest_s']} s at the latest"
    note_lab(config, "matrix, scale", words, is_postgres=True)


@pytest.mark.skipif(ROUNDS > 0, reason="the whole matrix is played")
def test_one_kill_of_each(pytestconfig: pytest.Config) -> None:
    told = matrix(1, "slice", *SLICE)
    assert told["wrong"] == []
    assert died_by_themselves(told) == {}
    assert told["kills"] == len(SLICE)
    # Whoever only kills what is idle finds nothing.
    assert told["pending"]["burst"] >= 2
    _note(pytestconfig, told)


@pytest.mark.skipif(ROUNDS == 0, reason="make crash plays the whole matrix")
def test_the_whole_matrix_again(pytestconfig: pytest.Config) -> None:
    told = matrix(ROUNDS, "matrix")
    assert told["wrong"] == []
    assert died_by_themselves(told) == {}
    assert told["kills"] >= ROUNDS * len(ALL)
    assert told["pending"]["burst"] + told["pending"]["close"] >= ROUNDS * len(ALL) // 3
    _note(pytestconfig, told)


@pytest.mark.parametrize(
    ("bug", "cell", "found"),
    [
        ("relay-first", "relay/burst", "waits"),
        ("not-durable", "postgres/burst", "was acknowledged as|the books have None"),
    ],
)
def test_a_planted_bug_is_found_by_the_matrix(bug: str, cell: str, found: str) -> None:
    told = matrix(5, "planted", "--bug", bug, cell)
    assert any(re.search(found, line) for line in told["wrong"]), told


# -- an engine that stands still for longer than its lease ---------------------------------------


def paused(kafka_server: str, redis_url: str, *words: str) -> dict[str, Any]:
    brokers = {"LAB_KAFKA": kafka_server, "LAB_PREFIX": f"lab-{uuid4().hex[:8]}"}
    return run_lab("paused", *words, timeout_s=400, REDIS_URL=redis_url, **brokers)


@pytest.mark.parametrize("mode", ["scale", "standard"])
def test_an_engine_that_was_overtaken_writes_nothing_stale(
    mode: str, kafka_server: str, redis_url: str
) -> None:
    """It stops with a batch decided and nothing written; another does its work meanwhile."""
    told = paused(kafka_server, redis_url, mode, "engine.decided")
    assert told["wrong"] == []
    assert told["fenced_before"] == 0
    assert told["fenced"][0] >= 1
    assert told["refused"] == 0


def test_an_engine_that_holds_a_batch_is_waited_for(kafka_server: str, redis_url: str) -> None:
    """It stops in its transaction: that is good once it goes on, and the other is fenced."""
    told = paused(kafka_server, redis_url, "scale", "book.saved")
    assert told["wrong"] == []


def test_an_engine_without_its_fence_is_found(kafka_server: str, redis_url: str) -> None:
    """A planted bug. There was something stale to write: the net below the fence has it."""
    told = paused(kafka_server, redis_url, "scale", "engine.decided", "no-fence")
    assert told["fenced"][0] == 0
    assert told["refused"] >= 1, told
