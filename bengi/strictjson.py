"""JSON as the API and the socket accept it: RFC 8259 and nothing that readers disagree about."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn

from bengi.errors import Malformed

DEPTH_MAX = 16
DIGITS_MAX = 40


def loads(data: bytes | str) -> Any:
    """Decode one JSON value; numbers with a point or an exponent come back as Decimal.

    Raises Malformed: duplicate_key when an object names a key twice; malformed_json for bytes that
    are not UTF-8, NaN and Infinity, more than DIGITS_MAX digits, nesting past DEPTH_MAX, and text
    with NUL or half of a surrogate pair, which databases and other readers would choke on.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_decimal,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise Malformed("malformed_json", "The text is not UTF-8.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed("malformed_json", f"{error.msg} at {where}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check(value, DEPTH_MAX)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("duplicate_key", f"The key {_twice(pairs)!a} stands twice in one object.")
    return found


def _twice(pairs: Iterable[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key[:64]
        seen.add(key)
    raise AssertionError("no key stands twice")


def _constant(word: str) -> NoReturn:
    raise Malformed("malformed_json", f"{word} is not JSON.")


def _decimal(text: str) -> Decimal:
    _check_digits(text)
    return Decimal(text)


def _integer(text: str) -> int:
    _check_digits(text)
    return int(text)


def _check_digits(text: str) -> None:
    if len(text) > DIGITS_MAX:
        raise Malformed("malformed_json", f"A number has more than {DIGITS_MAX} digits.")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth == 0:
            raise _too_deep()
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        for part in parts:
            _check(part, depth - 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Malformed("malformed_json", "A text holds the character NUL.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("malformed_json", "A text holds half of a surrogate pair.")


def _too_deep() -> Malformed:
    return Malformed("malformed_json", f"Nested deeper than {DEPTH_MAX} levels.")
