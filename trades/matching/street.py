"""The street: the market's quote as one more participant, with what is left of its sizes."""

from datetime import datetime, timedelta

from bengi.terms import Side
from trades.matching.working import StreetQuote

_BUY = Side.BUY


class Street:
    """The current quote and the sizes nobody has taken yet.

    Once found too old it offers nothing until the market speaks again, even if the clock is set
    back. The side of a method is the side of the customer who trades with the street.
    """

    __slots__ = ("_ask_left", "_bid_left", "_max_age", "is_live", "quote")

    def __init__(self, max_age: timedelta) -> None:
        self._max_age = max_age
        self.quote: StreetQuote | None = None
        self._bid_left = 0
        self._ask_left = 0
        self.is_live = False

    def hear(self, quote: StreetQuote) -> bool:
        """Take in what the market says. False when that is old news: an older or the same quote."""
        known = self.quote
        if known is not None and (quote.as_of < known.as_of or quote == known):
            return False
        if known is None or quote.is_new:
            self._bid_left = quote.bid_size if quote.bid is not None else 0
            self._ask_left = quote.ask_size if quote.ask is not None else 0
        self.quote = quote
        self.is_live = True
        return True

    def is_fresh(self, now: datetime) -> bool:
        """Say whether the quote is young enough to decide anything."""
        if self.is_live and self.quote is not None:
            self.is_live = now - self.quote.as_of <= self._max_age
        return self.is_live

    def offer(self, side: Side) -> int | None:
        """Return the price the street offers to a customer of side, None when it has none left."""
        quote = self.quote
        if quote is None or not self.is_live:
            return None
        if side is _BUY:
            return quote.ask if self._ask_left else None
        return quote.bid if self._bid_left else None

    def left(self, side: Side) -> int:
        """Return how much is still there for a customer of side."""
        return self._ask_left if side is _BUY else self._bid_left

    def take(self, side: Side, quantity: int) -> int:
        """Take up to quantity of what is left for a customer of side; return how much it was."""
        taken = min(quantity, self.left(side))
        if side is _BUY:
            self._ask_left -= taken
        else:
            self._bid_left -= taken
        return taken
