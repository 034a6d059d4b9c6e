"""Columns that become the text of an array at once, where their values need no conversion.

JSON's way of writing a list is PostgreSQL's but for the brackets, as long as no text needs an
escape: msgspec writes a column in the time in which Python looks at a few of its values.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from django.db import models

from bengi.fields import ExactField, ValueField
from bengi.money import PLACES


def at_once(field: models.Field, values: Sequence[Any]) -> str | None:
    """Return the text of a column's array; None when a value has to be looked at by itself."""
    kind, odd = _plainly(field)
    if kind is None or not _are_all(kind, set(map(type, values))):
        return None
    text = msgspec.json.encode(values).decode()
    if odd.search(text):
        return None
    return "{" + text[1:-1] + "}"


def _are_all(kind: type, kinds: set[type]) -> bool:
    others = kinds - {kind, type(None)}
    return not others or (kind is str and all(issubclass(each, StrEnum) for each in others))


@cache
def _plainly(field: models.Field) -> tuple[type | None, re.Pattern[str]]:
    """Return what a column's values are, and what none may hold that is written as it stands.

    Of a text: an escape. Of a number: an exponent, no number, more places than the column has.
    """
    target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, ExactField):
        places = 2 * PLACES if isinstance(target, ValueField) else PLACES
        return Decimal, re.compile(rf"[A-Z]|\.[0-9]{{{places + 1}}}")
    return _KINDS.get(type(target)), re.compile(r"\\")


_KINDS: dict[type[models.Field], type] = {
    models.UUIDField: UUID,
    models.CharField: str,
    models.TextField: str,
}
