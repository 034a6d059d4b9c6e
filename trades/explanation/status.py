"""Where an order stands, in one sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bengi import discreet
from bengi.numerals import age
from bengi.terms import OrderStatus
from trades.explanation.subject import Subject


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an order has come. stop: where a stop that has not fired stands; None without one.

    busted_quantity has filled and was taken back; the other numbers are net of it. took_s: seconds
    from its acceptance to its end.
    """

    status: OrderStatus
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    reason: str
    stop: Decimal | None = None
    took_s: Decimal | None = None
    busted_quantity: Decimal = Decimal(0)


def status_sentence(standing: Standing, of: Subject) -> str:
    """Say where an order stands and how far it has come."""
    return STATUSES[standing.status](standing, of)


def _so_far(standing: Standing, of: Subject) -> str:
    quantity, busted = of.number(standing.quantity), standing.busted_quantity
    taken_back = f", {of.number(busted)} more were and have been taken back" if busted else ""
    if not standing.filled_quantity or standing.average_price is None:
        if busted:
            return f"{of.number(busted)} of {quantity} had filled and have been taken back"
        return f"nothing of {quantity} has filled"
    return f"{of.number(standing.filled_quantity)} of {quantity} {_at(standing, of)}{taken_back}"


def _at(standing: Standing, of: Subject) -> str:
    assert standing.average_price is not None
    return f"{of.did.lower()} at {of.price(standing.average_price)} on average"


def _accepted(standing: Standing, of: Subject) -> str:
    return "Accepted; the engine has not worked it yet."


def _held(standing: Standing, of: Subject) -> str:
    return "Held until another order has filled or given way."


def _working(standing: Standing, of: Subject) -> str:
    if standing.stop is not None:
        return f"Asleep until a trade at {of.price(standing.stop)}; {_so_far(standing, of)}."
    return f"Working; {_so_far(standing, of)} yet."


def _partly(standing: Standing, of: Subject) -> str:
    left = of.number(standing.quantity - standing.filled_quantity - standing.busted_quantity)
    return f"Working; {_so_far(standing, of)}, {left} still wanted."


def _filled(standing: Standing, of: Subject) -> str:
    if standing.busted_quantity:
        return f"Closed; {_so_far(standing, of)}."
    return f"All {of.number(standing.quantity)} {_at(standing, of)}{_took(standing)}."


def _took(standing: Standing) -> str:
    if standing.took_s is None or standing.took_s <= 0:
        return ""
    after = f"{int(standing.took_s * 1000)} ms" if standing.took_s < 1 else age(standing.took_s)
    return f", {after} after it was accepted"


def _ended(word: str) -> Callable[[Standing, Subject], str]:
    def say(standing: Standing, of: Subject) -> str:
        reason = f" {discreet.sentence(standing.reason)}" if standing.reason else ""
        return f"{word}; {_so_far(standing, of)}.{reason}"

    return say


STATUSES: dict[OrderStatus, Callable[[Standing, Subject], str]] = {
    OrderStatus.ACCEPTED: _accepted,
    OrderStatus.NEW: _working,
    OrderStatus.HELD: _held,
    OrderStatus.PARTIALLY_FILLED: _partly,
    OrderStatus.PENDING_CANCEL: _ended("Asked to be canceled"),
    OrderStatus.PENDING_REPLACE: _ended("Asked to give way to another order"),
    OrderStatus.FILLED: _filled,
    OrderStatus.CANCELED: _ended("Canceled"),
    OrderStatus.EXPIRED: _ended("Expired"),
    OrderStatus.REPLACED: _ended("Replaced"),
    OrderStatus.REJECTED: _ended("Rejected"),
}
"""Every status with how to say it."""
