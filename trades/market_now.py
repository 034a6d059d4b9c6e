"""The market as an open order meets it now: the newest quote, and what keeps the order from it."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from bengi.terms import InstrumentStatus, OrderStatus
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.realism import profile_of
from instruments.selectors import latest_quotes
from orders.depth import Level, depth_of
from orders.models import Order
from trades.explanation.now import Situation
from trades.matching.fixed import to_fixed
from trades.matching.street import Street
from trades.matching.working import StreetQuote
from trades.session import SessionHours
from trades.street_quotes import street_quote


def market_now(
    order: Order, user: User, now: datetime
) -> tuple[StreetQuote | None, Decimal | None]:
    """Return the newest quote and print; where nobody feeds, what other customers offer.

    At most one statement, two without a feed.
    """
    instrument = order.instrument
    tick = latest_quotes([instrument], now).get(instrument.symbol)
    last = None if tick is None else tick.last
    if instrument.has_feed:
        return None if tick is None else _as_shown(tick, order), last
    return _others(instrument, user, now), last


def situation_of(order: Order, now: datetime) -> Situation:
    """Return what is true of an open order beside the quote."""
    hours = SessionHours(settings.MARKET_HOURS)
    return Situation(
        status=OrderStatus.HELD if order.waits_for_entry else OrderStatus(order.status),
        replaces=order.waits_to_replace,
        is_seen=order.priority is not None,
        instrument_status=InstrumentStatus(order.instrument.status),
        has_feed=order.instrument.has_feed,
        opens_at=hours.works_from(order.instrument.mic, now, extended_hours=order.extended_hours),
        fired_at=order.triggered_at,
    )


def _as_shown(tick: Tick, order: Order) -> StreetQuote:
    """Return a tick as the order's realism profile sees it."""
    instrument = order.instrument
    quote = street_quote(
        tick, mic=instrument.mic, mode=settings.MARKET_HOURS, tick_size=instrument.tick_size
    )
    street = Street(to_fixed(instrument.tick_size), to_fixed(instrument.quantity_step))
    return street.shown(quote, profile_of(order.realism))


def _others(instrument: Instrument, user: User, now: datetime) -> StreetQuote | None:
    """Return the best of other customers' resting orders; None when there are none."""
    depth = depth_of(instrument, user)
    bid, ask = _best(depth.bids), _best(depth.asks)
    if bid is None and ask is None:
        return None
    return StreetQuote(
        bid=to_fixed(bid.price) if bid else None,
        ask=to_fixed(ask.price) if ask else None,
        bid_size=to_fixed(bid.size - bid.mine) if bid else 0,
        ask_size=to_fixed(ask.size - ask.mine) if ask else 0,
        last=None,
        as_of=now,
    )


def _best(levels: Iterable[Level]) -> Level | None:
    """Return the best level with something that is not the reader's own."""
    return next((level for level in levels if level.size > level.mine), None)
