"""Accounts and portfolios are opened, set and taken away over HTTP."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Account, CashBalance
from accounts.services import ACCOUNTS_MAX
from accounts.tests.factories import AccountFactory, FeeScheduleFactory, UserFactory
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.replay import differences, fold_log
from portfolios.models import Portfolio
from portfolios.services import PORTFOLIOS_MAX
from portfolios.tests.factories import PortfolioFactory, PositionFactory

pytestmark = pytest.mark.django_db

ACCOUNTS, PORTFOLIOS = "/api/v1/accounts", "/api/v1/portfolios"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def client(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def send(client, method, path, body=None, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return getattr(client, method)(
        path, body or {}, content_type="application/json", headers=headers
    )


def codes(response):
    return {error["field"]: error["code"] for error in response.json()["errors"]}


@pytest.mark.parametrize("path", ["/account", "/account/statement"])
def test_who_has_no_account_opens_the_first_one_on_a_page(client, user, path):
    assert 'action="/account/open"' in client.get(path).content.decode()
    answer = client.post("/account/open", follow=True)
    assert "Your account is open" in answer.content.decode()
    account = Account.objects.get(user=user)
    assert [each.name for each in account.portfolios.all()] == ["Main"]
    assert CashBalance.objects.get(account=account).amount == 100_000
    assert "Your account is open" not in client.post("/account/open", follow=True).content.decode()
    assert Account.objects.get(user=user) == account, "a second press opens no other"
    assert list(differences(fold_log())) == []


def test_a_frozen_account_is_one_and_a_closed_one_is_none(client, user):
    frozen = AccountFactory(user=user, status="frozen")
    client.post("/account/open")
    assert Account.objects.get(user=user) == frozen
    Account.objects.filter(user=user).update(status="closed")
    client.post("/account/open")
    assert Account.objects.filter(user=user).exclude(id=frozen.id).get().status == "active"
    assert Client().post("/account/open").status_code == 302


def test_another_account(client, user):
    FeeScheduleFactory(code="flat")
    body = {
        "name": "Zweitkonto",
        "base_currency": "EUR",
        "starting_cash": "2500.50",
        "realism": "harsh",
        "fee_schedule": "flat",
    }
    answer = send(client, "post", ACCOUNTS, body, "a")
    assert answer.status_code == 201
    account = Account.objects.get(user=user)
    assert answer["Location"] == f"{ACCOUNTS}/{account.id}"
    told = answer.json()
    assert {k: told[k] for k in ("name", "base_currency", "realism", "fee_schedule")} == {
        k: body[k] for k in ("name", "base_currency", "realism", "fee_schedule")
    }
    assert [(b["currency"], b["cash"]) for b in told["balances"]] == [("EUR", "2500.5")]
    assert [p["name"] for p in told["portfolios"]] == ["Main"]
    assert list(differences(fold_log())) == []
    again = send(client, "post", ACCOUNTS, body, "a")
    assert (again.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == told
    other = send(client, "post", ACCOUNTS, body | {"name": "x"}, "a")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert Account.objects.filter(user=user).count() == 1


def test_an_account_without_cash(client):
    told = send(client, "post", ACCOUNTS, {"name": "Empty"}, "a").json()
    assert [(b["currency"], b["cash"]) for b in told["balances"]] == [("USD", "0")]
    assert told["realism"] == "realistic"


@pytest.mark.parametrize(
    ("body", "key", "errors"),
    [
        ({"name": "x"}, None, {"Idempotency-Key": "idempotency_key_required"}),
        ({}, "k", {"name": "invalid_field"}),
        ({"name": "  "}, "k", {"name": "invalid_field"}),
        ({"name": "x" * 81}, "k", {"name": "invalid_field"}),
        ({"name": "x\n"}, "k", {"name": "invalid_field"}),
        ({"name": "x", "base_currency": "ZZZ"}, "k", {"base_currency": "invalid_field"}),
        ({"name": "x", "starting_cash": "-1"}, "k", {"starting_cash": "invalid_amount"}),
        ({"name": "x", "starting_cash": "1.001"}, "k", {"starting_cash": "invalid_amount"}),
        ({"name": "x", "fee_schedule": "free"}, "k", {"fee_schedule": "invalid_field"}),
        ({"name": "x", "status": "active"}, "k", {"status": "unknown_field"}),
    ],
)
def test_accounts_that_cannot_be_opened(client, user, body, key, errors):
    answer = send(client, "post", ACCOUNTS, body, key)
    assert (answer.status_code, codes(answer)) == (400, errors)
    assert not Account.objects.filter(user=user).exists()
    assert not Event.objects.exists()


def test_there_is_an_end_to_accounts(client, user):
    AccountFactory.create_batch(ACCOUNTS_MAX - 1, user=user)
    AccountFactory(user=user, status="closed")
    assert send(client, "post", ACCOUNTS, {"name": "Last"}, "a").status_code == 201
    answer = send(client, "post", ACCOUNTS, {"name": "One more"}, "b")
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")
    Account.objects.filter(name="Last").update(status="frozen")
    answer = send(client, "post", ACCOUNTS, {"name": "One more"}, "b")
    assert (answer.status_code, answer.json()["code"]) == (403, "account_frozen")


def test_an_account_is_renamed(client, user):
    account = send(client, "post", ACCOUNTS, {"name": "Old"}, "a").json()
    path = f"{ACCOUNTS}/{account['id']}"
    answer = send(client, "patch", path, {"name": " New ", "realism": "instant"})
    assert (answer.json()["name"], answer.json()["realism"]) == ("New", "instant")
    assert send(client, "patch", path, {"name": "New"}).status_code == 200
    event = Event.objects.get(type="account.updated")
    assert {k: event.payload[k] for k in ("name", "realism")} == {
        "name": "New",
        "realism": "instant",
    }
    assert list(differences(fold_log())) == []
    Account.objects.update(name="Behind its back")
    assert len(list(differences(fold_log()))) == 2, "a name that no event tells is noticed"
    assert send(client, "patch", f"{ACCOUNTS}/{AccountFactory().id}", {"name": "x"}).json()[
        "code"
    ] == ("not_found")


# -- portfolios --------------------------------------------------------------------------------


@pytest.fixture
def account(user):
    return AccountFactory(user=user)


def test_a_portfolio_comes_changes_and_goes(client, account):
    made = send(client, "post", PORTFOLIOS, {"name": "Long"})
    assert made.status_code == 201
    path = made["Location"]
    assert made.json() == {
        "id": path.rsplit("/", 1)[1],
        "account_id": str(account.id),
        "name": "Long",
        "cost_basis_method": "fifo",
    }
    written = send(client, "put", path, {"name": "Longer", "cost_basis_method": "lifo"}).json()
    assert (written["name"], written["cost_basis_method"]) == ("Longer", "lifo")
    changed = send(client, "patch", path, {"name": "Longest"}).json()
    assert (changed["name"], changed["cost_basis_method"]) == ("Longest", "lifo")
    assert client.get(path).json() == changed
    assert client.get(PORTFOLIOS).json() == {"results": [changed], "next": None}
    assert list(differences(fold_log())) == []
    gone = send(client, "delete", path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path).json()["code"] == "not_found"
    assert [e.type for e in Event.objects.order_by("seq")] == [
        "portfolio.opened",
        "portfolio.updated",
        "portfolio.updated",
        "portfolio.deleted",
    ]
    assert list(differences(fold_log())) == []


@pytest.mark.parametrize(
    ("method", "body", "errors"),
    [
        ("post", {}, {"name": "invalid_field"}),
        (
            "post",
            {"name": "x", "cost_basis_method": "best"},
            {"cost_basis_method": "invalid_field"},
        ),
        ("post", {"name": "x", "account_id": "y"}, {"account_id": "invalid_field"}),
        ("put", {"name": "x"}, {"cost_basis_method": "invalid_field"}),
        ("patch", {}, {None: "invalid_field"}),
        ("patch", {"account_id": "x"}, {"account_id": "unknown_field"}),
        ("delete", {"really": True}, {"really": "unknown_field"}),
    ],
)
def test_wrong_bodies(client, account, method, body, errors):
    portfolio = PortfolioFactory(account=account)
    path = PORTFOLIOS if method == "post" else f"{PORTFOLIOS}/{portfolio.id}"
    answer = send(client, method, path, body)
    assert (answer.status_code, codes(answer)) == (400, errors)
    assert Portfolio.objects.get() == portfolio


def test_a_name_once_in_an_account(client, account):
    PortfolioFactory(account=account, name="A")
    b = PortfolioFactory(account=account, name="B")
    for answer in (
        send(client, "post", PORTFOLIOS, {"name": "A"}),
        send(client, "patch", f"{PORTFOLIOS}/{b.id}", {"name": "A"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    assert send(client, "patch", f"{PORTFOLIOS}/{b.id}", {"name": "B"}).status_code == 200


def test_who_has_several_accounts_names_one(client, user, account):
    other = AccountFactory(user=user)
    nameless = send(client, "post", PORTFOLIOS, {"name": "A"})
    assert (nameless.status_code, codes(nameless)) == (400, {"account_id": "invalid_field"})
    named = send(client, "post", PORTFOLIOS, {"name": "A", "account_id": str(other.id)})
    assert named.json()["account_id"] == str(other.id)
    found = client.get(f"{PORTFOLIOS}?account={account.id}").json()["results"]
    assert found == []
    foreign = send(
        client, "post", PORTFOLIOS, {"name": "A", "account_id": str(AccountFactory().id)}
    )
    assert foreign.json()["code"] == "not_found"
    assert client.get(f"{PORTFOLIOS}?account={AccountFactory().id}").status_code == 404


def test_there_is_an_end_to_portfolios(client, account):
    PortfolioFactory.create_batch(PORTFOLIOS_MAX, account=account)
    answer = send(client, "post", PORTFOLIOS, {"name": "Last"})
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")


def test_what_was_used_stays(client, account):
    portfolio = PositionFactory(portfolio__account=account, quantity=Decimal(0)).portfolio
    answer = send(client, "delete", f"{PORTFOLIOS}/{portfolio.id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "portfolio_in_use")
    assert Portfolio.objects.filter(id=portfolio.id).exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", ["closed", "frozen"])
def test_nothing_changes_in_an_account_that_is_not_active(client, account, status):
    portfolio = PortfolioFactory(account=account)
    Account.objects.update(status=status)
    path = f"{PORTFOLIOS}/{portfolio.id}"
    for answer in (
        send(client, "post", PORTFOLIOS, {"name": "A", "account_id": str(account.id)}),
        send(client, "patch", path, {"name": "A"}),
        send(client, "delete", path),
    ):
        assert answer.status_code == 403
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_anothers_portfolio_is_an_absent_one(client, method):
    body = {"name": "x", "cost_basis_method": "lifo"} if method in {"put", "patch"} else {}
    foreign, absent = (
        send(client, method, f"{PORTFOLIOS}/{key}", None if method == "get" else body)
        for key in (PortfolioFactory().id, new_id())
    )
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() | {"request_id": ""} == absent.json() | {"request_id": ""}


def test_one_position_even_an_empty_one(client, account):
    position = PositionFactory(portfolio__account=account, quantity=Decimal(0))
    body = client.get(f"/api/v1/positions/{position.id}").json()
    assert [body[k] for k in ("id", "quantity", "unit_cost", "market_value")] == [
        str(position.id),
        *("0", "0", "0"),
    ]
    foreign, absent = (
        client.get(f"/api/v1/positions/{key}").json() for key in (PositionFactory().id, new_id())
    )
    assert foreign | {"request_id": ""} == absent | {"request_id": ""}
    assert CashBalance.objects.count() == 0
