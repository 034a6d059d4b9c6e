"""Accounts and their event log as JSON. Decimals are strings, times RFC 3339 in UTC."""

from datetime import datetime
from typing import Any

from accounts.fx import Rate
from accounts.models import Account
from accounts.payloads import cash_shape, violation_payload
from accounts.selectors import VIOLATIONS_MAX, cash_states_of
from bengi.errors import Malformed
from bengi.inputs import CountField, DayField, Input, PositiveDecimalField, UUIDField, WordField
from bengi.money import MINOR_UNITS, plain
from bengi.realtime.protocol import moment
from bengi.terms import Realism

EVENTS_MAX = 500
KEY_LENGTH_MAX = 255
CURRENCIES = list(MINOR_UNITS)


class EventsInput(Input):
    """The events of one account after a seq."""

    account = UUIDField()
    after = CountField(0, 2**63 - 1, default=0)
    limit = CountField(1, EVENTS_MAX, default=100)


class MoveInput(Input):
    """An amount of one currency that comes in or goes out."""

    amount = PositiveDecimalField(code="invalid_amount")
    currency = WordField(CURRENCIES)


class AccountInput(Input):
    """What of an account its owner may set."""

    realism = WordField(list(Realism))


class StatementInput(Input):
    """Which currency, which days (both included), and in which form."""

    currency = WordField(CURRENCIES, default=None)
    format = WordField(("json", "csv"), default="json")

    def get_fields(self) -> dict[str, Any]:
        days = {"from": DayField(default=None), "to": DayField(default=None)}
        return {**super().get_fields(), **days}


class ConvertInput(Input):
    """An amount of one currency, and the currency it is to become."""

    amount = PositiveDecimalField(code="invalid_amount")

    def get_fields(self) -> dict[str, Any]:
        pair = {"from": WordField(CURRENCIES), "to": WordField(CURRENCIES)}
        return {**super().get_fields(), **pair}


def rate_shape(rate: Rate) -> dict[str, Any]:
    """Return a rate: one unit of base costs rate units of quote."""
    return {
        "base": rate.base,
        "quote": rate.quote,
        "rate": plain(rate.rate),
        "as_of": moment(rate.as_of),
    }


def idempotency_key(given: str | None) -> str:
    """Return the header's key. Raises Malformed when it is missing or no key."""
    if given is None:
        detail = "Moving money needs an Idempotency-Key, so that asking again moves nothing."
        raise Malformed("idempotency_key_required", detail, field="Idempotency-Key")
    if not 1 <= len(given) <= KEY_LENGTH_MAX or not (given.isascii() and given.isprintable()):
        detail = f"Idempotency-Key is 1 to {KEY_LENGTH_MAX} printable ASCII characters."
        raise Malformed("invalid_idempotency_key", detail, field="Idempotency-Key")
    return given


def account_shape(account: Account, now: datetime) -> dict[str, Any]:
    """Return the account with its cash by currency at now, its violations and portfolios.

    All of them are prefetched.
    """
    portfolios: Any = account.portfolios  # of an app above: only its rows are known here
    return {
        "id": str(account.id),
        "name": account.name,
        "base_currency": account.base_currency,
        "kind": account.kind,
        "status": account.status,
        "realism": account.realism,
        "balances": [
            cash_shape(currency, state) for currency, state in cash_states_of(account, now).items()
        ],
        "violations": [
            violation_payload(each) for each in list(account.violations.all())[:VIOLATIONS_MAX]
        ],
        "portfolios": [{"id": str(each.id), "name": each.name} for each in portfolios.all()],
    }
