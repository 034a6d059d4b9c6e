"""The list of ledger transactions: filters, order, pages, the file; and whose events are told."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import LedgerTransaction
from accounts.services import deposit, open_account, withdraw
from accounts.tests.factories import AccountFactory, FeeScheduleFactory, UserFactory
from orders.tests.http import signed_in, told

pytestmark = pytest.mark.django_db
D = Decimal


def at(day):
    return datetime(2026, 1, day, 15, tzinfo=UTC)


@pytest.fixture
def account():
    account = open_account(
        UserFactory(), name="Paper", currency="USD", now=at(1), schedule=FeeScheduleFactory()
    )
    for day in (2, 3, 4):
        deposit(account, D(day), "USD", key=str(day), now=at(day))
    withdraw(account.id, D(1), "USD", key="w", now=at(5))
    deposit(account, D(7), "EUR", key="e", now=at(6))
    return account


@pytest.fixture
def api(account):
    return signed_in(account.user)


def url(account, query=""):
    return f"/api/v1/accounts/{account.id}/transactions{query}"


def amounts(api, account, query):
    rows = api.get(url(account, query)).json()["results"]
    return [row["entries"][0]["amount"] for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["7", "-1", "4", "3", "2"]),
        ("?ordering=occurred_at", ["2", "3", "4", "-1", "7"]),
        ("?kind=withdrawal", ["-1"]),
        ("?currency=EUR", ["7"]),
        ("?kind=deposit&currency=USD", ["4", "3", "2"]),
        ("?from=2026-01-03&to=2026-01-05", ["-1", "4", "3"]),
        ("?kind=trade", []),
        ("?limit=2", ["7", "-1"]),
    ],
)
def test_filters(api, account, query, found):
    assert amounts(api, account, query) == found


def test_pages_while_money_moves(api, account):
    seen, cursor = [], ""
    while cursor is not None:
        query = f"?limit=2&ordering=-occurred_at&cursor={cursor}" if cursor else "?limit=2"
        body = api.get(url(account, query)).json()
        seen += [row["entries"][0]["amount"] for row in body["results"]]
        cursor = body["next"]
        deposit(account, D(100), "USD", key=f"late{len(seen)}", now=at(7))
    assert seen == ["7", "-1", "4", "3", "2"]


def test_the_file_has_a_row_for_each_entry_and_no_formula(api, account):
    LedgerTransaction.objects.filter(kind="withdrawal").update(description="=1+1")
    answer = api.get(url(account, "?format=csv&kind=withdrawal"))
    assert answer["Content-Disposition"] == 'attachment; filename="transactions.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
    assert (row["description"], row["amount"], row["currency"]) == ("'=1+1", "-1", "USD")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=gift", "kind"),
        ("currency=usd", "currency"),
        ("from=1.1.2026", "from"),
        ("ordering=kind", "ordering"),
        ("format=pdf", "format"),
        ("symbol=A", "symbol"),
    ],
)
def test_wrong_queries(api, account, query, field):
    assert told(api.get(url(account, f"?{query}"))) == {field: "invalid_parameter"}


def test_who_has_one_open_account_need_not_name_it_for_events(api, account):
    named = api.get(f"/api/v1/events?account={account.id}&after=2").json()
    assert named["results"][0]["seq"] == 3
    assert api.get("/api/v1/events?after=2").json() == named
    AccountFactory(user=account.user, status="closed")
    assert api.get("/api/v1/events?after=2").json() == named
    AccountFactory(user=account.user)
    assert told(api.get("/api/v1/events?after=2")) == {"account": "invalid_parameter"}
    nobody = signed_in(UserFactory())
    assert told(nobody.get("/api/v1/events")) == {"account": "invalid_parameter"}
