"""Sizes of an order that somebody names by a share of what there is: 25, 50, 100 percent. Pure.

The same rules reckon them that judge the order: what a buy of so many has to hold, its commission
included, and the shares that a sell may still sell. A buy without a limit is reckoned with room for
the ask to move until it arrives.
"""

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

from msgspec.structs import replace

from bengi.money import ZERO, minor_unit
from bengi.terms import OrderClass, OrderType, Side, TimeInForce
from orders.facts import Facts
from orders.rules import cash_needed, reference_price

ROOM = Decimal("1.002")
"""What a market buy is reckoned at, times the ask: it may rise while somebody reads."""


def quantity_for(facts: Facts, percent: Decimal) -> Decimal:
    """Return the largest quantity that percent of the money, or of the shares, is enough for.

    A multiple of what orders of this type are multiples of, within the limits of one order; 0 where
    there is nothing to buy with or to sell, and while no price is known.
    """
    step = _step(facts)
    if facts.ticket.side is Side.SELL:
        return _floor(facts.account.available_quantity * percent / 100, step)
    facts = _with_room(facts)
    price = reference_price(facts.ticket, facts.quote, facts.instrument.tick_size)
    power = facts.account.buying_power * percent / 100
    if price is None or power <= 0:
        return ZERO
    most = min(power / price, facts.limits.max_quantity, facts.limits.max_notional / price)
    ticket = facts.ticket
    return _largest(
        _floor(most, step),
        step,
        lambda size: cash_needed(replace(facts, ticket=replace(ticket, quantity=size))),
        power,
    )


def amount_for(facts: Facts, percent: Decimal) -> Decimal:
    """Return the largest amount of money that percent of the buying power is enough for.

    Its commission comes on top. Of a sell: what percent of the shares is worth at the bid.
    """
    unit, quote = minor_unit(facts.instrument.currency), facts.quote
    if facts.ticket.side is Side.SELL:
        price = quote.bid or quote.last
        shares = facts.account.available_quantity * percent / 100
        return ZERO if price is None else _floor(shares * price, unit)
    power = facts.account.buying_power * percent / 100
    ticket = facts.ticket
    return _largest(
        _floor(min(power, facts.limits.max_notional), unit),
        unit,
        lambda size: cash_needed(replace(facts, ticket=replace(ticket, notional=size))),
        power,
    )


def _largest(
    most: Decimal, step: Decimal, needed: Callable[[Decimal], Decimal | None], power: Decimal
) -> Decimal:
    """Return the largest multiple of step up to most that needs no more than power; else 0.

    What is needed never falls as the size grows, so halving finds it.
    """
    low, high = 0, int(max(most, ZERO) / step)
    while low < high:
        middle = (low + high + 1) // 2
        cash = needed(middle * step)
        if cash is not None and cash <= power:
            low = middle
        else:
            high = middle - 1
    return low * step


def _with_room(facts: Facts) -> Facts:
    quote = facts.quote
    if facts.ticket.limit_price is not None or quote.ask is None:
        return facts
    return replace(facts, quote=replace(quote, ask=quote.ask * ROOM))


def _step(facts: Facts) -> Decimal:
    """Return what quantities are multiples of: parts of a share are for orders that end today."""
    ticket, instrument = facts.ticket, facts.instrument
    is_simple = ticket.order_class is OrderClass.SIMPLE
    is_plain = is_simple and ticket.type in (OrderType.MARKET, OrderType.LIMIT)
    if is_plain and ticket.time_in_force is TimeInForce.DAY:
        return instrument.quantity_step
    return instrument.exchange_step or instrument.quantity_step


def _floor(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(rounding=ROUND_FLOOR) * step
