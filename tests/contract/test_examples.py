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
_MOMENT = "2026-03-02T15:00:00Z"
_SHOWN = {
    **dict.fromkeys(("created_at", "last_used_at", "expires_at"), _MOMENT),
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
    "refresh_token": "rt_2nV8c0sIYdJ8m0l1bqkTzH4dL0f5w3xA7e9gQ6uRpKs",
    "email": "demo@bengi.example",
    "key": "bk_01890a5dac96774bbcce000000000001_6f1d",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_url": "otpauth://totp/Bengi:demo?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "recovery_codes": ["3b0c1f5a", "9d27e6b4"],
    "code": "492039",
}
CURSOR = "WyIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS0wMDAwMDAwMDAwMDEiXQ"


def example(stage: Stage, each: Documented) -> dict[str, Any]:
    """Return the operation's request and answer, of whoever may, with names that stay the same."""
    body = filled(BODIES.get(each.id), stage.places)
    for role in ("owner", "other", "dealer", "admin"):
        with undone():
            response = ask(stage.client(role), each, stage.places)
        if response.status_code < 400:
            break
    found = {} if body is None else {"request": body}
    if response.content:
        found["answer"] = _short(response.json())
    if each.path.startswith("/api/v1/auth/"):
        found = _without_secrets(found)
    return _renamed(found)


def _without_secrets(value: Any) -> Any:
    """Return the value with the same words for what is new each time: secrets, times, addresses."""
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _SHOWN[name] if name in _SHOWN and each is not None else _without_secrets(each)
        for name, each in value.items()
    }


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
    refused = "urn:bengi:problem:"
    assert [name for name, told in made.items() if refused in str(told.get("answer"))] == (
        ["place_several_orders"]  # where one of two is
    )
    if os.environ.get("BENGI_EXAMPLES") == "write":
        FILE.write_text(json.dumps(made, indent=2) + "\n")
    assert made == json.loads(FILE.read_text())
