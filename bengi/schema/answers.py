"""The answers of a method in the document: its success, and its problems by status."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from bengi.problem import DETAIL_OF_STATUS, MEDIA_TYPE
from bengi.schema.codes import ALSO, STATUS_OF
from bengi.schema.inputs import codes_of
from bengi.schema.operation import Key, Operation
from bengi.schema.shapes import REF, Schema

ANYWHERE = ("invalid_parameter", "payload_too_large", "rate_limited")
ANYWHERE_TOO = ("internal_error", "unavailable")
OF_PEOPLE = ("not_authenticated", "token_invalid", "token_expired", "forbidden")
OF_BODIES = ("malformed_json", "duplicate_key", "unknown_field", "unsupported_media_type")
OF_KEYS = ("invalid_idempotency_key", "idempotency_mismatch", "in_progress")
COMMON_MAX = 3
HEADERS = "#/components/headers/"
_ALWAYS = ("X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
ALWAYS = {name: {"$ref": HEADERS + name} for name in _ALWAYS}
_SAID_WITH = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def codes_answered(told: Operation, method: str, path: str) -> set[tuple[int, str]]:
    """Return every (status, code) that a method may be refused with."""
    codes = {*told.refuses, *ANYWHERE, *ANYWHERE_TOO}
    codes |= set() if told.public else set(OF_PEOPLE)
    codes |= {"not_found"} if "{" in path else set()
    is_safe = method in {"GET", "HEAD", "OPTIONS"}
    codes |= set() if is_safe or told.public else {"csrf_failed"}
    if told.body is not None:
        codes |= {*OF_BODIES, *codes_of(told.body)}
    if told.key is not Key.NONE:
        codes |= set(OF_KEYS)
    if told.key is Key.REQUIRED:
        codes.add("idempotency_key_required")
    also = {(ALSO[code], code) for code in told.refuses_also}
    return {(STATUS_OF[code], code) for code in codes} | also


def successes(
    told: Operation, schemas: dict[int, Schema | None], example: Any
) -> dict[str, Schema]:
    """Return the answers of a method that did what was asked, by status; so are schemas."""
    found = {
        str(status): _success(told, status, schema, example if status == told.status else None)
        for status, schema in schemas.items()
    }
    if told.key is not Key.NONE and told.status != HTTPStatus.OK:
        again = _success(told, told.status, schemas[told.status], example)
        again["description"] = "The same as before; nothing was done again."
        again["headers"] = again["headers"] | _replayed()
        found["200"] = again
    elif told.replays or told.key is not Key.NONE:
        found["200"]["headers"] |= _replayed()
    return found


def problems(codes: set[tuple[int, str]]) -> Iterator[tuple[int, str, Schema]]:
    """Yield (status, name, answer) for the problems with these codes.

    name: what other methods call the very same answer too, "" where there are too many codes.
    """
    for status in sorted({status for status, _ in codes}):
        of_status = [code for code in STATUS_OF if (status, code) in codes]
        is_common = len(of_status) <= COMMON_MAX
        name = "Or".join(_camel(code) for code in of_status) if is_common else ""
        yield status, name, _problem_answer(status, of_status)


def _success(told: Operation, status: int, schema: Schema | None, example: Any) -> Schema:
    answer: Schema = {"description": HTTPStatus(status).phrase, "headers": dict(ALWAYS)}
    if schema is None:
        return answer
    shown = {} if example is None else {"example": example}
    answer["content"] = {"application/json": {"schema": schema, **shown}}
    if told.csv:
        answer["content"]["text/csv"] = {"schema": {"type": "string"}}
    return answer


def _replayed() -> Schema:
    return {"Idempotency-Replayed": {"$ref": f"{HEADERS}Idempotency-Replayed"}}


def _problem_answer(status: int, codes: list[str]) -> Schema:
    headers = {name: {"$ref": HEADERS + name} for name in _SAID_WITH.get(status, ())}
    these = {"status": {"const": status}, "code": {"enum": codes}}
    schema = {"allOf": [{"$ref": f"{REF}Problem"}, {"properties": these}]}
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}.",
        "headers": ALWAYS | headers,
        "content": {MEDIA_TYPE: {"schema": schema, "example": _problem_example(status, codes[0])}},
    }


def _problem_example(status: int, code: str) -> Schema:
    """Return a problem as bengi/problem.py writes one."""
    return {
        "type": f"urn:bengi:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": DETAIL_OF_STATUS.get(status, "What is wrong, in words."),
        "errors": [],
        "request_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    }


def _camel(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))
