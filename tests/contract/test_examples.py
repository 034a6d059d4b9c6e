"""The examples of the document are what the product answers.

With BENGI_EXAMPLES=write in the environment they are written anew (`make openapi` does).
"""

import json
import os
import re
from typing import Any

import pytest

from bengi.schema.examples import FILE
from tests.contract.document import Documented, operations
from tests.contract.stage import BODIES, Stage, ask, filled, staged, undone

pytestmark = pytest.mark.django_db
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ROW_MAX = 2
CURSOR = "WyIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS0wMDAwMDAwMDAwMDEiXQ"


def example(stage: Stage, each: Documented) -> dict[str, Any]:
    """Return the operation's request and answer, of whoever may, with names that stay the same."""
    body = filled(BODIES.get(each.id), stage.places)
    for role in ("owner", "dealer"):
        with undone():
            response = ask(stage.client(role), each, stage.places)
        if response.status_code < 400:
            break
    found = {} if body is None else {"request": body}
    return _renamed({**found, "answer": _short(response.json())})


def _short(answer: Any) -> Any:
    """Return the answer with the first rows of its list, and a cursor that names no row."""
    if not isinstance(answer.get("results"), list):
        return answer
    is_cursor = not (answer.get("next") or "0").isdecimal()
    following = {"next": CURSOR} if is_cursor else {}
    return {**answer, "results": answer["results"][:ROW_MAX], **following}


def _renamed(value: Any) -> Any:
    """Return the value with its identifiers numbered in the order they come in."""
    names: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        number = len(names) + 1
        return names.setdefault(match[0], f"01890a5d-ac96-774b-bcce-{number:012d}")

    return json.loads(UUID.sub(rename, json.dumps(value)))


def test_the_examples_are_what_is_answered():
    with staged() as stage:
        made = {each.id: example(stage, each) for each in operations()}
    assert [name for name, told in made.items() if "code" in told["answer"]] == []
    if os.environ.get("BENGI_EXAMPLES") == "write":
        FILE.write_text(json.dumps(made, indent=2) + "\n")
    assert made == json.loads(FILE.read_text())
