"""Parts of a share: which orders may be for them, and how little one may buy. Pure.

An exchange trades in its own unit. Where the instrument's step is finer, the broker makes the parts
out of whole shares, for orders that are done with today: market and limit orders for the day.
Source: the rules of US brokers for fractional shares, such as Alpaca's and Webull's.
"""

from collections.abc import Iterator
from decimal import Decimal

from bengi.errors import BengiError, Refused
from bengi.money import minor_unit, plain
from bengi.sentences import sentence
from bengi.terms import OrderClass, OrderType, Side, TimeInForce
from orders.facts import Facts

_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT})


def check_fraction(facts: Facts) -> Iterator[BengiError]:
    """Yield why parts of the exchange's unit cannot be had this way.

    What the order that this one replaces has filled counts too: a rest may well be a part. An order
    of an amount is for the day anyway (orders/notional.py).
    """
    ticket, instrument = facts.ticket, facts.instrument
    unit = instrument.exchange_step
    is_simple = ticket.order_class is OrderClass.SIMPLE and ticket.type in _TYPES
    is_for_today = is_simple and ticket.time_in_force is TimeInForce.DAY
    if unit is None or is_for_today or ticket.notional is not None:
        return
    if (ticket.quantity + ticket.filled_quantity) % unit:
        yield Refused(
            "unsupported_combination",
            sentence(
                "Parts of {unit} {symbol} are for market and limit orders for the day only.",
                unit=unit,
                symbol=instrument.symbol,
            ),
            field="quantity",
            limit=plain(unit),
            value=plain(ticket.quantity),
        )


def check_worth(facts: Facts, price: Decimal | None) -> Iterator[BengiError]:
    """Yield why a buy is worth too little: below half a minor unit it would cost nothing."""
    ticket, currency = facts.ticket, facts.instrument.currency
    if ticket.side is not Side.BUY or price is None or ticket.quantity <= 0:
        return
    unit, value = minor_unit(currency), price * ticket.quantity
    if value < unit:
        detail = sentence(
            "A buy is worth at least {unit} {currency}; this one is {value}.",
            unit=unit,
            currency=currency,
            value=value,
        )
        yield Refused(
            "min_notional", detail, field="quantity", limit=plain(unit), value=plain(value)
        )
