"""The committed document: which operation an address is, and the schema of each answer."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

FILE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
_PLACE = re.compile(r"\{(\w+)\}")
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


@cache
def document() -> dict[str, Any]:
    return json.loads(FILE.read_text())


@dataclass(frozen=True)
class Documented:
    """One operation of the document."""

    path: str
    method: str
    told: dict[str, Any]

    @property
    def id(self) -> str:
        return self.told["operationId"]

    def answer(self, status: int) -> dict[str, Any] | None:
        """Return what is told of a status, None where it is not."""
        found = self.told["responses"].get(str(status))
        return resolved(found) if found else None

    def codes(self) -> set[str]:
        """Return every code of its problems."""
        found: set[str] = set()
        for status in self.told["responses"]:
            if int(status) >= 400:
                content = self.answer(int(status))["content"]["application/problem+json"]
                found |= set(content["schema"]["allOf"][1]["properties"]["code"]["enum"])
        return found


def operations() -> Iterator[Documented]:
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            yield Documented(path, method.upper(), told)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference refers to; anything else as it is."""
    if "$ref" not in part:
        return part
    found: Any = document()
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


@cache
def _patterns() -> list[tuple[re.Pattern[str], Documented]]:
    """Addresses with fewer places first: orders/preview is no {order_id}."""
    found = sorted(operations(), key=lambda each: each.path.count("{"))
    return [(_pattern(each), each) for each in found]


def _pattern(each: Documented) -> re.Pattern[str]:
    kinds = {p["name"]: p["schema"] for p in each.told.get("parameters", []) if p["in"] == "path"}
    text = ""
    for index, part in enumerate(_PLACE.split(each.path)):
        is_place = index % 2 == 1
        is_uuid = is_place and kinds[part].get("format") == "uuid"
        text += ("[0-9a-f-]{36}" if is_uuid else "[^/]+") if is_place else re.escape(part)
    return re.compile(text + "/?")


def operation_at(method: str, path: str) -> Documented | None:
    """Return the operation of an address, None where there is none."""
    found = [each for pattern, each in _patterns() if pattern.fullmatch(path)]
    here = [each for each in found if each.path == found[0].path]
    return next((each for each in here if each.method == method), None)


@cache
def _validator(operation_id: str, status: int, media_type: str) -> Any:
    (each,) = (found for found in operations() if found.id == operation_id)
    schema = each.answer(status)["content"][media_type]["schema"]
    whole = {"$schema": _DRAFT, "components": document()["components"], "allOf": [schema]}
    return jsonschema_rs.validator_for(whole, validate_formats=True)


def breaches(each: Documented, status: int, media_type: str, body: bytes) -> Iterator[str]:
    """Yield in what an answer is not what the document says."""
    told = each.answer(status)
    if told is None:
        yield f"status {status} is not documented"
        return
    content = told.get("content", {})
    if media_type not in content:
        if content or body:
            yield f"{media_type} is not documented for status {status}"
        return
    if not media_type.endswith("json"):
        return
    value = json.loads(body)
    for error in _validator(each.id, status, media_type).iter_errors(value):
        yield f"{'/'.join(map(str, error.instance_path))}: {error.message}"[:400]
    if status >= 400:
        unknown = {reason["code"] for reason in value["errors"]} - each.codes()
        if unknown:
            yield f"codes that are not documented: {sorted(unknown)}"
