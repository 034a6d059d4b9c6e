"""A fill in words: whom it came from, why at this price, and what it cost against the market."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from bengi import discreet
from bengi.money import plain
from trades.explanation.quotes import middle, offer
from trades.explanation.subject import Step, Subject, gained
from trades.explanation.telling import By, Told, Words


def filled(told: Told, of: Subject) -> Words:
    """Say what was bought or sold, from whom, and why there was no more of it."""
    step = told.step
    title = f"{of.did} {of.number(step['quantity'])} at {of.price(step['price'])}"
    source = source_of(step)
    sentences = source.say(told, of)
    better = _better(told.limit, Decimal(step["price"]), of)
    if better:
        sentences.append(f"That is {better} better than the limit.")
    return Words(title, " ".join(sentences), source.aside, tone="fill", by=source.by)


def slippage(step: Step, arrival: Step | None, of: Subject) -> dict[str, str | None]:
    """Return what a share cost more than the quote, its middle, and the middle on arrival.

    Above zero is worse for the customer, on either side.
    """
    price, quote = Decimal(step["price"]), step["quote"]
    there = offer(quote, of.side)
    references = {
        "against_quote": None if there is None else there[0],
        "against_mid": middle(quote),
        "against_arrival": middle(arrival),
    }
    return {
        name: None if reference is None else plain(gained(of.side, price, reference))
        for name, reference in references.items()
    }


def _street(told: Told, of: Subject) -> list[str]:
    step, limit = told.step, told.limit
    there = offer(step["quote"], of.side)
    if there is None:
        return ["The market's quote took it."]
    price, size = there
    shown = f"{of.price(price)} × {of.number(size)}"
    within = "" if limit is None else f", within the limit of {of.price(limit)}"
    said = [f"Best price first: the {of.offered} stood at {shown}{within}."]
    slipped = gained(of.side, Decimal(step["price"]), price)
    if slipped:
        way = "worse" if slipped > 0 else "better"
        said.append(f"The price is {of.price(abs(slipped))} {way} than that.")
    quantity = Decimal(step["quantity"])
    if not Decimal(step["leaves_quantity"]):
        return said
    if quantity == size:
        said.append(f"It showed {of.number(size)}, so {of.number(size)} is what it gave.")
    elif quantity < size:
        said.append("That was all there was left of it.")
    return said


def _taker(told: Told, of: Subject) -> list[str]:
    return ["The best on offer was another customer's order; it was there first, at its own price."]


def _maker(told: Told, of: Subject) -> list[str]:
    return ["Another customer's order came to this one, which had been there before it."]


def _match(told: Told, of: Subject) -> list[str]:
    return ["It met another customer's order."]


def _manual(told: Told, of: Subject) -> list[str]:
    reason = discreet.sentence(told.step["reason"]).rstrip(".")
    return [f"Staff filled it by hand: {reason}."]


class Source(NamedTuple):
    """Where fills come from: the gist beside the title, the rule that decides, what to say."""

    aside: str
    rule: str
    say: Callable[[Told, Subject], list[str]]
    by: By = "engine"


SOURCES: dict[str, Source] = {
    "street": Source("from the street", "best price first", _street),
    "taker": Source("from another customer", "price, then time", _taker),
    "maker": Source("from another customer", "the resting order's price", _maker),
    "match": Source("from another customer", "price, then time", _match),
    "manual": Source("by hand", "staff's word", _manual, "staff"),
}
"""Every role and code of a fill. The one place to put a new source of fills into words."""


def source_of(step: Step) -> Source:
    """Return where a fill came from; one that nobody has words for yet says so."""
    found = SOURCES.get(step.get("role") or "") or SOURCES.get(step["code"])
    if found is not None:
        return found
    code = str(step["code"])
    text = f"There are no words for this kind of fill yet: {code}."
    return Source(code.replace("_", " "), code.replace("_", " "), lambda told, of: [text])


def _better(limit: Decimal | None, price: Decimal, of: Subject) -> str:
    gap = Decimal(0) if limit is None else gained(of.side, limit, price)
    return of.price(gap) if gap > 0 else ""


def released(step: Step, of: Subject) -> str:
    """Say what the last fill of an order gave back of what was held; empty when nothing."""
    if not of.is_buy or "gross_amount" not in step:
        return ""
    spent = sum((Decimal(step[name]) for name in ("gross_amount", "commission", "fees")), Decimal())
    left = Decimal(step["reserved_before"]) - Decimal(step["reserved_after"]) - spent
    return f"{of.money(left)} released" if left > 0 else ""


def complete(told: Told, of: Subject) -> Words:
    """Say that nothing is left of an order."""
    order = told.order
    average, quantity = order["average_price"], of.number(order["filled_quantity"])
    text = f"{of.did} {quantity} at {of.price(average)} on average; nothing is held any more."
    return Words("Filled", text, released(told.step, of), tone="fill")
