"""Sentences as a page tells them: their numbers as its reader writes them, or dots. Pure.

Sentences of the ledger, of orders and of refusals are made without knowing who reads them: the API
and files say them as they are. On a page they go through here. Amounts that Python writes for a
page itself are written by numerals.own_money().
"""

import re
from datetime import datetime
from decimal import Decimal

from bengi import numerals, writing
from bengi.errors import BengiError
from bengi.sentences import Number, Sentence

_CONVERTED = re.compile(r"[0-9.]+ ([A-Z]{3}) to [0-9.]+ ([A-Z]{3})\b")
_SHORT = re.compile(r"[0-9.,]+ ([A-Z]{3}) needed, [0-9.,]+ available\b")


def sentence(text: str) -> str:
    """Write why an order ended, or what an entry of the ledger is, without amounts of one's own."""
    if not writing.current().is_discreet:
        return text
    return _SHORT.sub(r"more \1 needed than available", _CONVERTED.sub(r"\1 to \2", text))


def refusal(error: BengiError) -> str:
    """Say why something was refused, without what one has for a discreet reader."""
    return written(error.said)


def written(told: str | Sentence) -> str:
    """Write a sentence for whoever reads; one that keeps no numbers stays as it is."""
    return told if isinstance(told, str) else told.with_numbers(_for_reader)


def _for_reader(told: Number | datetime) -> str:
    if isinstance(told, datetime):
        return writing.minute(told)
    if told.is_own and writing.current().is_discreet:
        return numerals.HIDDEN
    return numerals.quantity(Decimal(told.value))
