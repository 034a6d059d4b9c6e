"""The quotes that steps tell: their middle, their spread, how old they were."""

from datetime import datetime, timedelta
from decimal import Decimal

from bengi.money import plain
from bengi.terms import Side
from trades.explanation.subject import Step, Subject

BPS = Decimal(10_000)


def middle(quote: Step | None) -> Decimal | None:
    """Return the middle between bid and ask; None where one side is missing."""
    if quote is None or quote["bid"] is None or quote["ask"] is None:
        return None
    return (Decimal(quote["bid"]) + Decimal(quote["ask"])) / 2


def spread(quote: Step | None) -> Decimal | None:
    """Return the ask less the bid; None where one side is missing."""
    if quote is None or quote["bid"] is None or quote["ask"] is None:
        return None
    return Decimal(quote["ask"]) - Decimal(quote["bid"])


def offer(quote: Step | None, side: Side) -> tuple[Decimal, Decimal] | None:
    """Return price and size of the side that an order of side trades with; None without one."""
    name = "ask" if side is Side.BUY else "bid"
    if quote is None or quote[name] is None:
        return None
    return Decimal(quote[name]), Decimal(quote[f"{name}_size"] or 0)


def age_s(quote: Step, at: str) -> Decimal:
    """Return how many seconds old a quote was at a moment, never below zero."""
    age = datetime.fromisoformat(at) - datetime.fromisoformat(quote["as_of"])
    return max(Decimal(0), Decimal(age // timedelta(milliseconds=1)) / 1000)


def bps(share: Decimal) -> str:
    """Write a share in basis points, to a tenth."""
    return plain((share * BPS).quantize(Decimal("0.1")))


def quote_shape(quote: Step | None, at: str) -> Step | None:
    """Return a quote as a client sees it: with its age, its spread and its middle."""
    if quote is None:
        return None
    between, wide = middle(quote), spread(quote)
    return quote | {
        "age_s": plain(age_s(quote, at)),
        "mid": None if between is None else plain(between),
        "spread": None if wide is None else plain(wide),
        "spread_bps": None if wide is None or not between else bps(wide / between),
    }


def side_words(quote: Step, name: str, subject: Subject) -> str:
    """Write one side of a quote: 141.90 × 60, or a dash where nobody stands."""
    if quote[name] is None:
        return "\N{EN DASH}"
    size = quote.get(f"{name}_size")
    return subject.price(quote[name]) + (f" × {subject.number(size)}" if size else "")


def spread_words(quote: Step, subject: Subject) -> str | None:
    """Write a spread with its share of the price: 0.02, 2 bps. None for a one-sided quote."""
    wide, between = spread(quote), middle(quote)
    if wide is None or not between:
        return None
    return f"{subject.price(wide)}, {bps(wide / between)} bps"
