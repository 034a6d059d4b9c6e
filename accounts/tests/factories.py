"""Users, accounts and cash for tests. Rows only: no ledger entry stands behind the balance."""

from datetime import UTC, datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory, Password

from accounts.models import Account, CashBalance, FeeSchedule, User
from bengi.terms import CommissionKind

OPENED_AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
PASSWORD = "a-long-enough-word"


class UserFactory(DjangoModelFactory[User]):
    email = factory.Sequence("trader{}@bengi.example".format)
    name = factory.Sequence("Trader {}".format)
    password = Password(PASSWORD)

    class Meta:
        model = User


class FeeScheduleFactory(DjangoModelFactory[FeeSchedule]):
    code = "zero"
    name = "No commission"
    kind = CommissionKind.ZERO

    class Meta:
        model = FeeSchedule
        django_get_or_create = ("code",)


class AccountFactory(DjangoModelFactory[Account]):
    user = factory.SubFactory(UserFactory)
    name = "Cash"
    base_currency = "USD"
    fee_schedule = factory.SubFactory(FeeScheduleFactory)
    created_at = OPENED_AT

    class Meta:
        model = Account


class CashBalanceFactory(DjangoModelFactory[CashBalance]):
    account = factory.SubFactory(AccountFactory)
    currency = "USD"
    amount = Decimal("10000")
    reserved = Decimal(0)

    class Meta:
        model = CashBalance
