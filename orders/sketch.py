"""What an order would do at once: how much of it fills, at what average, and what the rest does.

Pure, and no promise: the sizes on display may be gone by the time the order is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from bengi import numerals
from bengi.money import ZERO
from bengi.terms import OrderType, Side, TimeInForce
from orders.facts import Facts, TicketFacts
from orders.hours import waits_for
from orders.notional import shares_for
from orders.rules import AT_A_MOMENT, LASTING, STOPS


class Offer(NamedTuple):
    """Shares that somebody offers at a price, the street or a resting order; perhaps one's own."""

    price: Decimal
    quantity: Decimal
    is_street: bool = False
    is_own: bool = False


Rest = Literal["none", "rests", "waits", "canceled"]
"""What the rest does: there is none, it stands in the book, waits for the market, or is gone."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """quantity fills now, at average_price (None for nothing); rest is what does not."""

    quantity: Decimal
    average_price: Decimal | None
    rest: Decimal
    rest_does: Rest
    text: str


def sketch(
    facts: Facts,
    offers: Sequence[Offer],
    *,
    bound: Decimal | None,
    is_open: bool,
    places: int,
    is_slow: bool = False,
) -> Sketch:
    """Return what would become of an order now.

    offers stand best first, as the order would meet them; bound is the worst price it may have.
    places: decimals that prices are written with. is_slow: it takes time to reach its market.
    """
    ticket = facts.ticket
    reason = _why_nothing(facts, is_open=is_open, is_slow=is_slow)
    if reason:
        return Sketch(ZERO, None, ticket.quantity, "waits", reason)
    if facts.instrument.has_feed and not facts.quote.is_fresh:
        offers = [offer for offer in offers if not offer.is_street]
    filled, value, rest, meets_itself = _walk(facts, offers, bound)
    if ticket.time_in_force is TimeInForce.FOK and filled < ticket.quantity:
        filled, value, rest = ZERO, ZERO, ticket.quantity
    does = _rest_does(facts, meets_itself=meets_itself) if rest else "none"
    average = value / filled if filled else None
    text = _text(filled, average, rest, does, places)
    if meets_itself and rest:
        text += " It would meet an order of the same account."
    return Sketch(filled, average, rest, does, text)


def _why_nothing(facts: Facts, *, is_open: bool, is_slow: bool) -> str:
    """Say why the market is not asked now; empty when it is."""
    ticket = facts.ticket
    if not is_open:
        return waits_for(facts) or "Its exchange is closed; it waits for the opening."
    if ticket.time_in_force is TimeInForce.OPG:
        return "It waits for the opening."
    if ticket.time_in_force is TimeInForce.CLS:
        return "It waits for the close."
    if ticket.type in STOPS:
        return "It sleeps until a trade reaches its stop."
    if is_slow and facts.instrument.has_feed:
        return "It takes a moment to arrive; the first quote after that works it."
    if facts.instrument.has_feed and not facts.quote.is_fresh and not _may_rest(ticket):
        return "It waits for the next quote; the newest one is too old."
    return ""


def _walk(
    facts: Facts, offers: Sequence[Offer], bound: Decimal | None
) -> tuple[Decimal, Decimal, Decimal, bool]:
    """Return what fills, its value, the rest, and whether an order of the same account ends it."""
    filled = value = ZERO
    rest = facts.ticket.quantity
    for offer in offers:
        if not rest or not _is_within(offer.price, bound, facts.ticket.side):
            break
        wanted = _wanted(facts, filled, value, offer.price)
        if offer.is_own and wanted:
            return filled, value, rest, True
        taken = min(offer.quantity, wanted)
        filled += taken
        value += taken * offer.price
        rest = wanted - taken if taken else rest
    return filled, value, rest, False


def _wanted(facts: Facts, filled: Decimal, value: Decimal, price: Decimal) -> Decimal:
    """Return how many are still wanted at price: of an amount, what is left of it buys."""
    ticket = facts.ticket
    if ticket.notional is None or ticket.side is Side.SELL:
        return ticket.quantity - filled
    return shares_for(ticket.notional - value, price, facts.instrument.quantity_step)


def _is_within(price: Decimal, bound: Decimal | None, side: Side) -> bool:
    if bound is None:
        return True
    return price <= bound if side is Side.BUY else price >= bound


def _may_rest(ticket: TicketFacts) -> bool:
    return ticket.limit_price is not None and ticket.time_in_force in LASTING


def _rest_does(facts: Facts, *, meets_itself: bool) -> Rest:
    ticket = facts.ticket
    if meets_itself or ticket.time_in_force not in (*LASTING, *AT_A_MOMENT):
        return "canceled"
    if ticket.type is OrderType.MARKET:
        return "waits" if facts.instrument.has_feed else "canceled"
    return "rests"


_RESTS = {
    "rests": "{rest} would rest in the book.",
    "waits": "{rest} would wait for the next quote.",
    "canceled": "{rest} would be canceled.",
}


def _text(filled: Decimal, average: Decimal | None, rest: Decimal, does: Rest, places: int) -> str:
    told = []
    if average is not None:
        price, quantity = numerals.price(_short(average), places), numerals.quantity(filled)
        whole = "All" if not rest else quantity
        told.append(f"{whole} would fill now at {price}{'' if not rest else ' on average'}.")
    if rest:
        told.append(_RESTS[does].format(rest=numerals.quantity(rest) if filled else "All"))
    return " ".join(told)


def _short(average: Decimal) -> Decimal:
    return average.quantize(Decimal("1e-8"))
