"""Why an order did not fill: one code per reason, told from the order and the quote it looked at.

Pure, and the one place that decides it: the engine asks when an order comes to rest and when it
ends, the pages ask for open orders. docs/trading.md has the table for traders.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from bengi.money import plain
from bengi.terms import Side, TimeInForce
from instruments.realism import Touch
from trades.matching.fixed import PLACES, from_fixed
from trades.matching.working import StreetQuote, WorkingOrder, is_within

REASONS = {
    "not_marketable": "The limit does not reach what is offered.",
    "cap_reached": "The market offers no price that what was reserved can pay.",
    "amount_too_small": "What is left of the amount buys nothing at what is offered.",
    "stop_not_reached": "No trade has reached the stop.",
    "after_trigger": "The stop has fired; the next quote works it.",
    "no_quote": "The market has not quoted yet.",
    "no_fresh_quote": "The newest quote is too old to decide anything.",
    "on_its_way": "It has not reached the market yet; the first quote after that works it.",
    "nobody_offers": "Nobody is on the other side.",
    "no_volume": "The feed shows no sizes, and nothing has traded of which it could have a share.",
    "queue_ahead": "The market is at its price, and others there come first.",
    "not_through": "The market has come to its limit, but has not traded through it.",
    "no_size_left": "What was offered is taken; the next quote brings more.",
    "waits_for_opening": "It waits for the first quote of the session.",
    "waits_for_close": "It waits for the close of the session.",
    "session_closed": "Its exchange is closed.",
    "halted": "Trading in it is halted.",
    "held_for_entry": "It waits for another order to fill.",
    "held_for_replace": "It waits to take another order's place.",
    "not_seen_yet": "The engine has not looked at it yet.",
}
"""Every code, in words. Those from session_closed on keep an order from the engine's looks."""


class Reason(msgspec.Struct, frozen=True):
    """A code of REASONS with the numbers behind it, as text: prices plain, durations in seconds."""

    code: str
    numbers: dict[str, str] = {}


def why_not(
    order: WorkingOrder,
    quote: StreetQuote | None,
    *,
    last: int | None,
    now: datetime,
    has_feed: bool,
) -> Reason:
    """Return why an open order, looking at quote at now, got nothing or not all it wants.

    quote is the market's as the order's profile sees it (trades.matching.street.shown), last the
    newest print. Without a feed the quote is what others' resting orders offer. What is true of the
    order comes before what is true of the market.
    """
    if order.is_dormant:
        return stop_not_reached(order, last)
    moment = _MOMENTS.get(order.time_in_force)
    if moment is not None:
        return Reason(moment)
    if quote is None:
        return Reason("no_quote" if has_feed else "nobody_offers")
    if has_feed and order.starts_at is not None and quote.as_of < order.starts_at:
        latency = order.profile.latency // timedelta(milliseconds=1)
        return Reason("on_its_way", {"latency_ms": str(latency)})
    age, max_age = now - quote.as_of, order.profile.max_age
    if age > max_age:
        return Reason("no_fresh_quote", {"age_s": seconds(age), "guard_s": seconds(max_age)})
    return _beyond(order, quote)


def stop_not_reached(order: WorkingOrder, last: int | None) -> Reason:
    """Return why a stop slept on at the print last."""
    assert order.stop is not None
    return Reason("stop_not_reached", _numbers(stop=order.stop, last=last))


def seconds(duration: timedelta) -> str:
    """Write a duration in seconds, to the millisecond: 0.2, 15."""
    return f"{duration.total_seconds():.3f}".rstrip("0").rstrip(".")


def _beyond(order: WorkingOrder, quote: StreetQuote) -> Reason:
    """Return why a fresh quote is not enough: its price, or its size."""
    is_buy, limit = order.side is Side.BUY, order.limit
    offered, size = (quote.ask, quote.ask_size) if is_buy else (quote.bid, quote.bid_size)
    name = "ask" if is_buy else "bid"
    if offered is None:
        return Reason("nobody_offers")
    if not size and not order.profile.is_unlimited:
        return Reason("nobody_offers" if quote.has_sizes else "no_volume")
    if limit is not None and limit in {quote.bid, quote.ask}:
        if order.queue_ahead:
            return Reason("queue_ahead", _numbers(limit=limit, ahead=order.queue_ahead))
        if offered == limit and order.profile.touch is Touch.NEVER and not order.is_immediate:
            return Reason("not_through", _numbers(limit=limit, **{name: offered}))
    if is_within(offered, order.bound, order.side):
        if order.budget is not None and order.budget < offered * order.step:
            left = plain(Decimal(order.budget).scaleb(-2 * PLACES))
            return Reason("amount_too_small", {"left": left} | _numbers(**{name: offered}))
        return Reason("no_size_left", _numbers(**{name: offered, "size": size}))
    assert order.bound is not None
    gap = abs(offered - order.bound)
    if limit is None:
        return Reason("cap_reached", _numbers(cap=order.bound, gap=gap, **{name: offered}))
    return Reason("not_marketable", _numbers(limit=order.bound, gap=gap, **{name: offered}))


def _numbers(**units: int | None) -> dict[str, str]:
    return {name: plain(from_fixed(value)) for name, value in units.items() if value is not None}


_MOMENTS = {TimeInForce.OPG: "waits_for_opening", TimeInForce.CLS: "waits_for_close"}
