"""What moving money would change, told beside the form before it is sent."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from accounts.conversions import Offer, offer
from accounts.models import Account
from accounts.selectors import cash_state_of
from bengi.errors import BengiError
from bengi.numerals import money, own_money, quantity
from bengi.writing import minute


class Fact(NamedTuple):
    """One line: what, how much, and whether it is what matters."""

    label: str
    text: str
    is_sum: bool = False


NOT_POSSIBLE = "not possible"


def move_facts(account: Account, what: str, asked: Mapping[str, Any], now: datetime) -> list[Fact]:
    """Return what a deposit, a withdrawal or a conversion would change.

    asked: what of the form could be read; amount may be absent.
    """
    amount: Decimal | None = asked.get("amount")
    if what == "convert":
        return _of_conversion(account, asked, amount, now)
    currency = asked.get("currency") or account.base_currency
    state = cash_state_of(account, currency, now)
    if what == "deposit":
        facts = [Fact("Cash now", _words(state.cash, currency))]
        if amount:
            facts.append(Fact("Cash after", _words(state.cash + amount, currency), True))
        return facts
    facts = [Fact("Can be withdrawn", _words(state.withdrawable, currency))]
    if state.reserved:
        facts.append(Fact("Reserved for open orders", _words(state.reserved, currency)))
    if state.unsettled:
        facts.append(Fact("Not settled yet", _words(state.unsettled, currency)))
    if amount:
        after = state.buying_power - amount
        text = NOT_POSSIBLE if amount > state.withdrawable else _words(after, currency)
        facts.append(Fact("Buying power after", text, True))
    return facts


def _of_conversion(
    account: Account, asked: Mapping[str, Any], amount: Decimal | None, now: datetime
) -> list[Fact]:
    source, target = asked.get("source"), asked.get("target")
    if not source or not target:
        return []
    state = cash_state_of(account, source, now)
    facts = [Fact("Can be converted", _words(state.withdrawable, source))]
    if not amount:
        return facts
    try:
        told = offer(account, source, target, amount, now)
    except BengiError:
        return [*facts, Fact("You get", NOT_POSSIBLE, True)]
    return [*facts, *_prices(told), Fact("You get", _meant(told.exchanged.amount, target), True)]


def offer_facts(told: Offer) -> list[Fact]:
    """Return the lines of the review of a conversion: all that it changes, and at which rate."""
    source, target = told.source, told.target
    return [
        Fact("You give", _meant(told.amount, source), True),
        Fact("You get", _meant(told.exchanged.amount, target), True),
        *_prices(told),
        Fact(f"{source} now", _words(told.before[source].cash, source)),
        Fact(f"{source} after", _words(told.after[source], source)),
        Fact(f"{target} now", _words(told.before[target].cash, target)),
        Fact(f"{target} after", _words(told.after[target], target)),
    ]


def _prices(told: Offer) -> list[Fact]:
    rate, rest = told.rate, told.exchanged.rounding
    facts = [
        Fact(f"Rate {rate.base}/{rate.quote}", quantity(rate.rate)),
        Fact("Rate of", minute(rate.as_of)),
        Fact("Conversion fee", "none"),
    ]
    if rest:
        facts.append(
            Fact("Below the smallest unit", f"{quantity(rest)} {told.target} not paid out")
        )
    return facts


def _words(amount: Decimal, currency: str) -> str:
    return f"{own_money(amount, currency)} {currency}"


def _meant(amount: Decimal, currency: str) -> str:
    """Write what one is about to do: told to who is discreet too."""
    return f"{money(amount, currency)} {currency}"
