"""Every kind of step and of event in words: the one table to add a new kind to."""

from decimal import Decimal

from bengi import discreet
from bengi.terms import OrderType
from orders.rules import PROTECTION
from trades.explanation.ends import canceled, expired, not_replaced, rejected, replaced
from trades.explanation.fills import complete, filled
from trades.explanation.splits import split
from trades.explanation.subject import Step, Subject
from trades.explanation.telling import Telling, Told, Words
from trades.explanation.why import Phrase, why
from trades.matching.outcomes import SIZED

COMPLETE = "complete"
"""The kind of the line that closes the story of an order that has filled."""


def words_of(told: Told, of: Subject) -> Words:
    """Put a step into words. What nobody has words for yet is named and said to be so."""
    telling = (BARE if told.is_bare else KINDS).get(told.step["kind"])
    return _unknown(told, of) if telling is None else telling(told, of)


def _accepted(told: Told, of: Subject) -> Words:
    step = told.step
    passed = f"{len(step['checks'])} checks passed."
    return Words("Accepted", f"{passed} {_reserved(step, of)}", _holds(step, of))


def _took_over(told: Told, of: Subject) -> Words:
    text = "It has taken the place of the order it replaces, and waits for its market to open."
    return Words("Accepted", text)


def _holds(step: Step, of: Subject) -> str:
    held = Decimal(step["reserved_after"])
    what = of.money(held) if of.is_buy else f"{of.number(held)} {of.symbol}"
    return f"{what} reserved"


def _reserved(step: Step, of: Subject) -> str:
    """Say what is held for an order, how that was reckoned, and what for."""
    formula = step.get("formula")
    if formula is None:
        held = of.number(step["reserved_after"])
        return f"{held} {of.symbol} are set aside, so that they cannot be sold twice."
    parts = f"{of.number(formula['quantity'])} × {of.price(formula['price'])}"
    if formula["basis"] == "notional":
        amount = Decimal(step["reserved_after"]) - Decimal(formula["commission"])
        parts = f"the amount of {of.money(amount)}"
    elif formula["basis"] != "limit_price":
        share = (PROTECTION - 1) * 100
        stands = "the stop or the ask" if of.type is not OrderType.MARKET else "the ask"
        parts += f" ({share.normalize():f} % above {stands})"
    if Decimal(formula["commission"]):
        most = "at most " if formula["basis"] == "notional" else ""
        parts += f" and {most}{of.money(formula['commission'])} commission"
    held = of.money(step["reserved_after"])
    return f"{held} are set aside, so that it can always be paid for: {parts}."


def _held(told: Told, of: Subject) -> Words:
    step = told.step
    passed = f"{len(step['checks'])} checks passed."
    aside = _holds(step, of) if Decimal(step["reserved_after"]) else ""
    return Words("Held", f"{passed} {_why_held(told, of)}", aside)


def _held_bare(told: Told, of: Subject) -> Words:
    return Words("Held", _why_held(told, of))


def _why_held(told: Told, of: Subject) -> str:
    """Say what it waits for; who has taken a leg's place waits for the entry as that did."""
    is_leg = told.is_bare and told.order.get("parent_id")
    replaces = told.order.get("replaces") and not is_leg
    code = "held_for_replace" if replaces else "held_for_entry"
    return why(code, {}, None, told.step["at"], of).sentence


def _released(told: Told, of: Subject) -> Words:
    step = told.step
    left, held = of.number(step["leaves_quantity"]), Decimal(step["reserved_after"])
    text = f"Its entry has filled {left}, and it is for what that has filled."
    if of.type is OrderType.TRAILING_STOP:
        text += f" Its stop starts at {of.price(step['stop'])}."
    aside = f"{of.number(held)} {of.symbol} reserved" if held else ""
    return Words(f"Begins to work for {left}", text, aside)


def _resized(told: Told, of: Subject) -> Words:
    step = told.step
    left = of.number(step["leaves_quantity"])
    reason = SIZED.get(step["code"], f"There are no words for this reason yet: {step['code']}.")
    return Words(f"For {left} now", reason)


def _rested(told: Told, of: Subject) -> Words:
    step = told.step
    left, limit = of.number(step["leaves_quantity"]), told.limit
    has_filled = Decimal(step["leaves_quantity"]) < Decimal(told.order["quantity"])
    if step.get("code") == "stop_not_reached":
        title = f"Asleep until a trade at {of.price(step['numbers']['stop'])}"
    elif limit is None:
        title = f"{left} left, waiting" if has_filled else "Waiting"
    else:
        where = f"resting at {of.price(limit)}"
        title = f"{left} left, {where}" if has_filled else where.capitalize()
    if "code" not in step:
        return Words(title, "It stands in the book from now on.")
    phrase = _why(told, of)
    return Words(title, phrase.sentence, phrase.gist)


