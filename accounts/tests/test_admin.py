"""The staff desk of money: rates, a ledger nobody edits, corrections that take two."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import FxRate, LedgerAdjustment, LedgerEntry, LedgerTransaction
from accounts.rates import import_rates
from accounts.tests.factories import UserFactory
from accounts.tests.money_stage import NOW, cash, funded

pytestmark = pytest.mark.django_db
DESK = "/admin/accounts/ledgeradjustment/"


def desk():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def approve(client, row):
    body = {"action": "approve_selected", "_selected_action": [str(row.id)]}
    return client.post(DESK, body, follow=True).content.decode()


def test_one_asks_and_another_approves():
    account, one, two = funded(), desk(), desk()
    body = {"account": account.id, "currency": "USD", "amount": "-12.50", "reason": "Double charge"}
    assert one.post(f"{DESK}add/", body).status_code == 302
    row = LedgerAdjustment.objects.get()
    assert cash(account) == 1000
    assert "Somebody else has to approve" in approve(one, row)
    assert cash(account) == 1000
    assert "Double charge: posted." in approve(two, row)
    assert cash(account) == Decimal("987.50")
    assert "approved and posted already" in approve(two, row)


def test_a_transaction_is_taken_back_by_two():
    account, one, two = funded(), desk(), desk()
    original = LedgerTransaction.objects.get()
    body = {"account": account.id, "reverses": original.id, "reason": "Wrong account"}
    assert one.post(f"{DESK}add/", body).status_code == 302
    assert "posted." in approve(two, LedgerAdjustment.objects.get())
    assert cash(account) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"amount": ""},
        {"amount": "0.001"},
        {"amount": "0"},
        {"reason": ""},
        {"currency": ""},
        {"currency": "ZZZ"},
    ],
)
def test_a_wrong_request_is_shown_again(change):
    body = {"account": funded().id, "currency": "USD", "amount": "5", "reason": "Why"} | change
    answer = desk().post(f"{DESK}add/", body)
    assert answer.status_code == 200
    assert not LedgerAdjustment.objects.exists()


@pytest.mark.parametrize("model", ["ledgertransaction", "goodfaithviolation", "ledgeradjustment"])
def test_nothing_of_the_ledger_is_edited_or_deleted(model):
    """Invariant 7: ledger rows never change."""
    funded()
    client = desk()
    assert client.get(f"/admin/accounts/{model}/").status_code == 200
    posted = LedgerTransaction.objects.get()
    entries = LedgerEntry.objects.count()
    if model == "ledgertransaction":
        page = f"/admin/accounts/{model}/{posted.id}"
        assert client.get(f"{page}/change/").status_code == 200
        assert client.post(f"{page}/change/", {"description": "forged"}).status_code == 403
        assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"/admin/accounts/{model}/add/").status_code == 403
    assert (LedgerEntry.objects.count(), LedgerTransaction.objects.get()) == (entries, posted)


def test_staff_keep_rates_and_seeding_leaves_them_alone():
    import_rates(NOW)
    count = FxRate.objects.count()
    assert FxRate.objects.get(base="EUR", quote="USD").rate == Decimal("1.0845")
    body = {"base": "EUR", "quote": "USD", "rate": "1.10", "source": "hand"}
    body |= {"as_of_0": "2026-03-02", "as_of_1": "16:00:00"}
    client = desk()
    old = FxRate.objects.get(base="EUR", quote="USD")
    assert client.post("/admin/accounts/fxrate/add/", body).status_code == 302
    assert client.post(f"/admin/accounts/fxrate/{old.id}/change/", body).status_code == 403
    assert client.post("/admin/accounts/fxrate/add/", body).status_code == 200
    import_rates(NOW)
    rates = FxRate.objects.filter(base="EUR", quote="USD").order_by("-as_of")
    assert [row.rate for row in rates] == [Decimal("1.10"), Decimal("1.0845")]
    assert FxRate.objects.count() == count + 1
