"""The street of the naive market, written down from the rules: what it offers to whom.

Shares nothing with trades.matching. An order's profile is a dict: what its street is like. A quote
is one of bid, ask, bid_size, ask_size, last, as_of, is_new, volume, middle and half; see
StreetQuote for the words.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

PROFILES = {
    "instant": {"guard": 60, "size": "any", "touch": "fills", "c": 0, "spread": 0, "way": 0},
    "realistic": {"guard": 15, "size": "0.10", "touch": "queue", "c": "0.1", "spread": 1, "way": 0},
    "harsh": {"guard": 5, "size": "0.05", "touch": "no", "c": "0.2", "spread": 2, "way": 0.25},
}
"""guard in seconds; size: the share of the volume; way: seconds until an order is there."""

CENT = Decimal("0.01")
PLENTY = Decimal(10**20)


class NaiveStreet:
    """quote is what was heard last, taken what has gone of it, age how old it was found to be."""

    def __init__(self, step=Decimal("0.1")):
        self.step = step
        self.quote = None
        self.taken = {"buy": Decimal(0), "sell": Decimal(0)}
        self.volume = self.printed_left = Decimal(0)
        self.age = None

    def hear(self, quote):
        """Take in what the market says; False when that is no news."""
        if self.quote is not None and quote["as_of"] < self.quote["as_of"]:
            return False
        if self.quote == quote:
            return False
        had_sizes = self.quote is not None and shows_sizes(self.quote)
        is_more = quote["is_new"] if shows_sizes(quote) else quote["volume"] > 0 or had_sizes
        if self.quote is None or is_more:
            self.taken = {"buy": Decimal(0), "sell": Decimal(0)}
            self.volume = quote["volume"]
        self.quote = quote
        self.printed_left = quote["volume"]
        self.age = 0
        return True

    def look_at_the_clock(self, now):
        if self.quote is not None:
            self.age = max(self.age, now - self.quote["as_of"])

    def sees(self, order):
        """Say whether the order is at the market and may go by its quote."""
        if self.quote is None or self.age > order["profile"]["guard"]:
            return False
        return order["there_at"] is None or self.quote["as_of"] >= order["there_at"]

    def quoted(self, order):
        """Return the price quoted to an order."""
        quote, factor = self.quote, order["profile"]["spread"]
        if quote["middle"] is None:
            return quote["ask"] if order["side"] == "buy" else quote["bid"]
        if order["side"] == "buy":
            return on_the_cent(quote["middle"] + factor * quote["half"], "up")
        price = on_the_cent(quote["middle"] - factor * quote["half"], "down")
        return price if price > 0 else None

    def left(self, order):
        """Return how much of what is quoted is there for an order."""
        side, share = order["side"], order["profile"]["size"]
        if share == "any":
            return PLENTY
        if shows_sizes(self.quote):
            there = self.quote["ask_size" if side == "buy" else "bid_size"]
        else:
            there = self.volume * Decimal(share) // self.step * self.step
        return max(Decimal(0), there - self.taken[side])

    def street_price(self, order):
        if not self.sees(order) or self.quoted(order) is None or not self.left(order):
            return None
        return self.quoted(order)

    def count_taken(self, order, quantity):
        if order["profile"]["size"] != "any":
            self.taken[order["side"]] += quantity

    def after_impact(self, order, price):
        """Return the price of what was just taken: a share of the volume costs its square."""
        if shows_sizes(self.quote) or not order["profile"]["c"]:
            return price
        share = Fraction(self.taken[order["side"]]) / Fraction(self.volume)
        move = min(Fraction(order["profile"]["c"]) * share**2, Fraction(1, 20)) * Fraction(price)
        cents = Fraction(price) * 100
        if order["side"] == "buy":
            exact = -(-(cents + 100 * move) // 1)
            moved = Decimal(min(exact, cents * Fraction(105, 100) // 1)) / 100
        else:
            exact = (cents - 100 * move) // 1
            moved = Decimal(max(exact, -(-(cents * Fraction(95, 100)) // 1))) / 100
        worst = order["cap"] if order["limit"] is None else order["limit"]
        return moved if worst is None or reaches(order["side"], worst, moved) else worst

    def price_met(self, order):
        """Return (price, how much at most) for a resting order, no price: it is not met.

        By the quote there is what the quote has. By a print there is what others ahead and others
        of us have left of it; all there is where its size is not told.
        """
        side, limit, touch = order["side"], order["limit"], order["profile"]["touch"]
        offered, last = self.quoted(order), self.quote["last"]
        is_good = offered is not None and reaches(side, limit, offered)
        if touch == "fills":
            is_met = last is not None and reaches(side, limit, last)
            return (offered, PLENTY) if is_good else (limit if is_met else None, PLENTY)
        volume = self.quote["volume"]
        of_print = self.printed_left if volume else PLENTY
        if any(
            price is not None and up(side, price) < up(side, limit) for price in (offered, last)
        ):
            order["queue"] = Decimal(0)
            return (offered, PLENTY) if is_good else (limit, of_print)
        if touch == "no":
            return None, 0
        self.join_queue(order)
        before_it = order["queue"] or Decimal(0)
        if last == limit:
            order["queue"] = max(Decimal(0), before_it - volume)
        if offered == limit and not order["queue"]:
            return limit, PLENTY
        if last == limit and not volume:
            return (None, 0) if before_it else (limit, PLENTY)
        return (limit, of_print - before_it) if last == limit else (None, 0)

    def join_queue(self, order):
        """Those displayed at its price when it comes there are before it; else nobody is."""
        if not self.sees(order):
            return
        own = self.quote["bid"] if order["side"] == "buy" else self.quote["ask"]
        if own is None:
            return
        if up(order["side"], own) < up(order["side"], order["limit"]):
            order["queue"] = Decimal(0)
        elif own == order["limit"] and order["queue"] is None and shows_sizes(self.quote):
            order["queue"] = self.quote["bid_size" if order["side"] == "buy" else "ask_size"]


def shows_sizes(quote):
    return quote["bid_size"] > 0 or quote["ask_size"] > 0


def on_the_cent(price, way):
    return price.quantize(CENT, ROUND_CEILING if way == "up" else ROUND_FLOOR)


def reaches(side, bound, price):
    """Say whether price is as good as bound for an order of side."""
    return price <= bound if side == "buy" else price >= bound


def up(side, price):
    """Return price so that a smaller number is a better one for an order of side."""
    return price if side == "buy" else -price
