"""Every mode, started as real processes: the same story, clean books, the same events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.modes import processes
from tests.modes.processes import MANAGE, PYTHON, Fleet
from tests.modes.scenario import Told, play

pytestmark = pytest.mark.slow

Digest = list[list[Any]]


def played(mode: AbstractContextManager[Fleet]) -> tuple[dict[str, Told], Digest, dict[str, int]]:
    """Play the story in a mode; return what was told, the events, and how the processes ended."""
    with mode as fleet:
        told = play(fleet)
        fleet.check()
        ended = fleet.stop_all()
        fleet.run([*MANAGE, "check_books"])
        fleet.run([*MANAGE, "replay_events"])
        return told, json.loads(fleet.run([PYTHON, "-m", "tests.modes.digest"])), ended


def differing(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """Yield each place at which two digests differ, with what stands there."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() | found.keys():
            yield from differing(expected.get(key), found.get(key), f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        for number, pair in enumerate(zip(expected, found, strict=False)):
            yield from differing(*pair, f"{where}[{number}]")
    elif expected != found:
        yield f"{where}: {expected!r}, {found!r}"


def test_all_modes_come_to_the_same(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    modes: dict[str, Callable[[Path], AbstractContextManager[Fleet]]] = {
        "embedded": processes.embedded,
        "standard": lambda folder: processes.standard(folder, postgres_url, redis_url),
    }
    stories = {}
    for name, mode in modes.items():
        (tmp_path / name).mkdir()
        stories[name] = played(mode(tmp_path / name))
    told, events, _ = stories["embedded"]
    assert {kind for _, _, kind, _ in events} >= {"order.replaced", "trade.executed"}
    for name, story in stories.items():
        for person, heard in story[0].items():
            first = heard.seqs[0]
            assert heard.seqs == list(range(first, first + len(heard.seqs))), (name, person)
        assert story[0] == told, name
        assert list(differing(events, story[1])) == [], name
        assert len(story[1]) == len(events), name
        assert set(story[2].values()) == {0}, (name, story[2])
