"""How orders end and give way, in words: every code of trades.matching.outcomes.DETAILS.

The one place to put a new end into words. A code that is not here is told in its DETAILS; one that
is not there either says so.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from bengi.terms import TimeInForce
from trades.explanation.subject import Subject
from trades.explanation.telling import By, Told, Words
from trades.matching.outcomes import DETAILS


class End(NamedTuple):
    """The gist, a whole sentence, and who made it happen."""

    gist: str
    sentence: str
    by: By = "engine"


ENDS: dict[str, End] = {
    "user": End("as you asked", "You asked for it, and the engine has taken it back.", "customer"),
    "self_trade": End(
        "met your own order",
        "It would have met another order of this account, which never trades with itself.",
    ),
    "ioc_remainder": End(
        "one look only", "It had one look at the market, and nothing more was within reach."
    ),
    "opg_remainder": End("the opening is over", "Nothing more was within reach at the opening."),
    "cls_remainder": End("the close is over", "Nothing more was within reach at the close."),
    "fok_unfillable": End(
        "all or nothing", "The whole quantity was not there at once, so it took none of it."
    ),
    "market_remainder": End(
        "nobody left", "No feed quotes it, and no other customer was there to trade with."
    ),
    "entry_ended": End("no entry", "The order whose fills it was for ended without one."),
    "other_leg_filled": End(
        "the other leg filled", "The other leg has sold everything; nothing is left for this one."
    ),
    "other_leg_fired": End(
        "the stop fired", "The stop of its group has fired and sells what is left."
    ),
    "other_leg_ended": End(
        "the other leg ended", "The other leg was canceled, and one does not stay alone."
    ),
    "exit_began": End(
        "its legs trade", "A leg trades what it had filled, so no more of it is bought."
    ),
    "legs_ended": End(
        "its legs ended", "A leg of its group was canceled, and that ends the whole group."
    ),
    "processing_failed": End(
        "a fault of ours", "It could not be processed, time and again, so it was taken back."
    ),
}


def canceled(told: Told, of: Subject) -> Words:
    """Say why an order was canceled, how far it had come and what is free again."""
    code = told.step["code"]
    end = ENDS.get(code) or End("", DETAILS.get(code) or _unknown(told, code))
    return _ended("Canceled", end, told, of)


def rejected(told: Told, of: Subject) -> Words:
    """Say that an order could not be worked, and what is free again."""
    code = told.step["code"]
    end = ENDS.get(code) or End("", DETAILS.get(code) or _unknown(told, code))
    return _ended("Rejected", end, told, of)


def expired(told: Told, of: Subject) -> Words:
    """Say which time was over, how far the order had come and what is free again."""
    expires_at = told.order.get("expires_at")
    if of.time_in_force is TimeInForce.DAY:
        sentence = "The session it was good for has closed."
    elif expires_at:
        at = datetime.fromisoformat(expires_at)
        sentence = f"It was good until {of.clock(at, datetime.fromisoformat(told.step['at']))}."
    else:
        sentence = "The time it was good for is over."
    return _ended("Expired", End(f"time in force {of.time_in_force}", sentence, "clock"), told, of)


def replaced(told: Told, of: Subject) -> Words:
    """Say that another order took its place."""
    end = End("as you asked", "The order you asked for has taken its place.", "customer")
    text = f"{end.sentence} {progress(told, of)}"
    return Words("Replaced", text, end.gist, by=end.by)


def not_replaced(told: Told, of: Subject) -> Words:
    """Say that it goes on."""
    text = "It had filled as much, fired or closed before the new one could take its place."
    return Words("Not replaced", text, "it goes on", tone="warn")


def progress(told: Told, of: Subject) -> str:
    """Say how far an order has come: 60 of 100 had filled."""
    filled, quantity = Decimal(told.order["filled_quantity"]), told.order["quantity"]
    if not filled:
        return "Nothing had filled."
    return f"{of.number(filled)} of {of.number(quantity)} had filled."


def _ended(title: str, end: End, told: Told, of: Subject) -> Words:
    text = " ".join(part for part in (end.sentence, progress(told, of), _freed(told, of)) if part)
    return Words(title, text, end.gist, tone="warn", by=end.by)


def _freed(told: Told, of: Subject) -> str:
    """Say what the order held until it ended."""
    held = Decimal(told.step.get("reserved_before") or 0)
    left = held - Decimal(told.step.get("reserved_after") or 0)
    if left <= 0:
        return ""
    what = of.money(left) if of.is_buy else f"{of.number(left)} {of.symbol}"
    return f"{what} are free again."


def _unknown(told: Told, code: str) -> str:
    reason = told.order.get("reason")
    return str(reason) if reason else f"There are no words for this reason yet: {code}."