def _look(told: Told, of: Subject) -> Words:
    phrase = _why(told, of)
    return Words("No fill", phrase.sentence, phrase.gist, tone="skip")


def _why(told: Told, of: Subject) -> Phrase:
    step = told.step
    return why(step["code"], step.get("numbers") or {}, step["quote"], step["at"], of)


def _triggered(told: Told, of: Subject) -> Words:
    step = told.step
    kind = "market order" if told.limit is None else f"limit order at {of.price(told.limit)}"
    stop = "the stop" if step["stop"] is None else f"the stop at {of.price(step['stop'])}"
    text = (
        f"A trade at {of.price(step['last'])} reached {stop}. It is a {kind} from the next quote "
        "on, never on the one that fired it."
    )
    return Words(f"Stop fired at {of.price(step['last'])}", text)


def _trailed(told: Told, of: Subject) -> Words:
    step = told.step
    mark, stop = of.price(step["mark"]), of.price(step["stop"])
    way, side = ("lowest", "above") if of.is_buy else ("highest", "below")
    apart = of.price(abs(Decimal(step["mark"]) - Decimal(step["stop"])))
    text = f"The {way} trade since it was accepted is {mark} now; the stop follows {apart} {side}."
    return Words(f"Stop moved to {stop}", text)


def _busted(told: Told, of: Subject) -> Words:
    reason = discreet.sentence(told.step["reason"]).rstrip(".")
    text = (
        f"Staff have taken this fill back: {reason}. Its money and shares are where they were "
        "before it; what was busted is not worked again."
    )
    return Words(f"{_fill_words(told, of)}: busted", text, "taken back", tone="warn", by="staff")


def _corrected(told: Told, of: Subject) -> Words:
    step = told.step
    costs = f"Its commission is {of.money(step['commission'])}"
    fees = f", its fees {of.money(step['fees'])}" if Decimal(step["fees"]) else ""
    text = f"It stands in the place of a fill that was taken back. {costs}{fees}."
    return Words(f"{_fill_words(told, of)}: booked anew", text, "corrected", "fill", "staff")


def _fill_words(told: Told, of: Subject) -> str:
    return f"{of.did} {of.number(told.step['quantity'])} at {of.price(told.step['price'])}"


def _asked_to_cancel(told: Told, of: Subject) -> Words:
    text = "Until the engine has taken it back, a fill may still come first."
    return Words("You asked to cancel it", text, by="customer")


def _asked_to_replace(told: Told, of: Subject) -> Words:
    text = "It goes on until the engine has put the new order in its place."
    return Words("You asked for another order in its place", text, by="customer")


def _rejected(told: Told, of: Subject) -> Words:
    reason = told.order.get("reason") or "It cannot be worked any more."
    return Words("Rejected", str(reason), tone="warn")


def _unknown(told: Told, of: Subject) -> Words:
    kind = str(told.step["kind"])
    reason = told.order.get("reason")
    title = kind.rpartition(".")[2].replace("_", " ").capitalize()
    text = str(reason) if reason else f"There are no words for this yet; the log calls it {kind}."
    return Words(title, text, tone="warn" if kind in {"canceled", "expired"} else "state")


KINDS: dict[str, Telling] = {
    "accepted": _accepted,
    "held": _held,
    "rested": _rested,
    "look": _look,
    "filled": filled,
    "triggered": _triggered,
    "trailed": _trailed,
    "released": _released,
    "resized": _resized,
    "canceled": canceled,
    "expired": expired,
    "replaced": replaced,
    "not_replaced": not_replaced,
    "rejected": rejected,
    "split": split,
    "busted": _busted,
    "corrected": _corrected,
    COMPLETE: complete,
}
"""Kind of step -> how to tell it. To tell a new kind, write a Telling and enter it here.

New reasons go into why.WHY, new ends into ends.ENDS, new sources of fills into fills.SOURCES.
"""

BARE: dict[str, Telling] = {
    "accepted": _took_over,
    "held": _held_bare,
    "pending_cancel": _asked_to_cancel,
    "pending_replace": _asked_to_replace,
    "rejected": _rejected,
}
"""Type of event -> how to tell one without steps. Others are told by the reason of the order."""
