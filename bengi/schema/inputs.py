"""Input classes as JSON Schema: a body as an object, a query as parameters."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from rest_framework.fields import empty

from bengi.inputs import ChangesInput, Input
from bengi.schema.shapes import Schema


def body_schema(form: type[Input]) -> Schema:
    """Return the schema of a body: its fields and no others, with their defaults."""
    fields = form().fields
    schema: Schema = {"type": "object"}
    if form.__doc__ and form is not Input:
        schema["description"] = " ".join(form.__doc__.split())
    schema["properties"] = {name: _field(field) for name, field in fields.items()}
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    if issubclass(form, ChangesInput):
        schema["minProperties"] = 1
    return schema | {"additionalProperties": False}


def query_parameters(form: type[Input]) -> Iterator[Schema]:
    """Yield the parameters that a query may have."""
    for name, field in form().fields.items():
        yield {
            "name": name,
            "in": "query",
            "required": bool(field.required),
            "schema": _field(field),
        }


def codes_of(form: type[Input]) -> set[str]:
    """Return the codes that the fields of a body are refused with, those of inner forms too.

    But not those of a form_later: what it refuses is told in the answer, not as a problem.
    """
    codes = {"invalid_field"}
    for field in form().fields.values():
        codes.add(getattr(field, "code", "invalid_field"))
        inner = getattr(field, "form", None)
        codes |= codes_of(inner) if inner else set()
    return codes


def _field(field: Any) -> Schema:
    schema: Schema = field.json_schema()
    inner = getattr(field, "form", None) or getattr(field, "form_later", None)
    if inner:
        form = body_schema(inner)
        schema |= {"items": form} if schema.get("type") == "array" else form
    if field.allow_null:
        schema = {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}
    default = getattr(field, "default_word", field.default)
    if not callable(default) and default not in {empty, None, "", ()}:
        schema["default"] = str(default) if isinstance(default, Decimal) else default
    return schema
