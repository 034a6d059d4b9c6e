"""Why an open order has not filled up to now: what keeps it from the market, else the market."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bengi.terms import InstrumentStatus, OrderStatus
from trades.matching.reasons import Reason, why_not
from trades.matching.working import StreetQuote, WorkingOrder


@dataclass(frozen=True, slots=True)
class Situation:
    """What is true of an open order beside the quote.

    opens_at: when it is worked again, None while it is; is_seen: the engine has taken it
    up; fired_at: when its stop did.
    """

    status: OrderStatus
    replaces: bool
    is_seen: bool
    instrument_status: InstrumentStatus
    has_feed: bool
    opens_at: datetime | None
    fired_at: datetime | None


def reason_now(
    order: WorkingOrder,
    quote: StreetQuote | None,
    situation: Situation,
    *,
    last: int | None,
    now: datetime,
) -> Reason:
    """Return why an open order has not filled: quote is the newest, last the newest print.

    Both as the order's profile sees them.
    """
    if situation.status is OrderStatus.HELD:
        return Reason("held_for_replace" if situation.replaces else "held_for_entry")
    if situation.instrument_status is not InstrumentStatus.ACTIVE:
        return Reason("halted")
    if situation.opens_at is not None:
        opens_at = situation.opens_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return Reason("session_closed", {"opens_at": opens_at})
    if not situation.is_seen:
        return Reason("not_seen_yet")
    has_feed = situation.has_feed
    found = why_not(order, quote, last=last, now=now, has_feed=has_feed)
    fired_at = situation.fired_at
    if found.code == "no_size_left" and fired_at and quote and quote.as_of <= fired_at:
        return Reason("after_trigger")
    return found
