"""Deposits and withdrawals: trading-rules.md, "withdrawals from settled, unreserved cash only"."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Account, IdempotencyKey, LedgerTransaction
from accounts.services import deposit, withdraw
from accounts.tests.money_stage import NOW, cash, funded, reserve, trace, unsettle
from bengi.errors import Forbidden, Malformed, Refused
from bengi.events.models import Event
from bengi.terms import AccountStatus
from trades.tests.world import assert_books_are_clean

pytestmark = pytest.mark.django_db
LATER = timedelta(days=1)


def take(account: Account, amount: str, key: str = "k", now=NOW):
    return withdraw(account.id, Decimal(amount), "USD", key=key, now=now)


def test_a_withdrawal_is_cash_two_legs_and_one_event():
    account = funded()
    body = take(account, "400.25").body
    assert cash(account) == Decimal("599.75")
    posted = LedgerTransaction.objects.get(kind="withdrawal")
    legs = set(posted.entries.values_list("book", "account_id", "currency", "amount"))
    amount = Decimal("400.25")
    assert legs == {
        ("customer_cash", account.id, "USD", -amount),
        ("external", None, "USD", amount),
    }
    event = Event.objects.filter(stream_id=account.id).order_by("seq").last()
    assert (event.type, event.seq) == ("cash.posted", 3)
    assert body["transaction"]["id"] == str(posted.id)
    assert body["balance"]["withdrawable"] == "599.75"
    assert_books_are_clean()


@pytest.mark.parametrize(
    ("amount", "reserved", "unsettled", "available"),
    [
        ("1000", "0", "0", None),
        ("1000.01", "0", "0", "1000"),
        ("700", "300", "0", None),
        ("700.01", "300", "0", "700"),
        ("600", "0", "400", None),
        ("600.01", "0", "400", "600"),
        ("300.01", "300", "400", "300"),
        ("0.01", "700", "400", "0"),
    ],
)
def test_only_settled_and_unreserved_cash_can_be_withdrawn(amount, reserved, unsettled, available):
    account = funded()
    reserve(account, reserved)
    if Decimal(unsettled):
        unsettle(account, unsettled, NOW + LATER)
    before = trace(account)
    if available is None:
        take(account, amount)
        assert cash(account) == 1000 - Decimal(amount)
        return
    with pytest.raises(Refused) as refused:
        take(account, amount)
    assert refused.value.code == "insufficient_available"
    assert refused.value.details["needed"] == amount
    assert refused.value.details["available"] == available
    assert trace(account) == before
    assert not IdempotencyKey.objects.filter(key="k").exists()


def test_what_has_settled_meanwhile_can_be_withdrawn():
    account = funded()
    unsettle(account, "400", NOW + LATER)
    take(account, "1000", now=NOW + LATER)
    assert cash(account) == 0


@pytest.mark.parametrize("move", ["deposit", "withdraw"])
def test_the_same_key_moves_money_once(move):
    account = funded()

    def again(amount: str):
        if move == "deposit":
            return deposit(account, Decimal(amount), "USD", key="k", now=NOW)
        return take(account, amount)

    first, second = again("10"), again("10")
    assert (first.replayed, second.replayed) == (False, True)
    assert first.body == second.body
    assert cash(account) == (1010 if move == "deposit" else 990)
    before = trace(account)
    with pytest.raises(Refused) as refused:
        again("10.01")
    assert refused.value.code == "idempotency_mismatch"
    assert trace(account) == before
    assert_books_are_clean()


def test_a_key_belongs_to_one_account_and_one_route_for_seven_days():
    account = funded()
    other = funded(user=account.user)
    take(account, "1")
    deposit(account, Decimal(1), "USD", key="k", now=NOW)
    take(other, "2")
    assert (cash(account), cash(other)) == (1000, 998)
    assert take(account, "1", now=NOW + timedelta(days=7, seconds=-1)).replayed
    assert not take(account, "5", now=NOW + timedelta(days=7)).replayed
    assert cash(account) == 995


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "10.005"])
def test_amounts_are_above_zero_and_in_whole_cents(amount):
    account = funded()
    before = trace(account)
    for attempt in (take, lambda a, x: deposit(a, Decimal(x), "USD", key="k", now=NOW)):
        with pytest.raises(Malformed) as refused:
            attempt(account, amount)
        assert refused.value.code == "invalid_amount"
    assert trace(account) == before


@pytest.mark.parametrize(
    ("status", "code"),
    [(AccountStatus.FROZEN, "account_frozen"), (AccountStatus.CLOSED, "forbidden")],
)
def test_no_money_moves_in_a_frozen_or_closed_account(status, code):
    account = funded()
    Account.objects.filter(id=account.id).update(status=status)
    before = trace(account)
    with pytest.raises(Forbidden) as refused:
        take(account, "1")
    assert refused.value.code == code
    with pytest.raises(Forbidden):
        deposit(account, Decimal(1), "USD", key="k", now=NOW)
    assert trace(account) == before


def test_a_balance_never_outgrows_what_can_be_kept_exactly():
    account = funded("9999999999.99")
    with pytest.raises(Refused) as refused:
        deposit(account, Decimal("0.02"), "USD", key="k", now=NOW)
    assert refused.value.code == "max_balance"
    deposit(account, Decimal("0.01"), "USD", key="k", now=NOW)
    assert cash(account) == 10_000_000_000


def test_a_deposit_opens_a_balance_in_another_currency():
    account = funded()
    deposit(account, Decimal(5000), "JPY", key="k", now=NOW)
    assert cash(account, "JPY") == 5000
    assert_books_are_clean()
