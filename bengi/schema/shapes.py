"""The words that answers are declared with. Shapes document; the shape functions write.

A Shape has no field that is not always there and no others beside them.
"""

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

Item = TypeVar("Item")
Schema = dict[str, Any]
REF = "#/components/schemas/"

Amount = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]+(\.[0-9]+)?$",
        description="A decimal without exponent and without zeros at its end.",
    ),
]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
        description="A time in UTC, as RFC 3339 writes it.",
        extra_json_schema={"format": "date-time"},
    ),
]
Day = Annotated[
    str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", extra_json_schema={"format": "date"})
]
Id = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", extra_json_schema={"format": "uuid"}
    ),
]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="An ISO 4217 code.")]


class Shape(Struct, forbid_unknown_fields=True):
    """What an answer looks like."""


class Page(Shape, Generic[Item]):
    """Some of a list, and the cursor of the rest; null where it ends."""

    results: list[Item]
    next: str | None


class Listing(Shape, Generic[Item]):
    """A whole list."""

    results: list[Item]


class Reason(Struct):
    """One reason, with the field at fault and the numbers behind it under names of their own."""

    field: str | None
    code: str
    detail: str


class Problem(Shape):
    """Why a request was refused (RFC 9457); all codes are in docs/errors.md."""

    type: Annotated[str, Meta(pattern="^urn:bengi:problem:[a-z_]+$")]
    title: str
    status: int
    code: Annotated[str, Meta(description="Stable, for programs.")]
    detail: Annotated[str, Meta(description="For people; may change.")]
    errors: list[Reason]
    request_id: Annotated[str, Meta(description="Also in the header X-Request-ID.")]


def json_schema(shape: Any) -> tuple[Schema, dict[str, Schema]]:
    """Return the shape's schema and the named ones it refers to, by name."""
    (schema,), named = msgspec.json.schema_components([shape], ref_template=REF + "{name}")
    return _tidy(schema), {_name(name): _tidy(each) for name, each in named.items()}


def _name(name: str) -> str:
    """Page_Order_ is OrderPage."""
    kind, _, item = name.rstrip("_").partition("_")
    return item + kind


def _tidy(schema: Any) -> Any:
    """Return the schema with tidy names, without the titles, which only say them again."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: v for k, v in schema.items() if k != "title" or not isinstance(v, str)}
    told = {key: _tidy(value) for key, value in kept.items()}
    if isinstance(reference := told.get("$ref"), str):
        told["$ref"] = REF + _name(reference.removeprefix(REF))
    return told
