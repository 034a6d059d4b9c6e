"""Cursor pages: {"results": [...], "next": cursor | null}. Stable while rows are being added."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from bengi.errors import Malformed
from bengi.inputs import CountField, Input, TextField

Row = TypeVar("Row", bound=Model)

LIMIT = 50
LIMIT_MAX = 200


class PageInput(Input):
    """The two parameters that every list takes."""

    limit = CountField(1, LIMIT_MAX, default=LIMIT)
    cursor = TextField(max_length=400, default="")


def page(
    rows: QuerySet[Row],
    *,
    by: Sequence[str],
    limit: int,
    cursor: str,
    shape: Callable[[Row], Any],
) -> dict[str, Any]:
    """Return up to limit rows after cursor, each through shape, and where the next page starts.

    by: column names, "-" for descending, unique together, all in one direction; those of other
    tables are read with the rows. Raises Malformed invalid_parameter for a cursor that did not come
    from here, or from another order. One statement.
    """
    found = rows.order_by(*by)
    if cursor:
        found = found.filter(_after(rows.model, by, cursor))
    taken = list(found[: limit + 1])
    more = len(taken) > limit
    return {
        "results": [shape(row) for row in taken[:limit]],
        "next": _cursor(taken[limit - 1], by) if more else None,
    }


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Row]):
    """One page of a list for people, with the cursors of its neighbours, "" where there is none."""

    rows: list[Row]
    older: str
    newer: str


def leaf(
    rows: QuerySet[Row], *, by: Sequence[str], limit: int, after: str = "", before: str = ""
) -> Leaf[Row]:
    """Return up to limit rows after a cursor, or those before one; without either the first ones.

    by: as page() takes it. A cursor that did not come from here leads to the first page. One
    statement, two where the rows before a cursor do not fill a page.
    """
    try:
        if before:
            return _before(rows, by, limit, before)
        return _first(rows, by, limit, after)
    except Malformed:
        return _first(rows, by, limit, "")


def _first(rows: QuerySet[Row], by: Sequence[str], limit: int, after: str) -> Leaf[Row]:
    found = rows.order_by(*by)
    if after:
        found = found.filter(_after(rows.model, by, after))
    taken = list(found[: limit + 1])
    shown = taken[:limit]
    older = _cursor(shown[-1], by) if len(taken) > limit else ""
    return Leaf(shown, older, _cursor(shown[0], by) if after and shown else "")


def _before(rows: QuerySet[Row], by: Sequence[str], limit: int, before: str) -> Leaf[Row]:
    turned = [name[1:] if name.startswith("-") else f"-{name}" for name in by]
    found = rows.order_by(*turned).filter(_after(rows.model, by, before, turned))
    taken = list(found[: limit + 1])
    if len(taken) < limit:
        return _first(rows, by, limit, "")
    shown = taken[:limit][::-1]
    newer = _cursor(shown[0], by) if len(taken) > limit else ""
    return Leaf(shown, _cursor(shown[-1], by), newer)


def _cursor(row: Model, by: Sequence[str]) -> str:
    values = [",".join(by), *(str(_value(row, name.lstrip("-"))) for name in by)]
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _value(row: Model, column: str) -> Any:
    value: Any = row
    for part in column.split("__"):
        value = getattr(value, part)
    return value


def _field(model: type[Model], column: str) -> Any:
    *path, last = column.split("__")
    found: Any = model
    for part in path:
        found = found._meta.get_field(part).related_model
    return found._meta.get_field(last)


def _after(
    model: type[Model], by: Sequence[str], cursor: str, ways: Sequence[str] | None = None
) -> Q:
    """(a, b) > (x, y) spelled out as a > x or (a = x and b > y).

    ways: the columns in the directions to look, where those are not the cursor's own.
    """
    after, same = Q(), Q()
    for name, value in zip(ways or by, _values(model, by, cursor), strict=True):
        column = name.lstrip("-")
        way = "lt" if name.startswith("-") else "gt"
        after |= same & Q(**{f"{column}__{way}": value})
        same &= Q(**{column: value})
    return after


def _values(model: type[Model], by: Sequence[str], cursor: str) -> list[Any]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        order, *texts = msgspec.json.decode(raw, type=list[str]) or [""]
        if order != ",".join(by) or len(texts) != len(by) or any("\0" in text for text in texts):
            raise ValueError("not a cursor of this list")
        fields = [_field(model, name.lstrip("-")) for name in by]
        return [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
    except (ValueError, binascii.Error, msgspec.DecodeError, ValidationError) as error:
        detail = "Send the cursor as the page before gave it."
        raise Malformed("invalid_parameter", detail, field="cursor") from error
