"""Corrections: trading-rules.md, "reversing entries and new rows, never edits"; invariants 7, 8."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.adjustments import approve, request_adjustment, request_reversal
from accounts.conversions import convert
from accounts.models import LedgerAdjustment, LedgerEntry, LedgerTransaction
from accounts.tests.factories import UserFactory
from accounts.tests.money_stage import NOW, cash, funded, rate, reserve, trace
from bengi.errors import Conflict, Forbidden, Malformed, Refused
from bengi.events.models import Event
from bengi.events.selectors import events_after
from bengi.realtime.protocol import account_message
from trades.tests.world import assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def one():
    return UserFactory(is_staff=True)


@pytest.fixture
def two():
    return UserFactory(is_staff=True)


def ask(by, account, amount, currency="USD"):
    return request_adjustment(
        by, account.id, Decimal(amount), currency, reason="Double charge", now=NOW
    )


def undo(by, original):
    return request_reversal(by, original.id, reason="Wrong account", now=NOW)


def rows():
    return list(LedgerEntry.objects.order_by("id").values()), list(
        LedgerTransaction.objects.order_by("id").values()
    )


@pytest.mark.parametrize("amount", ["12.50", "-12.50"])
def test_an_adjustment_moves_money_only_when_another_one_of_staff_approves(one, two, amount):
    account = funded()
    row = ask(one, account, amount)
    assert cash(account) == 1000
    approve(row.id, two, now=LATER)
    assert cash(account) == 1000 + Decimal(amount)
    posted = LedgerTransaction.objects.get(kind="adjustment")
    assert set(posted.entries.values_list("book", "amount")) == {
        ("customer_cash", Decimal(amount)),
        ("house", -Decimal(amount)),
    }
    row.refresh_from_db()
    assert (row.approved_by, row.approved_at, row.transaction) == (two, LATER, posted)
    told = Event.objects.filter(stream_id=account.id).order_by("seq").values_list("type", flat=True)
    assert list(told)[-2:] == ["adjustment.requested", "adjustment.approved"]
    assert_books_are_clean()


def test_the_owner_hears_that_cash_moved_and_not_who_moved_it(one, two):
    account = funded()
    approve(ask(one, account, "5").id, two, now=LATER)
    for event in events_after(account.id, 2):
        message = account_message(account.id, event)
        assert set(message) == {"type", "topic", "seq", "event", "occurred_at"}


def test_nobody_approves_alone_twice_or_from_outside(one, two):
    account = funded()
    row = ask(one, account, "5")
    before = trace(account)
    with pytest.raises(Forbidden, match="second_person_needed"):
        approve(row.id, one, now=LATER)
    with pytest.raises(Forbidden, match="forbidden"):
        approve(row.id, account.user, now=LATER)
    with pytest.raises(Forbidden, match="forbidden"):
        ask(account.user, account, "5")
    assert trace(account) == before
    approve(row.id, two, now=LATER)
    before = trace(account)
    with pytest.raises(Conflict, match="already_approved"):
        approve(row.id, two, now=LATER)
    assert trace(account) == before


def test_the_database_refuses_who_approves_alone(one):
    row = ask(one, funded(), "5")
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerAdjustment.objects.filter(id=row.id).update(approved_by=one)


def test_no_adjustment_takes_what_is_reserved(one, two):
    account = funded()
    row = ask(one, account, "-500.01")
    reserve(account, "500")
    before = trace(account)
    with pytest.raises(Refused) as refused:
        approve(row.id, two, now=LATER)
    assert refused.value.code == "insufficient_available"
    assert refused.value.details == {"needed": "500.01", "available": "500"}
    assert trace(account) == before


def test_an_adjustment_needs_a_reason_and_whole_cents(one):
    account = funded()
    with pytest.raises(Malformed, match="invalid_field"):
        request_adjustment(one, account.id, Decimal(5), "USD", reason=" ", now=NOW)
    with pytest.raises(Malformed, match="invalid_amount"):
        ask(one, account, "0.001")


def test_a_reversal_names_its_original_and_changes_no_row(one, two):
    account = funded()
    original = LedgerTransaction.objects.get(kind="deposit")
    before = rows()
    row = undo(one, original)
    approve(row.id, two, now=LATER)
    assert cash(account) == 0
    reversal = LedgerTransaction.objects.get(kind="reversal")
    assert reversal.reverses == original
    assert "Wrong account" in reversal.description
    entries, transactions = rows()
    assert [each for each in entries if each["transaction_id"] == original.id] == before[0]
    assert [each for each in transactions if each["id"] == original.id] == before[1]
    assert_books_are_clean()


def test_a_conversion_is_taken_back_leg_by_leg(one, two):
    account = funded()
    rate("EUR/USD", "1.08")
    convert(account.id, "USD", "EUR", Decimal(100), key="k", now=NOW)
    row = undo(one, LedgerTransaction.objects.get(kind="fx"))
    approve(row.id, two, now=LATER)
    assert (cash(account, "USD"), cash(account, "EUR")) == (1000, 0)
    assert not LedgerEntry.objects.filter(book="rounding").exclude(amount=0).count() % 2
    assert_books_are_clean()


def test_one_original_is_reversed_once_even_when_asked_for_twice(one, two):
    account = funded()
    original = LedgerTransaction.objects.get(kind="deposit")
    first, second = undo(one, original), undo(two, original)
    approve(first.id, two, now=LATER)
    before = trace(account)
    with pytest.raises(Conflict, match="already_reversed"):
        approve(second.id, one, now=LATER)
    with pytest.raises(Conflict, match="already_reversed"):
        undo(one, original)
    assert trace(account) == before
    reversal = LedgerTransaction.objects.get(kind="reversal")
    with pytest.raises(Conflict, match="not_reversible"):
        undo(one, reversal)
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerTransaction.objects.filter(kind="deposit").update(reverses=original)


def test_what_is_spent_cannot_be_reversed(one, two):
    account = funded()
    reserve(account, "0.01")
    row = undo(one, LedgerTransaction.objects.get(kind="deposit"))
    before = trace(account)
    with pytest.raises(Refused, match="insufficient_available"):
        approve(row.id, two, now=LATER)
    assert trace(account) == before


def test_trades_are_not_reversed_by_themselves(one):
    with open_world() as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "10.00", "10.10")
        world.place(trader, abc, "buy", 1)
    with pytest.raises(Conflict, match="not_reversible"):
        undo(one, LedgerTransaction.objects.get(kind="trade"))
