"""Who needs which price, for a source that cannot have them all at once.

An order that waits for the market, or whose price is near, comes first; then what somebody holds or
has an order in; then what is open on a page; then what is on a list or has an alert. Four
statements, whose rows grow with instruments and open orders, not with people.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bengi.realtime.watching import watched_symbols
from bengi.terms import OrderType, TimeInForce
from instruments.models import Instrument
from instruments.selectors import latest_quotes
from instruments.twelvedata.governor import Priority
from instruments.twelvedata.poller import Want
from orders.models import OPEN_STATUSES, Order
from portfolios.models import Position
from watchlists.models import PriceAlert, WatchlistItem

NEAR = Decimal("0.02")
"""A limit or a stop within so much of the last price is near."""
ORDERS_MAX = 5_000
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


def wants(now: datetime) -> list[Want]:
    """Return who needs which price at now; of one instrument there may be several."""
    return [*_of_orders(), *_of_holdings(), *_of_pages(), *_of_lists()]


def _of_orders() -> Iterator[Want]:
    rows = (
        Order.objects.filter(status__in=OPEN_STATUSES, instrument__has_feed=True)
        .order_by("-id")
        .select_related("instrument")[:ORDERS_MAX]
    )
    orders = list(rows)
    quotes = latest_quotes({order.instrument_id: order.instrument for order in orders}.values())
    for order in orders:
        quote = quotes.get(order.instrument.symbol)
        last = quote.last if quote is not None else None
        needs_now = order.type == OrderType.MARKET or order.time_in_force in _AT_ONCE
        is_first = needs_now or order.triggered_at is not None or _is_near(order, last)
        yield Want(
            str(order.instrument_id),
            Priority.ORDER if is_first else Priority.POSITION,
            since=order.accepted_at if needs_now or quote is None else None,
        )


def _is_near(order: Order, last: Decimal | None) -> bool:
    """Say whether one of the order's prices is near the last one; without a price, it may be."""
    if last is None:
        return True
    prices = [price for price in (order.limit_price, order.stop_price) if price is not None]
    return any(abs(price - last) <= last * NEAR for price in prices)


def _of_holdings() -> Iterator[Want]:
    rows = Position.objects.filter(quantity__gt=0, instrument__has_feed=True)
    yield from _each(rows.values_list("instrument_id", flat=True).distinct(), Priority.POSITION)


def _of_pages() -> Iterator[Want]:
    symbols = watched_symbols()
    if symbols:
        rows = Instrument.objects.filter(symbol__in=symbols, has_feed=True)
        yield from _each(rows.values_list("id", flat=True), Priority.PAGE)


def _of_lists() -> Iterator[Want]:
    listed = WatchlistItem.objects.order_by().values_list("instrument_id", flat=True).distinct()
    alerts = PriceAlert.objects.filter(fired_at__isnull=True).order_by()
    waiting = alerts.values_list("instrument_id", flat=True).distinct()
    yield from _each(listed.union(waiting), Priority.WATCHLIST)


def _each(ids: Iterable[UUID | Any], priority: Priority) -> Iterator[Want]:
    for instrument_id in ids:
        yield Want(str(instrument_id), priority)
