"""What a client may ask of its trades; their JSON is trades/payloads.py."""

from bengi.inputs import TextField, UUIDField, WordField
from bengi.pagination import PageInput
from bengi.terms import Side


class TradesInput(PageInput):
    """Filters of the list; all of them must hold."""

    symbol = TextField(max_length=16, default=None)
    side = WordField(list(Side), default=None)
    order = UUIDField(default=None)
