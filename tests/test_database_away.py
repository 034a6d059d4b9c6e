"""PostgreSQL goes away under a web process: it says so at once, and works again by itself."""

from typing import Any

import pytest

from bengi.postgres import ANSWER_S, STATEMENT_S
from scripts.parts import PARTS, find
from tests.labs.away import ANSWER_S as LAB_S
from tests.labs.running import run_lab
from tests.realparts import note_lab


def play(how: str, pytestconfig: pytest.Config) -> dict[str, Any]:
    """Let it go away; return what was told, once it is seen that everybody was answered."""
    found = find(PARTS["postgresql"])
    assert found, "PostgreSQL is missing"
    told = run_lab("away", found[0], how, timeout_s=180)
    assert told["before"][1] == 200
    assert {tuple(answer[1:]) for answer in told["away"]} == {(503, "unavailable")}
    assert {answer[1] for answer in told["pages"]} == {503}
    assert told["ready"][1] == 503
    assert told["at_work"][0] == "OperationalError"
    assert told["back_s"] < 10
    waited = [answer[0] for answer in told["away"] + told["pages"] + [told["ready"]]]
    words = f"503 after {max(waited):.1f} s at most, back after {told['back_s']:.1f} s"
    note_lab(pytestconfig, f"database {how}", words, is_postgres=True)
    return told | {"waited": waited}


@pytest.mark.real_parts
def test_requests_are_answered_while_the_database_is_away(pytestconfig: pytest.Config) -> None:
    told = play("crashes", pytestconfig)
    # 0.8 seconds each, on a machine that has nothing else to do.
    assert min(told["waited"]) < 1.5
    assert max(told["waited"]) < 5


@pytest.mark.real_parts
def test_nobody_waits_for_ever_for_a_database_that_has_frozen(pytestconfig: pytest.Config) -> None:
    """It takes connections and questions, and answers nothing: statement_timeout is its own."""
    told = play("freezes", pytestconfig)
    # A connection has 1.5 s to say that it is there, and the next one 0.8 s to come about.
    assert max(told["waited"]) < 6
    assert LAB_S <= told["at_work"][1] < 3 * LAB_S


def test_the_server_has_the_first_word_on_what_takes_too_long() -> None:
    assert STATEMENT_S < ANSWER_S < STATEMENT_S + 10
