"""The checks an accepted order has passed, with limit and value: what "explain this order" shows.

Pure, from the very facts that orders/rules.py judged. A check has the code of the error that its
failure would be. Only what can be said in numbers is here; an order's shape is not.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from bengi.money import plain
from bengi.terms import Leg, OrderClass, OrderType, Side
from orders.facts import Facts
from orders.hours import works_now
from orders.rules import AT_A_MOMENT, cash_needed, first_stop, order_value


class Check(NamedTuple):
    """value stands within limit; both are text, and limit may be a range, lowest first."""

    code: str
    field: str
    limit: str | list[str]
    value: str


def passed_checks(facts: Facts) -> list[Check]:
    """Return the checks of an order that check_order() has found nothing wrong with.

    A leg's size and means are those of its entry.
    """
    ticket = facts.ticket
    if ticket.leg is not None and ticket.order_class is OrderClass.SIMPLE:
        return [*_standing(facts), *_steps(facts), *_prices(facts)]
    return [*_standing(facts), *_steps(facts), *_sizes(facts), *_prices(facts), *_means(facts)]


def standing_checks(facts: Facts) -> list[Check]:
    """Return the checks that no price and no quantity is needed for."""
    return list(_standing(facts))


def _standing(facts: Facts) -> Iterator[Check]:
    yield Check("account_frozen", "account", "active", str(facts.account.status))
    yield Check("symbol_halted", "symbol", "active", str(facts.instrument.status))


def _steps(facts: Facts) -> Iterator[Check]:
    ticket, instrument = facts.ticket, facts.instrument
    for field in ("limit_price", "stop_price", "trail_price"):
        price: Decimal | None = getattr(ticket, field)
        if price is not None:
            yield Check("invalid_tick", field, plain(instrument.tick_size), plain(price))
    step, quantity = plain(instrument.quantity_step), plain(ticket.quantity)
    yield Check("invalid_step", "quantity", step, quantity)


def _sizes(facts: Facts) -> Iterator[Check]:
    limits, account, quantity = facts.limits, facts.account, facts.ticket.quantity
    yield Check("max_quantity", "quantity", plain(limits.max_quantity), plain(quantity))
    value = order_value(facts)
    if value is not None:
        yield Check("max_notional", "quantity", plain(limits.max_notional), plain(value))
    here, everywhere = str(account.open_orders_here + 1), str(account.open_orders + 1)
    code = "too_many_open_orders"
    yield Check(code, "symbol", str(limits.max_open_orders_here), here)
    yield Check(code, "account", str(limits.max_open_orders), everywhere)


def _prices(facts: Facts) -> Iterator[Check]:
    ticket, quote = facts.ticket, facts.quote
    may_wait = ticket.time_in_force in AT_A_MOMENT or not works_now(facts.session, False)
    if ticket.type is OrderType.MARKET and facts.instrument.has_feed and not may_wait:
        offered = quote.ask if ticket.side is Side.BUY else quote.bid
        there = "fresh" if offered is not None else "one-sided"
        yield Check("stale_quote", "type", "fresh", there if quote.is_fresh else "stale")
    stop = first_stop(ticket, quote.last, facts.instrument.tick_size)
    if ticket.type is OrderType.TRAILING_STOP and stop is not None:
        yield Check("invalid_trail", "stop_price", "0", plain(stop))
    middle = ticket.stop_price if ticket.type is OrderType.STOP_LIMIT else quote.last
    if ticket.limit_price is None or middle is None or ticket.leg is Leg.TAKE_PROFIT:
        return
    limits = facts.limits
    collar = limits.low_price_collar if middle < limits.low_price else limits.collar
    lowest, highest = plain(middle * (1 - collar)), plain(middle * (1 + collar))
    yield Check("price_collar", "limit_price", [lowest, highest], plain(ticket.limit_price))


def _means(facts: Facts) -> Iterator[Check]:
    ticket, account = facts.ticket, facts.account
    if ticket.side is Side.SELL:
        available = plain(account.available_quantity)
        yield Check("insufficient_position", "quantity", available, plain(ticket.quantity))
        return
    needed = cash_needed(facts)
    if needed is not None:
        power = plain(account.buying_power)
        yield Check("insufficient_funds", "quantity", power, plain(needed))
