"""Coming in and going out, the looks of pages, and the statement."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts import account_page
from accounts.models import Account, CashBalance, User
from accounts.services import deposit, open_account
from accounts.statement import statement_lines
from accounts.tests.factories import OPENED_AT, PASSWORD, UserFactory
from bengi.access import next_path
from bengi.events.selectors import head_seq

GOOD = {"name": "Ada", "email": "ada@bengi.example", "password": "lovelace-1815"}


@pytest.fixture
def user(db):
    return UserFactory(email="grace@bengi.example")


def test_home_shows_the_sign_in_and_sends_traders_to_work(client, user):
    assert b"Sign in" in client.get("/").content
    client.force_login(user)
    assert client.get("/")["Location"] == "/trade/"


def test_the_demo_is_offered_where_it_is_seeded(client, db, settings):
    assert b"Look around" not in client.get("/").content
    settings.DEMO_EMAIL, settings.DEMO_PASSWORD = "demo@bengi.example", "no-secret-at-all"
    assert b"Look around" not in client.get("/").content
    UserFactory(email="demo@bengi.example")
    assert b"Look around" in client.get("/").content
    assert client.post("/signin/demo")["Location"] == "/trade/"


def test_no_demo_no_way_in(client, user, settings):
    settings.DEMO_EMAIL, settings.DEMO_PASSWORD = "", ""
    assert client.post("/signin/demo").status_code == 404
    assert "_auth_user_id" not in client.session


def test_sign_in_in_any_case_goes_on(client, user):
    body = {"email": "GRACE@bengi.example", "password": PASSWORD, "next": "/trade/KO"}
    assert client.post("/signin", body)["Location"] == "/trade/KO"


def test_sign_in_never_leads_to_another_site(client, user):
    body = {"email": user.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/signin", body)["Location"] == "/trade/"


def test_the_same_words_for_every_reason(client, user):
    UserFactory(email="gone@bengi.example", is_active=False)
    told = set()
    for email, password in (
        (user.email, "wrong"),
        ("nobody@bengi.example", "wrong"),
        ("gone@bengi.example", PASSWORD),
    ):
        answer = client.post("/signin", {"email": email, "password": password})
        told.add(str(answer.context["form"].errors))
    assert len(told) == 1
    assert "do not go together" in told.pop()


def test_who_signs_up_on_the_way_gets_where_they_were_headed(client, db):
    page = client.get("/signin?next=/portfolio?period=1M").content.decode()
    assert 'href="/signup?next=/portfolio%3Fperiod%3D1M"' in page
    page = client.get("/signup?next=/portfolio?period=1M").content.decode()
    assert 'name="next" value="/portfolio?period=1M"' in page
    answer = client.post("/signup", GOOD | {"next": "/portfolio?period=1M"})
    assert answer["Location"] == "/portfolio?period=1M"


def test_nobody_is_led_off_the_site_by_a_sign_up(client, db):
    assert client.post("/signup", GOOD | {"next": "//evil.example"})["Location"] == "/trade/"


def test_a_newcomer_gets_an_account_with_demo_money(client, db):
    assert client.post("/signup", GOOD)["Location"] == "/trade/"
    user = User.objects.get(email="ada@bengi.example")
    account = Account.objects.get(user=user)
    assert CashBalance.objects.get(account=account).amount == Decimal(100_000)
    assert account.portfolios.count() == 1
    assert user.watchlists.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": "GRACE@bengi.example"}, "email"),
        ({"password": "short"}, "password"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_sign_up_says_where_and_keeps_the_rest(client, user, change, field):
    answer = client.post("/signup", GOOD | change)
    assert list(answer.context["form"].errors) == [field]
    assert User.objects.count() == 1
    assert b'aria-invalid="true"' in answer.content


@pytest.mark.parametrize("password", [PASSWORD, "a-wrong-one-2718"])
def test_no_secret_is_ever_logged(client, user, caplog, password):
    """Neither what was typed nor what it opens, whatever level somebody listens at."""
    with caplog.at_level(logging.DEBUG):
        client.post("/signin", {"email": user.email, "password": password})
        client.post("/signup", GOOD)
        client.post("/signin", {"email": "\r\n", "password": password})
    secrets = [password, GOOD["password"], *(cookie.value for cookie in client.cookies.values())]
    assert len(secrets) > 2
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_signing_out_takes_a_post(client, user):
    client.force_login(user)
    assert client.get("/signout").status_code == 405
    assert client.post("/signout")["Location"] == "/"
    assert "_auth_user_id" not in client.session


def test_pages_send_visitors_to_the_sign_in_and_parts_send_the_browser(client, db):
    assert client.get("/account?page=2")["Location"] == "/signin?next=%2Faccount%3Fpage%3D2"
    asked_by = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders?show=open"}
    part = client.get("/account", headers=asked_by)
    assert part["HX-Redirect"] == "/signin?next=%2Forders%3Fshow%3Dopen"
    assert client.post("/orders/review")["Location"] == "/signin"


def test_a_visitors_theme_is_a_cookie(client, db):
    client.post("/settings/theme", {"theme": "dark"})
    assert b'data-theme="dark"' in client.get("/").content
    client.post("/settings/theme", {"theme": "other"})
    assert b'data-theme="light"' in client.get("/").content


def test_a_cookie_of_somebody_elses_making_is_not_written_into_the_page(client, db):
    client.cookies["bengi_theme"] = '"><script>'
    assert b'data-theme="' not in client.get("/").content


def test_looks_are_kept_with_the_user(client, user):
    client.force_login(user)
    client.post("/settings/theme", {"theme": "dark", "updown": "red-up"})
    user.refresh_from_db()
    assert (user.theme, user.updown) == ("dark", "red-up")
    client.post("/settings/theme", {"theme": "purple", "updown": "red-up"})
    user.refresh_from_db()
    assert user.theme == "dark"


def test_the_statement_counts_back_from_the_balance(client, user, django_assert_max_num_queries):
    account = open_account(user, name="Cash", currency="USD", now=OPENED_AT)
    for number in range(60):
        at = OPENED_AT + timedelta(minutes=number)
        deposit(account, Decimal(number + 1), "USD", key=str(number), now=at)
    client.force_login(user)
    with django_assert_max_num_queries(25):
        page = client.get("/account").context
    first = page["lines"]
    older = client.get("/account", {"after": page["leaf"].older}).context
    second = older["lines"]
    assert [len(first), len(second)] == [50, 10]
    assert (first[0].entry.amount, first[0].balance) == (Decimal(60), Decimal(1830))
    assert first[-1].balance - first[-1].entry.amount == second[0].balance
    assert (second[-1].entry.amount, second[-1].balance) == (Decimal(1), Decimal(1))
    newer = client.get("/account", {"before": older["leaf"].newer}).context
    assert [line.balance for line in newer["lines"]] == [line.balance for line in first]


def test_statement_lines_of_nothing():
    assert list(statement_lines([], Decimal(5))) == []


def test_next_path_takes_this_sites_paths_only(rf):
    assert next_path(rf.get("/", {"next": "/orders?show=open"}), "/") == "/orders?show=open"
    assert next_path(rf.get("/", {"next": "//evil.example"}), "/") == "/"
    assert next_path(rf.get("/"), "/trade/") == "/trade/"


@pytest.mark.parametrize("read", ["cash_states_of", "read_statement", "rates_at"])
def test_what_comes_while_the_account_page_is_read_is_told_to_it(client, user, monkeypatch, read):
    """The page knows the stream up to before it read anything, so that nothing goes untold."""
    account = open_account(user, name="Cash", currency="USD", now=OPENED_AT)
    deposit(account, Decimal(100), "USD", key="before", now=OPENED_AT)
    known = head_seq(account.id)
    right, keys = getattr(account_page, read), iter(range(9))

    def slow(*args):
        deposit(account, Decimal(1), "USD", key=f"meanwhile-{next(keys)}", now=OPENED_AT)
        found = right(*args)
        deposit(account, Decimal(1), "USD", key=f"meanwhile-{next(keys)}", now=OPENED_AT)
        return found

    monkeypatch.setattr(account_page, read, slow)
    client.force_login(user)
    page = client.get("/account").content.decode()
    assert head_seq(account.id) == known + 2
    assert f'data-accounts="{account.id}:{known} "' in page
