"""What an order's events tell of each decision: the steps that "explain this order" is made of.

A step is JSON-ready, decimals and times as text. docs/api.md lists its keys.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bengi.money import plain
from bengi.terms import Liquidity, Side
from orders.models import Order
from orders.payloads import moment
from trades.decisions import Decision, Look, SeenQuote
from trades.matching.fixed import from_fixed
from trades.matching.outcomes import (
    Canceled,
    Expired,
    Fill,
    NotReplaced,
    Rejected,
    Released,
    Replaced,
    Resized,
    Rested,
    Trailed,
    Triggered,
)
from trades.models import Trade

Step = dict[str, Any]
Held = tuple[Decimal, Decimal]
"""Cash and shares that an order holds."""

KINDS_OF_STEPS = {
    Fill: "filled",
    Rested: "rested",
    Triggered: "triggered",
    Trailed: "trailed",
    Released: "released",
    Resized: "resized",
    Canceled: "canceled",
    Expired: "expired",
    Replaced: "replaced",
    NotReplaced: "not_replaced",
    Rejected: "rejected",
}


def steps_of(decision: Decision, order: Order, before: Held, trades: Sequence[Trade]) -> list[Step]:
    """Return what to tell of a decision that has just been applied to its order.

    before: what the order held until then; the last of trades is the one that a fill made. A look
    that filled nothing comes before what ended it; an order that comes to rest tells its own.
    """
    outcome, look = decision.outcome, decision.look
    step: Step = {"kind": KINDS_OF_STEPS[type(outcome)], "at": moment(decision.decided_at)}
    step |= {"quote": quote_of(decision.seen), **_held(order, before)}
    match outcome:
        case Fill():
            step |= _fill(outcome, trades[-1])
            if decision.by_hand is not None:
                step |= {"reason": decision.by_hand.reason}
        case Rested():
            step |= {"leaves_quantity": plain(order.leaves_quantity)}
            return [step | (_why(look) if look else {})]
        case Triggered():
            step |= {"last": plain(from_fixed(outcome.last)), "stop": _stop(order)}
        case Trailed():
            mark, stop = from_fixed(outcome.mark), from_fixed(outcome.stop)
            step |= {"mark": plain(mark), "stop": plain(stop)}
        case Released():
            step |= {"leaves_quantity": plain(order.leaves_quantity), "stop": _stop(order)}
        case Resized():
            left = plain(order.leaves_quantity)
            step |= {"code": outcome.code, "leaves_quantity": left}
        case Canceled() | Rejected():
            step |= {"code": outcome.code}
        case Replaced() | NotReplaced():
            step |= {"new_id": outcome.new_id}
    return [step] if look is None else [_look(look), step]


def quote_of(seen: SeenQuote) -> Step | None:
    """Return the quote that was looked at; None when there was none."""
    if seen.as_of is None:
        return None
    values = {
        "bid": seen.bid,
        "bid_size": seen.bid_size,
        "ask": seen.ask,
        "ask_size": seen.ask_size,
        "last": seen.last,
    }
    found: Step = {name: None if value is None else plain(value) for name, value in values.items()}
    found["as_of"] = moment(seen.as_of)
    return found


def _look(look: Look) -> Step:
    return {"kind": "look", "at": moment(look.at)} | _why(look)


def _why(look: Look) -> Step:
    return {
        "code": look.reason.code,
        "numbers": look.reason.numbers,
        "quote": quote_of(look.seen),
    }


def _fill(fill: Fill, trade: Trade) -> Step:
    return {
        "code": _whom(fill),
        "role": _role(fill),
        "exec_id": trade.exec_id,
        "quantity": plain(trade.quantity),
        "price": plain(trade.price),
        "gross_amount": plain(trade.gross_amount),
        "commission": plain(trade.commission),
        "fees": plain(trade.fees),
        "liquidity": str(trade.liquidity),
        "leaves_quantity": plain(from_fixed(fill.leaves)),
    }


def _whom(fill: Fill) -> str:
    if fill.liquidity == Liquidity.MANUAL:
        return "manual"
    return "match" if fill.match_id else "street"


def _role(fill: Fill) -> str | None:
    """Return whether the order came to another customer's (taker) or that one to it (maker)."""
    if fill.match_id is None:
        return None
    return "taker" if fill.match_id.startswith(f"{fill.order_id}:") else "maker"


def _held(order: Order, before: Held) -> Step:
    """Return what the order held before and after: cash of a buy, shares of a sell."""
    is_buy = order.side == Side.BUY
    was, now = (before[0], order.reserved) if is_buy else (before[1], order.held_shares)
    return {"reserved_before": plain(was), "reserved_after": plain(now)}


def _stop(order: Order) -> str | None:
    return None if order.stop_price is None else plain(order.stop_price)
