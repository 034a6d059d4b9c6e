"""Why an order did not fill: one code per reason, told from the order and the quote it looked at.

Pure, and the one place that decides it: the engine asks when an order comes to rest and when it
ends, the pages ask for open orders. docs/trading.md has the table for traders.
"""

from datetime import datetime, timedelta

import msgspec

from bengi.money import plain
from bengi.terms import Side, TimeInForce
from trades.matching.fixed import from_fixed
from trades.matching.working import StreetQuote, WorkingOrder, is_within

REASONS = {
    "not_marketable": "The limit does not reach what is offered.",
    "cap_reached": "The market offers no price that what was reserved can pay.",
    "stop_not_reached": "No trade has reached the stop.",
    "after_trigger": "The stop has fired; the next quote works it.",
    "no_quote": "The market has not quoted yet.",
    "no_fresh_quote": "The newest quote is too old to decide anything.",
    "nobody_offers": "Nobody is on the other side.",
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
    max_age: timedelta,
    has_feed: bool,
) -> Reason:
    """Return why an open order, looking at quote at now, got nothing or not all it wants.

    last is the newest print. Without a feed the quote is what others' resting orders offer. What is
    true of the order comes before what is true of the market.
    """
    if order.is_dormant:
        return stop_not_reached(order, last)
    moment = _MOMENTS.get(order.time_in_force)
    if moment is not None:
        return Reason(moment)
    if quote is None:
        return Reason("no_quote" if has_feed else "nobody_offers")
    age = now - quote.as_of
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
    is_buy = order.side is Side.BUY
    offered, size = (quote.ask, quote.ask_size) if is_buy else (quote.bid, quote.bid_size)
    name = "ask" if is_buy else "bid"
    if offered is None or not size:
        return Reason("nobody_offers")
    if is_within(offered, order.bound, order.side):
        return Reason("no_size_left", _numbers(**{name: offered, "size": size}))
    assert order.bound is not None
    gap = abs(offered - order.bound)
    if order.limit is None:
        return Reason("cap_reached", _numbers(cap=order.bound, gap=gap, **{name: offered}))
    return Reason("not_marketable", _numbers(limit=order.bound, gap=gap, **{name: offered}))


def _numbers(**units: int | None) -> dict[str, str]:
    return {name: plain(from_fixed(value)) for name, value in units.items() if value is not None}


_MOMENTS = {TimeInForce.OPG: "waits_for_opening", TimeInForce.CLS: "waits_for_close"}
