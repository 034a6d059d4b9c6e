"""The quote of an instrument without a feed: the best resting orders of its own customers."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet

from bengi.money import ZERO
from bengi.terms import OrderStatus, OrderType, Side
from instruments.models import Instrument
from instruments.quotes import Tick
from orders.models import Order
from orders.rules import LASTING

RESTING = [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED]
"""Statuses in which a limit order stands in the book for others to see."""


def book_quotes(instruments: Iterable[Instrument], now: datetime) -> dict[str, Tick]:
    """Return, by symbol, the best bid and ask among resting limit orders where no feed quotes.

    One statement, none when every instrument has a feed. Instruments nobody bids for or offers
    are absent. Sizes are not told: they are zero.
    """
    fedless = {instrument.id: instrument for instrument in instruments if not instrument.has_feed}
    if not fedless:
        return {}
    rows = best_prices(fedless)
    return {fedless[key].symbol: _tick(fedless[key], bid, ask, now) for key, bid, ask in rows}


def best_prices(instrument_ids: Iterable[UUID]) -> QuerySet[Order, Any]:
    """Return (instrument id, best bid, best ask) of resting limit orders, a row each."""
    return (
        Order.objects.filter(
            instrument_id__in=list(instrument_ids),
            type=OrderType.LIMIT,
            time_in_force__in=LASTING,
            status__in=RESTING,
            closed_at__isnull=True,  # as all of these are; the index of open orders says it so
        )
        .values_list("instrument_id")
        .annotate(
            bid=Max("limit_price", filter=Q(side=Side.BUY)),
            ask=Min("limit_price", filter=Q(side=Side.SELL)),
        )
    )


def _tick(instrument: Instrument, bid: Decimal | None, ask: Decimal | None, now: datetime) -> Tick:
    return Tick(
        symbol=instrument.symbol,
        instrument_id=str(instrument.id),
        shard=instrument.shard,
        bid=bid,
        ask=ask,
        bid_size=ZERO,
        ask_size=ZERO,
        last=None,
        last_size=ZERO,
        volume=ZERO,
        day_open=None,
        day_high=None,
        day_low=None,
        previous_close=None,
        as_of=now,
        source="book",
        is_new_print=False,
    )
