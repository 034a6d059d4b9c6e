"""Orders of an amount of money: what it comes to in shares, and what a buy of one has to hold.

A buy carries its amount to its fills: at each price it takes the whole steps that what is left of
the amount buys, so it never spends more than that. Its quantity is what the rest comes to at the
newest price. A sell is of the shares that the amount comes to when it is given. docs/adr/0015.
"""

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

from msgspec.structs import replace

from accounts.commission import CommissionSchedule, commission_due
from bengi.errors import BengiError, Malformed, Refused
from bengi.money import ZERO, minor_unit, plain
from bengi.sentences import sentence
from bengi.terms import OrderClass, OrderType, Side, TimeInForce
from orders.facts import Facts, QuoteFacts

MOST = 2
"""A buy takes at most this many times the shares that its amount comes to at its protection price:
the worst that its commission is reserved for."""


def shares_for(amount: Decimal, price: Decimal, step: Decimal) -> Decimal:
    """Return the shares that an amount comes to at a price, rounded down to the step."""
    return (amount / price / step).to_integral_value(rounding=ROUND_FLOOR) * step


def shares_at_most(amount: Decimal, protection: Decimal, step: Decimal) -> Decimal:
    """Return the most shares that a buy of an amount takes, however low the price falls."""
    return shares_for(MOST * amount, protection, step)


def cash_for(
    schedule: CommissionSchedule,
    amount: Decimal,
    shares: Decimal,
    currency: str,
    *,
    paid: Decimal = ZERO,
) -> Decimal:
    """Return the cash that a buy of an amount must hold, of at most so many shares.

    The amount and the commission on it, less what has been paid. Commission grows with quantity and
    value, so no sequence of fills costs more, and each frees what it spends.
    """
    return amount + commission_due(schedule, shares, amount, currency) - paid


def sized(facts: Facts) -> Facts:
    """Return the facts with the quantity of the ticket's amount; 0 while there is no price."""
    ticket = facts.ticket
    if ticket.notional is None:
        return facts
    price = _price(ticket.side, facts.quote)
    step = facts.instrument.quantity_step
    quantity = ZERO if price is None else shares_for(ticket.notional, price, step)
    return replace(facts, ticket=replace(ticket, quantity=quantity))


def check_notional(facts: Facts) -> Iterator[BengiError]:
    """Yield what is wrong with an amount: its form, what it goes with, too little for a step."""
    ticket, instrument = facts.ticket, facts.instrument
    if ticket.notional is None:
        return
    unit = minor_unit(instrument.currency)
    if ticket.notional <= 0 or ticket.notional % unit:
        grid = sentence(
            "An amount is above zero and in whole steps of {unit} {currency}.",
            unit=unit,
            currency=instrument.currency,
        )
        yield Malformed(
            "invalid_amount", grid, field="notional", limit=plain(unit), value=_value(facts)
        )
    elif not ticket.quantity and _price(ticket.side, facts.quote) is not None:
        step = instrument.quantity_step
        little = sentence(
            "The amount comes to less than {step} {symbol}.", step=step, symbol=instrument.symbol
        )
        yield Malformed(
            "invalid_quantity", little, field="notional", limit=plain(step), value=_value(facts)
        )
    if ticket.lots:
        detail = "An order of an amount names no lots."
        yield Malformed("invalid_field", detail, field="lots")
    for field, word, only in (
        ("type", ticket.type, OrderType.MARKET),
        ("time_in_force", ticket.time_in_force, TimeInForce.DAY),
    ):
        if word != only:
            detail = f"An order of an amount is a market order for the day; it cannot be {word}."
            yield Refused("unsupported_combination", detail, field=field, value=str(word))
    if ticket.order_class is not OrderClass.SIMPLE:
        detail = "An order of an amount has no legs: what it buys is known when it is filled."
        value = str(ticket.order_class)
        yield Refused("unsupported_combination", detail, field="order_class", value=value)


def _price(side: Side, quote: QuoteFacts) -> Decimal | None:
    offered = quote.ask if side is Side.BUY else quote.bid
    return quote.last if offered is None else offered


def _value(facts: Facts) -> str:
    return plain(facts.ticket.notional or ZERO)
