"""Sentences that keep their numbers, so that whoever tells them can write those as it is read.

str() of one is what the API, files and the log say, the same for everybody. Pages have
bengi.discreet.written() put the numbers and the times in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bengi.money import grouped, plain


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a sentence. is_apart: the API sets thousands apart too, as 19,900.

    is_own: an amount of money that the reader has, which a discreet one does not see.
    """

    value: Decimal | int
    is_apart: bool = False
    is_own: bool = False


Write = Callable[[Number | datetime], str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with names in braces; there stand numbers, times, words, other sentences."""

    form: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return self.with_numbers(_plainly)

    def with_numbers(self, write: Write) -> str:
        """Return the sentence with its numbers and times as write() writes them."""
        return self.form.format_map(
            {name: _text(value, write) for name, value in self.values.items()}
        )


def sentence(form: str, /, **values: object) -> Sentence:
    """Return a sentence; a bare Decimal or int among the values is a plain number."""
    return Sentence(form, values)


def apart(value: Decimal) -> Number:
    """Return a number whose thousands stand apart everywhere."""
    return Number(value, is_apart=True)


def own(value: Decimal) -> Number:
    """Return an amount of the reader's own."""
    return Number(value, is_apart=True, is_own=True)


def _text(value: object, write: Write) -> str:
    if isinstance(value, Sentence):
        return value.with_numbers(write)
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        value = Number(value)
    return write(value) if isinstance(value, Number | datetime) else str(value)


def _plainly(told: Number | datetime) -> str:
    if isinstance(told, datetime):
        return f"{told.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    value = Decimal(told.value)
    return grouped(value) if told.is_apart else plain(value)
