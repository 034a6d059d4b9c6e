"""Whether a print is what an alert waits for. Pure.

Only prints are asked about: quotes that nobody has traded at, and what the board has turned away
(insane, doubted, older), never get here.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from bengi.money import QUANTUM
from bengi.terms import AlertKind
from instruments.quotes import Tick
from instruments.splits import Ratio, new_price

HUNDRED = Decimal(100)


class Terms(msgspec.Struct, frozen=True):
    """What an alert waits for; the fields are those of watchlists.models.PriceAlert."""

    kind: AlertKind
    price: Decimal | None
    percent: Decimal | None
    reference_price: Decimal | None
    armed_at: datetime


def is_fresh_print(tick: Tick, now: datetime, max_age: timedelta) -> bool:
    """Return whether tick tells of a trade that is young enough to be told of."""
    return tick.is_new_print and tick.last is not None and now - tick.as_of <= max_age


def is_met(terms: Terms, tick: Tick) -> bool:
    """Return whether the print of tick is what the alert waits for.

    A print of before armed_at is not: it may be of another price, or in other shares.
    """
    last = tick.last
    if last is None or tick.as_of < terms.armed_at:
        return False
    if terms.kind is AlertKind.PERCENT_CHANGE:
        assert terms.percent is not None, "a change has a percent"
        return _has_changed(last, tick.previous_close, terms.percent)
    assert terms.price is not None, "every other kind has a price"
    if terms.kind is AlertKind.ABOVE:
        return last >= terms.price
    if terms.kind is AlertKind.BELOW:
        return last <= terms.price
    return _has_crossed(terms.reference_price, last, terms.price)


def gives_reference(terms: Terms, tick: Tick) -> bool:
    """Return whether the print is the first to say on which side of its price a crossing begins."""
    if terms.kind is not AlertKind.CROSSING or tick.last is None or tick.as_of < terms.armed_at:
        return False
    return terms.reference_price in {None, terms.price} and tick.last != terms.price


def in_new_shares(terms: Terms, ratio: Ratio, effective_at: datetime) -> Terms:
    """Return the alert as it waits after a split: its prices in new shares, prints from then on.

    Prices are kept to 8 places, whatever the tick, and above zero: nothing trades at them. A
    percent stays.
    """
    price = new_price(terms.price, ratio)
    return msgspec.structs.replace(
        terms,
        price=None if price is None else max(price, QUANTUM),
        reference_price=new_price(terms.reference_price, ratio),
        armed_at=effective_at,
    )


def _has_changed(last: Decimal, close: Decimal | None, percent: Decimal) -> bool:
    if close is None or close <= 0:
        return False
    return abs(last - close) * HUNDRED >= percent * close


def _has_crossed(reference: Decimal | None, last: Decimal, price: Decimal) -> bool:
    """Return whether last is on price or beyond it, seen from reference; from on it nothing is."""
    if reference is None or reference == price:
        return False
    return last >= price if reference < price else last <= price
