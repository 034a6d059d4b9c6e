"""Numbers as people type them into the fields of pages, and as the product writes them there.

The point is the decimal one, for every reader. To somebody whose own mark for thousands it is,
10.000 can be two numbers, ten of something or ten thousand: what they type so is asked about, and
what the product writes into their fields says which it is by one more place, 10.0000.
"""

import re
from decimal import Decimal

from django.core.exceptions import ValidationError

from bengi import writing
from bengi.inputs import DECIMAL_DIGITS
from bengi.money import parse_decimal, plain

_GROUPED = re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+")


def read_number(text: str, *, example: str) -> Decimal:
    """Read a number that somebody typed. Raises ValidationError, which tells how to write one."""
    if _has_two_meanings(text):
        raise ValidationError(_both_ways(text))
    try:
        return parse_decimal(text, digits=DECIMAL_DIGITS)
    except ValueError as error:
        raise ValidationError(f"Write digits and a point only, such as {example}.") from error


def in_field(value: Decimal | str) -> str:
    """Write a number into a field so that read_number() reads that one, whoever the reader is."""
    text = value if isinstance(value, str) else plain(value)
    return f"{text}0" if _has_two_meanings(text) else text


def _has_two_meanings(text: str) -> bool:
    return writing.current().locale.thousands == "." and _GROUPED.fullmatch(text) is not None


def _both_ways(text: str) -> str:
    as_thousands = f"Write {text.replace('.', '')} without marks for thousands"
    if text.count(".") > 1:
        return f"{as_thousands}."
    return f"{as_thousands}, or {text}0 if the point begins the decimals."
