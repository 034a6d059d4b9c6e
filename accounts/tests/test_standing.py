"""Accounts are frozen, released and credited, rates published: with event and audit row."""

from decimal import Decimal

import pytest

from accounts.adjustments import approve, decline, request_adjustment
from accounts.crediting import credit
from accounts.models import Account, FeeSchedule, FxRate
from accounts.published import publish_row
from accounts.services import deposit, import_fees
from accounts.standing import freeze, release
from accounts.tests.factories import UserFactory
from accounts.tests.money_stage import NOW, cash, funded
from bengi.audit.models import AuditEntry
from bengi.errors import Conflict, Forbidden, Malformed, NotFound
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.replay import differences, fold_log
from bengi.terms import AccountStatus
from trades.tests.world import assert_books_are_clean

pytestmark = pytest.mark.django_db


def types():
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def test_a_frozen_account_moves_no_money_until_it_is_released():
    account = funded()
    assert freeze(account.id, by=None, reason="Odd orders", now=NOW)
    assert not freeze(account.id, by=None, reason="Odd orders", now=NOW)
    with pytest.raises(Forbidden) as refused:
        deposit(account, Decimal(5), "USD", key="more", now=NOW)
    assert refused.value.code == "account_frozen"
    assert_books_are_clean()
    assert release(account.id, by=None, reason="Explained", now=NOW)
    assert not release(account.id, by=None, reason="Explained", now=NOW)
    deposit(account, Decimal(5), "USD", key="more", now=NOW)
    assert types()[-3:] == ["account.frozen", "account.released", "cash.posted"]
    assert_books_are_clean()


def test_a_status_that_no_event_tells_of_is_seen():
    Account.objects.filter(id=funded().id).update(status=AccountStatus.FROZEN)
    assert list(differences(fold_log())) != []


@pytest.mark.parametrize("act", [freeze, release])
def test_what_cannot_be_frozen_or_released(act):
    account = funded()
    with pytest.raises(Malformed, match="Say why"):
        act(account.id, by=None, reason=" ", now=NOW)
    with pytest.raises(NotFound):
        act(new_id(), by=None, reason="Why", now=NOW)
    with pytest.raises(Forbidden):
        act(account.id, by=UserFactory(is_staff=True), reason="Why", now=NOW)
    Account.objects.update(status=AccountStatus.CLOSED)
    with pytest.raises(Conflict) as closed:
        act(account.id, by=None, reason="Why", now=NOW)
    assert closed.value.code == "account_closed"
    assert not AuditEntry.objects.exists()


def test_a_credit_is_a_deposit_with_a_reason_made_once():
    account, terms = funded(), {"by": None, "reason": "Prize", "key": "1", "now": NOW}
    first = credit(account, Decimal(25), "USD", **terms)
    again = credit(account, Decimal(25), "USD", **terms)
    assert (first.replayed, again.replayed, cash(account)) == (False, True, 1025)
    posted = account.transactions.latest("id")
    assert (posted.kind, posted.description) == ("deposit", "Credit: Prize")
    row = AuditEntry.objects.get()
    assert row.details == {"amount": "25", "currency": "USD", "reason": "Prize"}
    assert (row.stream, row.seq) == (account.id, 3)
    assert_books_are_clean()


def test_a_credit_takes_a_reason_and_a_right():
    account = funded()
    with pytest.raises(Malformed, match="Say why"):
        credit(account, Decimal(25), "USD", by=None, reason="", key="1", now=NOW)
    with pytest.raises(Forbidden):
        credit(account, Decimal(1), "USD", by=UserFactory(), reason="Why", key="1", now=NOW)
    assert cash(account) == 1000
    assert not AuditEntry.objects.exists()


def test_an_adjustment_is_declined_once_and_never_posted():
    account, one, two = funded(), UserFactory(is_staff=True), UserFactory(is_staff=True)
    terms = (account.id, Decimal(5), "USD")
    mine, theirs = (
        request_adjustment(one, *terms, reason="Goodwill", now=NOW).id for _ in range(2)
    )
    decline(mine, one, now=NOW)
    row = decline(theirs, two, now=NOW)
    assert (row.declined_by, row.declined_at, row.approved_by) == (two, NOW, None)
    for act in (approve, decline):
        with pytest.raises(Conflict) as refused:
            act(theirs, two, now=NOW)
        assert refused.value.code == "already_declined"
    with pytest.raises(NotFound):
        decline(new_id(), two, now=NOW)
    with pytest.raises(Forbidden):
        decline(mine, UserFactory(), now=NOW)
    assert cash(account) == 1000
    assert types()[-2:] == ["adjustment.declined"] * 2
    assert_books_are_clean()


def test_an_approved_adjustment_is_not_declined():
    account, one, two = funded(), UserFactory(is_staff=True), UserFactory(is_staff=True)
    asked = request_adjustment(one, account.id, Decimal(5), "USD", reason="Goodwill", now=NOW)
    approve(asked.id, two, now=NOW)
    with pytest.raises(Conflict) as refused:
        decline(asked.id, two, now=NOW)
    assert refused.value.code == "already_approved"
    assert cash(account) == 1005


def test_events_of_before_there_was_declining_still_fold():
    account, one = funded(), UserFactory(is_staff=True)
    request_adjustment(one, account.id, Decimal(5), "USD", reason="Goodwill", now=NOW)
    told = Event.objects.get(type="adjustment.requested")
    del told.payload["adjustment"]["declined_by"], told.payload["adjustment"]["declined_at"]
    told.save(update_fields=["payload"])
    assert list(differences(fold_log())) == []


def test_what_is_published_is_told_and_compared():
    import_fees()
    row = FxRate(base="EUR", quote="USD", rate=Decimal("1.10"), as_of=NOW, source="hand")
    publish_row(row, by=None, now=NOW)
    schedule = FeeSchedule(code="class", name="Class", kind="zero", minimum=Decimal("0.50"))
    publish_row(schedule, by=None, now=NOW)
    assert_books_are_clean()
    again = FxRate(base="EUR", quote="USD", rate=Decimal("1.20"), as_of=NOW, source="hand")
    with pytest.raises(Conflict) as refused:
        publish_row(again, by=None, now=NOW)
    assert refused.value.code == "possible_duplicate"
    assert types() == ["rate.published"] * 2
    FxRate.objects.update(rate=Decimal("1.30"))
    assert len(list(differences(fold_log()))) == 2
    FxRate.objects.all().delete()
    assert len(list(differences(fold_log()))) == 1
