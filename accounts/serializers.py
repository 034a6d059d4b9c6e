"""Accounts and their event log as JSON. Decimals are strings, times RFC 3339 in UTC."""

from datetime import datetime
from typing import Any

from accounts.fx import Rate
from accounts.models import Account
from accounts.payloads import cash_shape, violation_payload
from accounts.selectors import VIOLATIONS_MAX, cash_states_of
from bengi.errors import Malformed
from bengi.inputs import (
    ChangesInput,
    CountField,
    DaysInput,
    Input,
    NameField,
    PositiveDecimalField,
    TextField,
    UUIDField,
    WordField,
)
from bengi.listing import CsvForm, FileInput, OrderingField
from bengi.money import MINOR_UNITS, plain
from bengi.pagination import PageInput
from bengi.realtime.protocol import moment
from bengi.terms import LedgerKind, Realism

EVENTS_MAX = 500
KEY_LENGTH_MAX = 255
CURRENCIES = list(MINOR_UNITS)


class EventsInput(Input):
    """The events of one account after a seq; account may be left out by who has only one open.

    of: account, or user for what is a person's own, the alerts.
    """

    of = WordField(("account", "user"), default="account")
    account = UUIDField(default=None)
    after = CountField(0, 2**63 - 1, default=0)
    limit = CountField(1, EVENTS_MAX, default=100)


class MoveInput(Input):
    """An amount of one currency that comes in or goes out."""

    amount = PositiveDecimalField(code="invalid_amount")
    currency = WordField(CURRENCIES)


class AccountInput(ChangesInput):
    """What of an account its owner may set; what is absent stays."""

    name = NameField(required=False)
    realism = WordField(list(Realism), required=False)


class OpenAccountInput(Input):
    """Another account. Without starting_cash it is opened with nothing in it."""

    name = NameField()
    base_currency = WordField(CURRENCIES, default="USD")
    starting_cash = PositiveDecimalField(code="invalid_amount", default=None, allow_null=True)
    realism = WordField(list(Realism), default=Realism.REALISTIC)
    fee_schedule = TextField(max_length=50, default=None, allow_null=True)


class AccountsInput(PageInput):
    """Which accounts: those that are not closed, closed ones, or all."""

    status = WordField(("open", "closed", "all"), default="open")
    ordering = OrderingField({"created_at": ("created_at", "id")}, default="created_at")


class TransactionsInput(FileInput, DaysInput):
    """Filters of the list; all of them must hold."""

    kind = WordField(list(LedgerKind), default=None)
    currency = WordField(CURRENCIES, default=None)
    ordering = OrderingField({"occurred_at": ("occurred_at", "id")}, default="-occurred_at")


class StatementInput(DaysInput):
    """Which currency, which days (both included), of which kind, and in which form."""

    currency = WordField(CURRENCIES, default=None)
    kind = WordField(list(LedgerKind), default=None)
    format = WordField(("json", "csv"), default="json")


class ConvertPreviewInput(Input):
    """An amount of one currency, and the currency it might become."""

    amount = PositiveDecimalField(code="invalid_amount")

    def get_fields(self) -> dict[str, Any]:
        pair = {"from": WordField(CURRENCIES), "to": WordField(CURRENCIES)}
        return {**super().get_fields(), **pair}


class ConvertInput(ConvertPreviewInput):
    """The same, to be done. target_amount: what it has to come to, as the preview has said."""

    target_amount = PositiveDecimalField(code="invalid_amount", default=None, allow_null=True)


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
        "fee_schedule": account.fee_schedule.code,
        "created_at": moment(account.created_at),
        "realism": account.realism,
        "balances": [
            cash_shape(currency, state) for currency, state in cash_states_of(account, now).items()
        ],
        "violations": [
            violation_payload(each) for each in list(account.violations.all())[:VIOLATIONS_MAX]
        ],
        "portfolios": [{"id": str(each.id), "name": each.name} for each in portfolios.all()],
    }


def _lines_of(shape: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a transaction line by line: one for each of its entries."""
    return [shape | entry for entry in shape["entries"]]


TRANSACTIONS_FILE = CsvForm(
    "transactions",
    ("occurred_at", "kind", "description", "id", "reference", "reverses", "currency", "amount"),
    lines=_lines_of,
)
