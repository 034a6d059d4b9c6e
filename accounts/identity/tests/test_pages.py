"""Pages of coming in: the code after the password, a forgotten password, confirming, staff."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.identity.models import SignIn
from accounts.identity.second_factor import begin, confirm
from accounts.identity.tests.test_second_factor import AT, code_of, phone_time  # noqa: F401
from accounts.models import Account, User
from accounts.tests.factories import PASSWORD, UserFactory
from bengi import clock
from bengi.audit.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def codes(user):
    """Give the user a second factor, and return the recovery codes."""
    secret, _ = begin(user, datetime.now(UTC))
    return confirm(user, code_of(secret, AT), datetime.now(UTC))


def sign_in(client, user, **more):
    return client.post("/signin", {"email": user.email, "password": PASSWORD, **more})


def test_a_browser_is_listed_and_leaves(client, user):
    sign_in(client, user)
    row = SignIn.objects.get()
    assert (row.kind, row.user, row.session_key) == ("session", user, client.session.session_key)
    client.post("/signout")
    row.refresh_from_db()
    assert row.ended_because == "signed_out"
    assert client.get("/account").status_code == 302


@pytest.mark.parametrize("path", ["/signup", "/api/v1/auth/register"])
def test_in_a_replay_an_account_opens_at_the_time_of_the_market(client, path):
    opening = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
    clock.use(lambda: opening)
    new = {"email": "new@bengi.example", "name": "New", "password": "a-long-enough-phrase"}
    try:
        client.post(
            path, new, **({} if path == "/signup" else {"content_type": "application/json"})
        )
    finally:
        clock.reset()
    account = Account.objects.get(user__email=new["email"])
    assert account.created_at == opening
    assert account.transactions.get().occurred_at == opening
    assert AuditEntry.objects.get(action="user.registered").at > opening + timedelta(days=365)


def test_the_code_comes_after_the_password(client, user, codes):
    answer = sign_in(client, user, next="/orders")
    assert answer["Location"] == "/signin/code?next=%2Forders"
    assert "_auth_user_id" not in client.session
    page = client.get(answer["Location"])
    assert b"One more step" in page.content
    wrong = client.post("/signin/code", {"code": "000000", "next": "/orders"})
    assert b"The code is wrong or has been used." in wrong.content
    assert client.get("/account").status_code == 302
    good = client.post("/signin/code", {"code": codes[0], "next": "/orders"})
    assert good["Location"] == "/orders"
    assert client.get("/account").status_code == 200
    assert "sign_in_pending" not in client.session


def test_an_address_longer_than_the_audit_log_keeps_is_wrong_like_any_other(client):
    """SQLite keeps what is too long; PostgreSQL refuses it."""
    address = f"nobody@{'.'.join(['x' * 60] * 4)}.example"
    answer = client.post("/signin", {"email": address, "password": PASSWORD})
    assert b"do not go together" in answer.content
    row = AuditEntry.objects.get()
    row.clean_fields()
    assert row.action == "sign_in.failed"
    assert address.startswith(row.target)


def test_without_the_password_there_is_no_code_to_ask_for(client, user, codes):
    assert client.get("/signin/code")["Location"] == "/signin"
    assert client.post("/signin/code", {"code": codes[0]})["Location"] == "/signin"


@pytest.mark.parametrize("change", ["late", "disabled", "password"])
def test_the_password_is_remembered_for_ten_minutes(client, user, codes, change):
    sign_in(client, user)
    if change == "late":
        session = client.session
        user_id, stamp, since = session["sign_in_pending"]
        earlier = datetime.fromisoformat(since) - timedelta(minutes=10)
        session["sign_in_pending"] = [user_id, stamp, earlier.isoformat()]
        session.save()
    else:
        User.objects.update(
            **{"disabled": {"is_active": False}, "password": {"password": "x"}}[change]
        )
    assert client.post("/signin/code", {"code": codes[0]})["Location"] == "/signin"
    assert "_auth_user_id" not in client.session


def test_staff_come_in_by_the_same_door(client, codes, user):
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    door = client.get("/admin/login/?next=/admin/accounts/")["Location"]
    assert door == "/signin?next=%2Fadmin%2Faccounts%2F"
    assert sign_in(client, user, next="/admin/")["Location"] == "/signin/code?next=%2Fadmin%2F"
    assert client.get("/admin/").status_code == 302, "the password alone opens nothing"
    assert (
        client.post("/signin/code", {"code": codes[0], "next": "/admin/"})["Location"] == "/admin/"
    )
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/login/")["Location"] == "/admin/"
    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302


def test_who_is_not_of_staff_is_told_so_once(client, user):
    client.force_login(user)
    assert client.get("/admin/login/").status_code == 403


def test_a_forgotten_password(client, user):
    pages = [
        client.post("/password/forgot", {"email": e}) for e in (user.email, "no@bengi.example")
    ]
    assert pages[0].status_code == pages[1].status_code == 200
    assert all(b"Look into your mail" in page.content for page in pages)
    (letter,) = mail.outbox
    link = re.search(r"http://testserver(/\S+)", letter.body).group(1)
    assert client.get(link)["Location"] == "/password/reset", "no address of a page has the key"
    assert b"Choose a new password" in client.get("/password/reset").content
    weak = client.post("/password/reset", {"password": "1234567890"})
    assert b"entirely numeric" in weak.content
    assert client.post("/password/reset", {"password": "another-phrase"})["Location"] == "/signin"
    user.refresh_from_db()
    assert user.check_password("another-phrase")
    assert client.get(link).status_code == 302
    assert client.get("/password/reset").status_code == 410


def test_a_wrong_address_is_told_beside_the_field(client):
    page = client.post("/password/forgot", {"email": "nobody"})
    assert b"This is not an e-mail address." in page.content
    assert client.get("/password/forgot").status_code == 200


def test_links_lead_where_the_site_says(client, user, settings):
    settings.SITE_URL = "https://bengi.example/"
    client.post("/password/forgot", {"email": user.email}, headers={"host": "localhost"})
    assert "https://bengi.example/password/reset?key=" in mail.outbox[0].body


def test_confirming_an_address_takes_a_press_of_a_button(client):
    body = {"name": "Ada", "email": "ada@bengi.example", "password": "lovelace-1815"}
    assert client.post("/signup", body)["Location"] == "/trade/"
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body).group(1)
    assert b"Confirm your address" in client.get(link).content
    assert not EmailAddress.objects.get().verified
    key = link.partition("=")[2]
    assert client.post("/verify-email", {"key": key})["Location"] == "/trade/"
    assert EmailAddress.objects.get().verified
    assert client.post("/verify-email", {"key": key}).status_code == 410


def test_where_addresses_are_confirmed_the_page_tells_nobody_who_is_here(settings, user):
    settings.EMAIL_MUST_BE_CONFIRMED = True
    body = {"name": "Ada", "password": "lovelace-1815"}
    pages = [
        Client().post("/signup", {**body, "email": e}) for e in ("ada@bengi.example", user.email)
    ]
    assert [b"Look into your mail" in page.content for page in pages] == [True, True]
    assert [letter.to[0] for letter in mail.outbox] == ["ada@bengi.example", user.email]
    refused = sign_in(Client(), User.objects.get(email="ada@bengi.example"))
    assert b"do not go together" in refused.content


def test_the_demo_is_listed_too(client, settings):
    settings.DEMO_EMAIL, settings.DEMO_PASSWORD = "demo@bengi.example", "no-secret-at-all"
    UserFactory(email="demo@bengi.example")
    client.post("/signin/demo")
    assert SignIn.objects.get().user.email == "demo@bengi.example"
