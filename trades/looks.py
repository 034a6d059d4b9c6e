"""Looks at the market that filled nothing: kept in memory, told with the decision that ends them.

A quote that fills nobody costs one assignment here and no write. A waiting order's first look is
told when it comes to rest; its latest one with its next fill, its trigger or its end.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from bengi.terms import Side
from trades.decisions import Look, seen_of
from trades.matching.fixed import to_fixed
from trades.matching.market import Market
from trades.matching.outcomes import Outcome, Released, Resized, Rested, Trailed, Triggered
from trades.matching.reasons import Reason, stop_not_reached, why_not
from trades.matching.working import StreetQuote, WorkingOrder

Heard = tuple[StreetQuote | None, datetime | None, Decimal | None]
"""The newest quote of a market, when the engine heard it, and the newest print."""

_NOTHING: Heard = (None, None, None)


class Waiting(msgspec.Struct, gc=False):
    """An order at work and up to when its looks have been told.

    budget: what was left of its amount then. has_fired: its stop has, and nothing has filled since.
    """

    order: WorkingOrder
    told_until: datetime
    budget: int | None
    has_fired: bool = False


class Looks:
    """What each market was heard to say last, and which waiting orders looked at it."""

    def __init__(self) -> None:
        self._heard = dict[str, Heard]()
        self._waiting = dict[str, Waiting]()

    def heard(self, market: Market) -> Heard:
        """Return what a market was heard to say last."""
        return self._heard.get(market.instrument_id, _NOTHING)

    def hear(self, market: Market, now: datetime, last: Decimal | None) -> None:
        """Remember that market has heard something at now, and the newest print with it."""
        self._heard[market.instrument_id] = market.quote, now, last

    def restore(self, order: WorkingOrder, since: datetime) -> None:
        """Take up an order that has been waiting since before the books were built."""
        self._waiting[order.id] = Waiting(order, since, order.budget)

    def forget(self, order_id: str) -> None:
        """The order is closed."""
        self._waiting.pop(order_id, None)

    def at(self, market: Market, outcome: Outcome, at: datetime, before: Heard) -> Look | None:
        """Return the look to tell with an outcome. before: what was heard before its command."""
        if isinstance(outcome, Rested):
            return self._first(market, outcome.order_id, at)
        if isinstance(outcome, Trailed | Released | Resized):
            return None
        waiting = self._waiting.get(outcome.order_id)
        if waiting is None or (market.is_extended and not waiting.order.extended_hours):
            return None
        fires = isinstance(outcome, Triggered)
        look = self._latest(market, waiting, before, was_dormant=fires)
        waiting.told_until = max(waiting.told_until, at)
        waiting.budget, waiting.has_fired = waiting.order.budget, fires
        return look

    def _first(self, market: Market, order_id: str, at: datetime) -> Look | None:
        order = market.find(order_id)
        if order is None:  # used up later in the same command
            return None
        self._waiting[order_id] = Waiting(order, at, order.budget)
        _, _, last = self.heard(market)
        quote = market.view(order.profile) if market.has_feed else _book_quote(market, at)
        return Look(at, seen_of(quote, last), self._reason(market, order, quote, at, last))

    def _latest(
        self, market: Market, waiting: Waiting, before: Heard, *, was_dormant: bool
    ) -> Look | None:
        quote, heard_at, last = before
        if quote is None or heard_at is None or quote.as_of <= waiting.told_until:
            return None
        order = waiting.order
        if order.budget is not None:
            order = msgspec.structs.replace(order, budget=waiting.budget)
        quote = market.shown(quote, order.profile)
        if was_dormant:
            reason = stop_not_reached(order, _fixed(last))
        else:
            reason = self._reason(market, order, quote, heard_at, last)
            if waiting.has_fired and not quote.is_new and reason.code == "no_size_left":
                reason = Reason("after_trigger")
        return Look(quote.as_of, seen_of(quote, last), reason)

    def _reason(
        self,
        market: Market,
        order: WorkingOrder,
        quote: StreetQuote | None,
        now: datetime,
        last: Decimal | None,
    ) -> Reason:
        return why_not(
            order,
            quote,
            last=_fixed(last),
            now=now,
            has_feed=market.has_feed,
        )


def _book_quote(market: Market, now: datetime) -> StreetQuote | None:
    """Return what resting orders offer where there is no feed; None when there are none."""
    bids, asks = market.levels(Side.BUY, 1), market.levels(Side.SELL, 1)
    if not bids and not asks:
        return None
    bid, bid_size = bids[0] if bids else (None, 0)
    ask, ask_size = asks[0] if asks else (None, 0)
    return StreetQuote(bid, ask, bid_size, ask_size, None, now)


def _fixed(value: Decimal | None) -> int | None:
    return None if value is None else to_fixed(value)
