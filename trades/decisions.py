"""What the engine decided in one batch, before any of it is written."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from trades.matching.fixed import from_fixed
from trades.matching.outcomes import Outcome
from trades.matching.reasons import Reason
from trades.matching.working import StreetQuote


class SeenQuote(msgspec.Struct, frozen=True):
    """The market's quote at the time of a decision, with the sizes it was displayed with.

    last is the newest print, which may be older than the quote.
    """

    bid: Decimal | None
    ask: Decimal | None
    as_of: datetime | None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None


class Look(msgspec.Struct, frozen=True):
    """One look at the market that did not fill an order, and why."""

    at: datetime
    seen: SeenQuote
    reason: Reason


class ByHand(msgspec.Struct, frozen=True):
    """Who of staff executed an order by hand (the id of a user), and why."""

    by: str
    reason: str


class Decision(msgspec.Struct, frozen=True):
    """One line of the matcher's answer, with the moment and the quote it was decided on.

    look: for an order that comes to rest, why it does; for one that had been waiting, the newest
    look before this decision, None when nothing was looked at since the one told before. by_hand:
    not the matcher has decided, but one of staff.
    """

    account_id: UUID
    outcome: Outcome
    decided_at: datetime
    seen: SeenQuote
    priority: int | None = None
    look: Look | None = None
    by_hand: ByHand | None = None


class Execution(msgspec.Struct, frozen=True):
    """What is booked as one trade, and when it was done.

    corrects: the execution that it restates, and correction the request it is booked for.
    """

    quantity: Decimal
    price: Decimal
    liquidity: str
    match_id: UUID | None
    seen: SeenQuote
    executed_at: datetime
    corrects: UUID | None = None
    correction: UUID | None = None


def seen_of(quote: StreetQuote | None, last: Decimal | None = None) -> SeenQuote:
    """Return a quote of the matcher as it is told and stored."""
    if quote is None:
        return SeenQuote(None, None, None, last=last)
    return SeenQuote(
        bid=_decimal(quote.bid),
        ask=_decimal(quote.ask),
        as_of=quote.as_of,
        bid_size=from_fixed(quote.bid_size),
        ask_size=from_fixed(quote.ask_size),
        last=last,
    )


def _decimal(units: int | None) -> Decimal | None:
    return None if units is None else from_fixed(units)
