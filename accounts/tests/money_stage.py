"""A funded account, rates and staff for the tests of money."""

from datetime import UTC, datetime
from decimal import Decimal

from accounts.adjustments import approve, request_adjustment, request_reversal
from accounts.conversions import convert
from accounts.models import (
    Account,
    CashBalance,
    FxRate,
    LedgerEntry,
    LedgerTransaction,
    User,
)
from accounts.services import deposit, open_account, withdraw
from accounts.tests.factories import FeeScheduleFactory, UserFactory
from bengi.events.models import Event
from bengi.ids import new_id

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def funded(cash: str = "1000", currency: str = "USD", user: User | None = None) -> Account:
    """Return an account whose cash came in by the ledger."""
    account = open_account(
        user or UserFactory(),
        name="Cash",
        currency=currency,
        now=NOW,
        schedule=FeeScheduleFactory(),
    )
    deposit(account, Decimal(cash), currency, key="start", now=NOW)
    return account


def rate(pair: str, value: str, as_of: datetime = NOW) -> FxRate:
    base, quote = pair.split("/")
    return FxRate.objects.create(
        base=base, quote=quote, rate=Decimal(value), as_of=as_of, source="test"
    )


def move_some_money(account: Account, now: datetime) -> None:
    """Withdraw, convert, adjust and take a deposit back, each of them once."""
    withdraw(account.id, Decimal(5), "USD", key="out", now=now)
    rate("EUR/USD", "1.08", now)
    convert(account.id, "USD", "EUR", Decimal(100), key="change", now=now)
    one, two = UserFactory(is_staff=True), UserFactory(is_staff=True)
    asked = request_adjustment(one, account.id, Decimal(7), "USD", reason="Goodwill", now=now)
    approve(asked.id, two, now=now)
    deposit(account, Decimal(50), "USD", key="wrong", now=now)
    wrong = LedgerTransaction.objects.filter(account=account, kind="deposit").latest("occurred_at")
    asked = request_reversal(one, wrong.id, reason="Wrong account", now=now)
    approve(asked.id, two, now=now)


def unsettle(account: Account, amount: str, settles_at: datetime) -> None:
    """Let amount of the account's cash be unsettled until settles_at; no sale stands behind it."""
    account.unsettled.create(
        currency="USD",
        amount=Decimal(amount),
        remaining_amount=Decimal(amount),
        settles_on=settles_at.date(),
        settles_at=settles_at,
        trade_id=new_id(),
    )


def reserve(account: Account, amount: str, currency: str = "USD") -> None:
    CashBalance.objects.filter(account=account, currency=currency).update(reserved=Decimal(amount))


def cash(account: Account, currency: str = "USD") -> Decimal:
    return CashBalance.objects.get(account=account, currency=currency).amount


def trace(account: Account) -> tuple[object, ...]:
    """Return everything that a refusal must leave as it is."""
    balances = account.balances.order_by("currency").values_list("currency", "amount", "reserved")
    entries = LedgerEntry.objects.count()
    return (*balances, entries, Event.objects.filter(stream_id=account.id).count())
