"""What a discreet reader is told of sentences that hold amounts of their own. Pure, for pages.

Sentences of the ledger, of orders and of refusals are made without knowing who reads them: the API
and files say them as they are. On a page they go through here. Amounts that Python writes for a
page itself are written by numerals.own_money().
"""

import re

from bengi import writing
from bengi.errors import BengiError

_CONVERTED = re.compile(r"[0-9.]+ ([A-Z]{3}) to [0-9.]+ ([A-Z]{3})\b")
_SHORT = re.compile(r"[0-9.,]+ ([A-Z]{3}) needed, [0-9.,]+ available\b")
_REFUSALS = {"insufficient_funds": "There is not enough money for it."}


def sentence(text: str) -> str:
    """Write why an order ended, or what an entry of the ledger is, without amounts of one's own."""
    if not writing.current().is_discreet:
        return text
    return _SHORT.sub(r"more \1 needed than available", _CONVERTED.sub(r"\1 to \2", text))


def refusal(error: BengiError) -> str:
    """Say why something was refused, without what one has for a discreet reader."""
    if not writing.current().is_discreet:
        return error.detail
    return _REFUSALS.get(error.code, error.detail)
