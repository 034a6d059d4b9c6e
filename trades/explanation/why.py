"""Why an order did not fill, in words: every code of trades.matching.reasons.REASONS.

The one place to put a new reason into words. A phrase names the numbers it needs in braces: those
that came with the reason, and what of() adds. One that is not there leaves the plain words of the
table of codes; a code that nobody has words for says so.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from bengi.numerals import age
from trades.explanation.quotes import age_s, offer
from trades.explanation.subject import Step, Subject
from trades.matching.reasons import REASONS


class Phrase(NamedTuple):
    """The gist beside a title, and a whole sentence."""

    gist: str
    sentence: str


WHY: dict[str, Phrase] = {
    "not_marketable": Phrase(
        "{offered} {gap} {beyond} the limit",
        "The limit {limit} is {gap} {short_of} the {offer}.",
    ),
    "cap_reached": Phrase(
        "{offered} {gap} above what was reserved",
        "What was reserved pays {cap} a share at most; that is {gap} below the {offer}.",
    ),
    "amount_too_small": Phrase(
        "{left} left of the amount",
        "What is left of the amount, {left}, buys nothing at the {offer}.",
    ),
    "stop_not_reached": Phrase(
        "last trade {distance} from the stop",
        "The stop stands at {stop}; the last trade, at {last}, is {distance} away.",
    ),
    "after_trigger": Phrase(
        "the next quote works it",
        "The stop has fired; it is worked with the next quote, never with the one that fired it.",
    ),
    "no_quote": Phrase("no quote yet", "The market has not quoted {symbol} yet."),
    "no_fresh_quote": Phrase(
        "quote {age} old",
        "The newest quote is {age} old, and one older than {guard} decides nothing.",
    ),
    "nobody_offers": Phrase("nobody {others}", "Nobody {others} {symbol} at the moment."),
    "no_size_left": Phrase(
        "nothing left at {price}",
        "Nothing is left of the {offer}; the next quote brings more.",
    ),
    "queue_ahead": Phrase(
        "{ahead} ahead at {limit}",
        "The market is at {limit}, and {ahead} that stood there before it have to trade first.",
    ),
    "not_through": Phrase(
        "touched, not through",
        "The market has come to {limit}, but has to trade through it to fill this order.",
    ),
    "no_volume": Phrase(
        "nothing traded to share",
        "The feed shows no sizes of {symbol}, and nothing has traded to have a share of.",
    ),
    "on_its_way": Phrase(
        "arrives {latency} later",
        "It takes {latency} to reach the market; the first quote after that works it.",
    ),
    "waits_for_opening": Phrase(
        "waits for the opening", "It is for the opening: the first quote of the session decides."
    ),
    "waits_for_close": Phrase(
        "waits for the close", "It is for the close: the last quote of the session decides."
    ),
    "session_closed": Phrase("closed until {until}", "Its exchange is closed until {until}."),
    "halted": Phrase("halted", "Trading in {symbol} is halted."),
    "held_for_entry": Phrase("held", "It is held until the order that it belongs to has filled."),
    "held_for_replace": Phrase(
        "held", "It is held until the engine has taken back the order whose place it takes."
    ),
    "not_seen_yet": Phrase("on its way", "The engine has not looked at it yet."),
}


def why(code: str, numbers: Mapping[str, str], quote: Step | None, at: str, of: Subject) -> Phrase:
    """Return the gist and the sentence of a reason, with its numbers and the quote's."""
    phrase = WHY.get(code)
    plain_words = REASONS.get(code, f"There are no words for this reason yet: {code}.")
    if phrase is None:
        return Phrase("", plain_words)
    known = {**_written(numbers, of), **_around(numbers, quote, at, of)}
    try:
        return Phrase(phrase.gist.format_map(known), phrase.sentence.format_map(known))
    except KeyError:
        return Phrase("", plain_words)


SHARES = frozenset({"size", "ahead", "quantity", "leaves_quantity"})
"""Numbers of a reason that count shares; those that end in _s and _ms are durations, the rest
prices."""


def _written(numbers: Mapping[str, str], of: Subject) -> dict[str, str]:
    found = {}
    for name, value in numbers.items():
        if name.endswith("_s"):
            found[name.removesuffix("_s")] = age(Decimal(value))
        elif name.endswith("_ms"):
            found[name.removesuffix("_ms")] = f"{value} ms"
        elif not name.endswith("_at"):
            found[name] = of.number(value) if name in SHARES else of.price(value)
    return found


def _around(numbers: Mapping[str, str], quote: Step | None, at: str, of: Subject) -> dict[str, str]:
    """Return the words that depend on the side, the quote and the clock."""
    found = {
        "symbol": of.symbol,
        "offered": of.offered,
        "others": "sells" if of.is_buy else "buys",
        "beyond": "above" if of.is_buy else "below",
        "short_of": "below" if of.is_buy else "above",
    }
    there = offer(quote, of.side)
    if quote is not None and there is not None:
        found["price"] = of.price(there[0])
        found["offer"] = _offer_words(quote, there, at, of)
    if "stop" in numbers and "last" in numbers:
        found["distance"] = of.price(abs(Decimal(numbers["stop"]) - Decimal(numbers["last"])))
    if "opens_at" in numbers:
        opens_at = datetime.fromisoformat(numbers["opens_at"])
        found["until"] = of.clock(opens_at, datetime.fromisoformat(at))
    return found


def _offer_words(quote: Step, there: tuple[Decimal, Decimal], at: str, of: Subject) -> str:
    """Write the other side of the market: ask 100.35 × 300, 2 s old; a new quote has no age."""
    price, size = there
    shown = f" × {of.number(size)}" if size else ""
    seconds = age_s(quote, at)
    old = f", {age(seconds)} old" if seconds >= 1 else ""
    return f"{of.offered} {of.price(price)}{shown}{old}"
