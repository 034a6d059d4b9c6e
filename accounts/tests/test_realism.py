"""How the street trades with an account is its owner's choice, and staff's; the log tells."""

import re

import pytest
from django.test import Client

from accounts.models import Account
from accounts.services import open_account, set_realism
from accounts.tests.factories import OPENED_AT, UserFactory
from bengi.errors import NotFound
from bengi.events.models import Event
from bengi.replay import differences, fold_log
from bengi.terms import Realism

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return open_account(UserFactory(), name="Paper", currency="USD", now=OPENED_AT)


@pytest.fixture
def owner(account):
    client = Client(raise_request_exception=False)
    client.force_login(account.user)
    return client


def url(account):
    return f"/api/v1/accounts/{account.id}"


def patch(client, account, body):
    return client.patch(url(account), body, content_type="application/json")


def of_realism(lines):
    return [line for line in lines if " realism " in line]


def test_accounts_start_realistic_unless_said_otherwise(account):
    assert account.realism == "realistic"
    other = open_account(
        UserFactory(), name="Easy", currency="USD", now=OPENED_AT, realism=Realism.INSTANT
    )
    assert Account.objects.get(id=other.id).realism == "instant"
    assert Event.objects.get(stream_id=other.id).payload["realism"] == "instant"
    assert of_realism(differences(fold_log())) == []


def test_the_owner_sets_it(owner, account, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        answer = patch(owner, account, {"realism": "harsh"})
    assert (answer.status_code, answer.json()["realism"]) == (200, "harsh")
    assert answer.json() == owner.get(url(account)).json()
    event = Event.objects.get(type="account.updated")
    assert event.stream_id == account.id
    assert event.payload == {
        "account_id": str(account.id),
        "realism": "harsh",
        "by": str(account.user_id),
    }
    patch(owner, account, {"realism": "harsh"})
    assert Event.objects.filter(type="account.updated").count() == 1
    patch(owner, account, {"realism": "realistic"})
    assert of_realism(differences(fold_log())) == []
    Account.objects.update(realism="instant")
    assert len(of_realism(differences(fold_log()))) == 1, "a change without an event is noticed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"realism": "lenient"}, "invalid_field"),
        ({"realism": None}, "invalid_field"),
        ({}, "invalid_field"),
        ({"realism": "harsh", "status": "frozen"}, "unknown_field"),
    ],
)
def test_anything_else_is_refused(owner, account, body, code):
    answer = patch(owner, account, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("is_staff", [False, True])
def test_anothers_account_is_not_there(account, is_staff):
    client = Client()
    client.force_login(UserFactory(is_staff=is_staff))
    assert client.get(url(account)).status_code == 404
    assert patch(client, account, {"realism": "harsh"}).status_code == 404
    account.refresh_from_db()
    assert account.realism == "realistic"


def test_the_service_knows_owner_and_staff_only(account):
    with pytest.raises(NotFound):
        set_realism(account.id, Realism.HARSH, by=UserFactory(), now=OPENED_AT)
    staff = UserFactory(is_staff=True)
    set_realism(account.id, Realism.HARSH, by=staff, now=OPENED_AT)
    assert Event.objects.get(type="account.updated").payload["by"] == str(staff.id)


def test_one_account_takes_seven_statements(owner, account, django_assert_num_queries):
    # session, user, account, balances, portfolios, unsettled cash, violations
    with django_assert_num_queries(7):
        owner.get(url(account))


@pytest.mark.parametrize("profile", Realism)
def test_the_account_page_tells_the_profile_and_leads_to_the_choice(owner, account, profile):
    set_realism(account.id, profile, by=account.user, now=OPENED_AT)
    page = owner.get("/account").content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    assert f'href="/help#realism">{profile.capitalize()}</a>' in main
    assert main.count('href="/settings/trading"') == 1
    assert not re.search('name="(realism|theme|updown)"', main)
    assert owner.post("/account/realism", {"realism": "instant"}).status_code == 404


def test_without_an_account_there_is_no_profile(client):
    client.force_login(UserFactory())
    answer = client.get("/account")
    assert (answer.status_code, b"Your next orders" in answer.content) == (200, False)


def test_staff_set_it_in_the_admin_and_nothing_else(account):
    desk = Client()
    staff = UserFactory(is_staff=True, is_superuser=True)
    desk.force_login(staff)
    page = f"/admin/accounts/account/{account.id}/change/"
    assert desk.post(page, {"realism": "harsh", "status": "closed"}).status_code == 302
    account.refresh_from_db()
    assert (account.realism, account.status) == ("harsh", "active")
    assert Event.objects.get(type="account.updated").payload["by"] == str(staff.id)
    assert desk.get("/admin/accounts/account/add/").status_code == 403
