"""Whether there is what an order takes: cash for a buy, shares for a sell. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from bengi.errors import BengiError, Refused
from bengi.money import plain
from bengi.sentences import apart, own, sentence
from bengi.terms import Side
from orders.facts import AccountFacts, Facts


def check_means(facts: Facts, needed: Decimal | None) -> Iterator[BengiError]:
    """Yield why a buy cannot be paid for, or more is to be sold than there is.

    needed: the cash that a buy has to hold; None while no price is known.
    """
    if facts.ticket.side is Side.BUY:
        yield from _funds(facts, needed)
        return
    quantity, available = facts.ticket.quantity, facts.account.available_quantity
    if quantity > available:
        symbol = facts.instrument.symbol
        yield Refused(
            "insufficient_position",
            sentence(
                "{quantity} {symbol} to sell, {available} available.",
                quantity=apart(quantity),
                symbol=symbol,
                available=apart(available),
            ),
            field="quantity",
            needed=plain(quantity),
            available=plain(available),
        )


def _funds(facts: Facts, needed: Decimal | None) -> Iterator[BengiError]:
    instrument, account = facts.instrument, facts.account
    if needed is not None and needed > account.buying_power:
        yield Refused(
            "insufficient_funds",
            sentence(
                "{needed} {currency} needed, {available} available.{hint}",
                needed=apart(needed),
                currency=instrument.currency,
                available=own(account.buying_power),
                hint=_hint(instrument.currency, account),
            ),
            field="quantity",
            needed=plain(needed),
            available=plain(account.buying_power),
        )


def _hint(currency: str, account: AccountFacts) -> str:
    """Say how to come by a currency that is not the account's own."""
    if currency == account.base_currency or not account.base_currency:
        return ""
    return f" Convert {account.base_currency} to {currency} first: /account or .../convert."
