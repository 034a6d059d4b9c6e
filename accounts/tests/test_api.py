"""Accounts and their events over HTTP."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client

from accounts.services import deposit
from accounts.tests.factories import AccountFactory, CashBalanceFactory, UserFactory
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from portfolios.tests.factories import PortfolioFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
NOBODY = "01900000-0000-7000-8000-000000000000"  # fixed: test names must not change
EVENTS = "/api/v1/events"


@pytest.fixture
def account():
    return AccountFactory(name="Savings")


@pytest.fixture
def client(account):
    client = Client(raise_request_exception=False)
    client.force_login(account.user)
    return client


@pytest.mark.parametrize("path", ["/api/v1/accounts", f"{EVENTS}?account={NOBODY}"])
def test_who_is_not_signed_in_gets_nowhere(path):
    response = Client().get(path)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_an_account_with_its_cash_and_portfolios(client, account):
    CashBalanceFactory(account=account, amount=Decimal("1000.50"), reserved=Decimal("200.25"))
    CashBalanceFactory(account=account, currency="EUR", amount=Decimal(0))
    portfolio = PortfolioFactory(account=account, name="Long")
    PortfolioFactory()
    assert client.get("/api/v1/accounts").json() == {
        "results": [
            {
                "id": str(account.id),
                "name": "Savings",
                "base_currency": "USD",
                "kind": "cash",
                "status": "active",
                "fee_schedule": "zero",
                "created_at": "2026-01-05T15:00:00.000000Z",
                "realism": "realistic",
                "balances": [
                    {
                        "currency": "EUR",
                        **dict.fromkeys(("cash", "reserved", "settled", "unsettled"), "0"),
                        **dict.fromkeys(("buying_power", "withdrawable"), "0"),
                    },
                    {
                        "currency": "USD",
                        "cash": "1000.5",
                        "reserved": "200.25",
                        "settled": "1000.5",
                        "unsettled": "0",
                        "buying_power": "800.25",
                        "withdrawable": "800.25",
                    },
                ],
                "violations": [],
                "portfolios": [{"id": str(portfolio.id), "name": "Long"}],
            }
        ],
        "next": None,
    }


@pytest.mark.parametrize("count", [1, 8])
def test_accounts_take_seven_statements(client, account, count, django_assert_num_queries):
    for _ in range(count - 1):
        other = AccountFactory(user=account.user)
        CashBalanceFactory(account=other)
        PortfolioFactory(account=other)
    # session, user, accounts, balances, portfolios, unsettled cash, violations
    with django_assert_num_queries(7):
        assert len(client.get("/api/v1/accounts").json()["results"]) == count


def test_accounts_come_in_pages(client, account):
    AccountFactory.create_batch(4, user=account.user)
    first = client.get("/api/v1/accounts?limit=3").json()
    rest = client.get(f"/api/v1/accounts?limit=3&cursor={first['next']}").json()
    ids = {each["id"] for each in first["results"] + rest["results"]}
    assert (len(first["results"]), len(rest["results"]), len(ids)) == (3, 2, 5)
    assert rest["next"] is None


def log(account, count):
    with transaction.atomic():
        append([NewEvent(account.id, "note.made", {"number": n}, NOW) for n in range(count)])


def test_events_are_the_messages_of_the_socket(client, account):
    deposit(account, Decimal(5), "USD", key="first", now=NOW)
    body = client.get(f"{EVENTS}?account={account.id}").json()
    assert body == {
        "results": [
            {
                "type": "ACCOUNT_UPDATE",
                "topic": f"account:{account.id}",
                "seq": 1,
                "event": "cash.posted",
                "occurred_at": "2026-01-05T15:00:00.000000Z",
            }
        ],
        "next": None,
    }


def test_events_go_on_after_a_seq(client, account):
    log(account, 7)
    seen, after = [], "0"
    while after is not None:
        body = client.get(f"{EVENTS}?account={account.id}&after={after}&limit=3").json()
        seen += [message["seq"] for message in body["results"]]
        after = body["next"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    beyond = client.get(f"{EVENTS}?account={account.id}&after=99").json()
    assert beyond == {"results": [], "next": None}


def test_events_of_another_users_account_are_absent(client):
    foreign, absent = (
        client.get(f"{EVENTS}?account={account_id}").json() | {"request_id": ""}
        for account_id in (AccountFactory().id, new_id())
    )
    assert foreign == absent
    assert foreign["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("account=x", "account"),
        ("account={own}&after=-1", "after"),
        ("account={own}&after=x", "after"),
        ("account={own}&after=99999999999999999999", "after"),
        ("account={own}&limit=501", "limit"),
        ("account={own}&since=1", "since"),
    ],
)
def test_wrong_event_queries(client, account, query, field):
    response = client.get(f"{EVENTS}?{query.format(own=account.id)}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("count", [1, 60])
def test_events_take_four_statements(client, account, count, django_assert_num_queries):
    log(account, count)
    with django_assert_num_queries(4):  # session, user, ownership, events
        body = client.get(f"{EVENTS}?account={account.id}").json()
    assert len(body["results"]) == count


def test_a_user_without_accounts_has_an_empty_list():
    client = Client()
    client.force_login(UserFactory())
    assert client.get("/api/v1/accounts/").json() == {"results": [], "next": None}
