"""PostgreSQL goes away under a web process: it says so at once, and works again by itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.parts import PARTS, find
from tests.realparts import note_lab

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.real_parts
def test_requests_are_answered_while_the_database_is_away(pytestconfig: pytest.Config) -> None:
    found = find(PARTS["postgresql"])
    assert found, "PostgreSQL is missing"
    done = subprocess.run(
        [sys.executable, "-m", "tests.labs.away", str(found[0])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(told)
    assert told["before"][1] == 200
    assert {tuple(answer[1:]) for answer in told["away"]} == {(503, "unavailable")}
    assert {answer[1] for answer in told["pages"]} == {503}
    waited = [answer[0] for answer in told["away"] + told["pages"]]
    # 0.8 seconds each, on a machine that has nothing else to do.
    assert min(waited) < 1.5
    assert max(waited) < 5
    assert told["back_s"] < 10
    words = f"503 after {max(waited):.1f} s at most, back after {told['back_s']:.1f} s"
    note_lab(pytestconfig, "database away", words, is_postgres=True)
