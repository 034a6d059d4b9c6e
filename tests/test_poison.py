"""A message that kills the process that works it does so five times, and never again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def told(folder: Path, kind: str) -> dict[str, Any]:
    environment = {**os.environ, "BENGI_DATABASE": str(folder / "poison.sqlite3")}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.labs.poison", kind],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(found)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "poison", "row", "halted"),
    [
        ("order", "rejected", ("order", "closed", False), []),
        ("cancel", "pending_cancel", ("cancel", "waiting", False), []),
        ("tick", "new", ("tick", "dropped", True), ["LAB"]),
        ("split", "accepted", ("corporate_action", "waiting", True), ["LAB"]),
    ],
)
def test_what_kills_the_process_is_set_aside(
    tmp_path: Path, kind: str, poison: str, row: tuple[Any, ...], halted: list[str]
) -> None:
    found = told(tmp_path, kind)
    assert found["wrong"] == []
    assert found["lives"] == 6
    assert found["orders"] == {"poison": poison, "innocent": "filled"}
    (aside,) = found["set_aside"]
    assert (aside["kind"], aside["outcome"], aside["has_halted"]) == row
    assert aside["tries"] == found["lives"] - 1
    assert found["halted"] == halted
    assert found["starts"] == 0, "the last one ended in good order"
