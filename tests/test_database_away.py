"""PostgreSQL goes away under a web process: it says so at once, and works again by itself."""

from pathlib import Path

import pytest

from scripts.parts import PARTS, find
from tests.labs.running import run_lab
from tests.realparts import note_lab

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.real_parts
def test_requests_are_answered_while_the_database_is_away(pytestconfig: pytest.Config) -> None:
    found = find(PARTS["postgresql"])
    assert found, "PostgreSQL is missing"
    told = run_lab("away", found[0], timeout_s=180)
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
