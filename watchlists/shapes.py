"""What the API answers about watchlists and alerts, for its document."""

from typing import Literal

from bengi.schema.shapes import Amount, Id, Moment, Shape
from bengi.terms import AlertKind

SETTING = (
    "missing_price",
    "unexpected_price",
    "unknown_symbol",
    "limit_reached",
    "alert_is_due",
    "unsupported_combination",
)


class Watchlist(Shape):
    """A list of symbols, in the order of its owner."""

    id: Id
    name: str
    symbols: list[str]


class Alert(Shape):
    """What somebody waits for, what the price was then, and whether it has fired."""

    id: Id
    symbol: str
    kind: AlertKind
    price: Amount | None
    percent: Amount | None
    reference_price: Amount | None
    note: str
    status: Literal["waiting", "fired"]
    created_at: Moment
    fired_at: Moment | None
    fired_price: Amount | None
