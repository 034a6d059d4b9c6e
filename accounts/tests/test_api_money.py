"""Moving money over HTTP: statuses, keys, other people's accounts, statements."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import GoodFaithViolation, LedgerTransaction
from accounts.selectors import rates_at
from accounts.services import deposit, withdraw
from accounts.tests.money_stage import NOW, cash, funded, rate, reserve, trace
from bengi import clock
from bengi.ids import new_id

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _standing_clock():
    clock.use(lambda: NOW)
    yield
    clock.reset()


@pytest.fixture
def account():
    return funded()


@pytest.fixture
def client(account):
    client = Client(raise_request_exception=False)
    client.force_login(account.user)
    return client


def post(client, account_id, what, body, key="k"):
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(
        f"/api/v1/accounts/{account_id}/{what}",
        json.dumps(body),
        content_type="application/json",
        headers=headers,
    )


USD = {"amount": "10.50", "currency": "USD"}


@pytest.mark.parametrize(("what", "after"), [("deposit", "1010.5"), ("withdraw", "989.5")])
def test_a_key_moves_money_once_and_gets_the_same_answer_again(client, account, what, after):
    first = post(client, account.id, what, USD)
    second = post(client, account.id, what, USD)
    assert (first.status_code, second.status_code) == (201, 200)
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert first.json() == second.json()
    assert first.json()["balance"]["cash"] == after
    assert cash(account) == Decimal(after)
    other = post(client, account.id, what, USD | {"amount": "10.51"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_converting_over_http(client, account):
    rate("EUR/USD", "1.25")
    answer = post(client, account.id, "convert", {"from": "USD", "to": "EUR", "amount": "100"})
    assert answer.status_code == 201
    assert answer.json()["conversion"]["target_amount"] == "80"
    assert (cash(account), cash(account, "EUR")) == (900, 80)
    assert client.get("/api/v1/fx-rates").json()["results"] == [
        {"base": "EUR", "quote": "USD", "rate": "1.25", "as_of": "2026-03-02T15:00:00.000000Z"}
    ]


def test_the_newest_rate_of_each_pair_counts():
    for pair, value, age in [
        ("USD/JPY", "150", timedelta(days=1)),
        ("EUR/USD", "1.2", timedelta(hours=1)),
        ("EUR/USD", "1.3", timedelta(days=2)),
        ("EUR/USD", "1.4", timedelta(seconds=-1)),
    ]:
        rate(pair, value, NOW - age)
    told = [(each.base, each.quote, each.rate) for each in rates_at(NOW)]
    assert told == [("EUR", "USD", Decimal("1.2")), ("USD", "JPY", Decimal(150))]


@pytest.mark.parametrize(
    ("what", "body", "key", "status", "code"),
    [
        ("withdraw", USD, None, 400, "idempotency_key_required"),
        ("withdraw", USD, "", 400, "invalid_idempotency_key"),
        ("withdraw", USD, "é", 400, "invalid_idempotency_key"),
        ("withdraw", USD, "x" * 256, 400, "invalid_idempotency_key"),
        ("withdraw", USD, "x" * 255, 201, None),
        ("deposit", USD, None, 400, "idempotency_key_required"),
        (
            "convert",
            {"from": "USD", "to": "EUR", "amount": "1"},
            None,
            400,
            "idempotency_key_required",
        ),
        ("withdraw", USD | {"amount": "0.001"}, "k", 400, "invalid_amount"),
        ("withdraw", USD | {"amount": "-1"}, "k", 400, "invalid_amount"),
        ("withdraw", USD | {"amount": 1.5}, "k", 400, "invalid_amount"),
        ("withdraw", USD | {"currency": "ZZZ"}, "k", 400, "invalid_field"),
        ("withdraw", USD | {"amount": "1000.01"}, "k", 422, "insufficient_available"),
        ("withdraw", USD | {"currency": "EUR"}, "k", 422, "insufficient_available"),
        ("convert", {"from": "USD", "to": "EUR", "amount": "1"}, "k", 422, "no_fx_rate"),
        ("convert", {"from": "USD", "to": "USD", "amount": "1"}, "k", 400, "invalid_field"),
        ("convert", {"source": "USD", "to": "EUR", "amount": "1"}, "k", 400, "invalid_field"),
    ],
)
def test_what_is_refused_says_why_and_leaves_no_trace(
    client, account, what, body, key, status, code
):
    before = trace(account)
    answer = post(client, account.id, what, body, key)
    assert answer.status_code == status, answer.content
    if code:
        assert code in {answer.json()["code"], *(e["code"] for e in answer.json()["errors"])}
        assert trace(account) == before


def test_a_refused_withdrawal_tells_the_numbers(client, account):
    reserve(account, "300")
    (error,) = post(client, account.id, "withdraw", USD | {"amount": "701"}).json()["errors"]
    assert error == {
        "field": "amount",
        "code": "insufficient_available",
        "detail": "701 USD needed, 700 available: settled cash that no open order holds.",
        "needed": "701",
        "available": "700",
        "reserved": "300",
        "unsettled": "0",
    }


@pytest.mark.parametrize("what", ["deposit", "withdraw", "convert", "statement", "transactions"])
def test_another_users_account_is_absent(client, what):
    foreign = funded()
    before = trace(foreign)
    body = {"from": "USD", "to": "EUR", "amount": "1"} if what == "convert" else USD
    told = []
    for account_id in (foreign.id, new_id()):
        if what in {"statement", "transactions"}:
            answer = client.get(f"/api/v1/accounts/{account_id}/{what}")
        else:
            answer = post(client, account_id, what, body)
        told.append((answer.status_code, answer.json() | {"request_id": ""}))
    assert told[0] == told[1]
    assert told[0][0] == 404
    assert trace(foreign) == before


def move_over_days(account):
    for day in range(1, 5):
        at = NOW + timedelta(days=day)
        deposit(account, Decimal(day), "USD", key=f"in{day}", now=at)
    withdraw(account.id, Decimal(500), "USD", key="out", now=NOW + timedelta(days=3))


@pytest.mark.parametrize(
    ("query", "opening", "movements", "closing", "amounts"),
    [
        ("", "0", "510", "510", ["1000", "1", "2", "3", "-500", "4"]),
        ("?from=2026-03-04&to=2026-03-05", "1001", "-495", "506", ["2", "3", "-500"]),
        ("?from=2026-03-06", "506", "4", "510", ["4"]),
        ("?to=2026-03-02", "0", "1000", "1000", ["1000"]),
        ("?from=2026-04-01", "510", "0", "510", []),
        ("?currency=EUR", "0", "0", "0", []),
    ],
)
def test_a_statement_adds_up(client, account, query, opening, movements, closing, amounts):
    move_over_days(account)
    body = client.get(f"/api/v1/accounts/{account.id}/statement{query}").json()
    assert [body[name] for name in ("opening", "movements", "closing")] == [
        opening,
        movements,
        closing,
    ]
    assert [line["amount"] for line in body["lines"]] == amounts
    balance = Decimal(opening)
    for line in body["lines"]:
        balance += Decimal(line["amount"])
        assert Decimal(line["balance"]) == balance
    assert balance == Decimal(closing)


def test_the_csv_says_the_same_and_holds_no_formula(client, account):
    move_over_days(account)
    evil = '=HYPERLINK("http://evil.example")'
    LedgerTransaction.objects.filter(kind="withdrawal").update(description=evil)
    answer = client.get(f"/api/v1/accounts/{account.id}/statement?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode(), newline="")))
    assert answer.streaming
    assert rows[0][0] == "occurred_at_utc"
    assert rows[1][1:] == ["opening", "", "", "", "USD", "", "0"]
    assert rows[-1][1:] == ["closing", "", "", "", "USD", "510", "510"]
    (written,) = [row for row in rows if row[1] == "withdrawal"]
    assert (written[2], written[6]) == (f"'{evil}", "-500")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-02-30", "from"),
        ("to=2026-03-02T00:00", "to"),
        ("currency=usd", "currency"),
        ("format=xls", "format"),
        ("since=2026-03-02", "since"),
    ],
)
def test_wrong_statement_queries(client, account, query, field):
    answer = client.get(f"/api/v1/accounts/{account.id}/statement?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("days", [1, 4])
def test_statements_and_transactions_take_a_fixed_number_of_statements(
    client, account, days, django_assert_num_queries
):
    for day in range(days):
        deposit(account, Decimal(1), "USD", key=f"{day}", now=NOW)
    with django_assert_num_queries(5):  # session, user, account, sum, lines
        client.get(f"/api/v1/accounts/{account.id}/statement")
    with django_assert_num_queries(5):  # session, user, account, transactions, entries
        body = client.get(f"/api/v1/accounts/{account.id}/transactions").json()
    assert len(body["results"]) == days + 1


def test_a_statement_has_a_limit(client, account, monkeypatch):
    monkeypatch.setattr("accounts.statement.LINES_MAX", 2)
    address = f"/api/v1/accounts/{account.id}/statement"
    deposit(account, Decimal(1), "USD", key="1", now=NOW)
    assert len(client.get(address).json()["lines"]) == 2
    deposit(account, Decimal(1), "USD", key="2", now=NOW)
    answer = client.get(address)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "from")


def test_an_account_shows_its_last_violations(client, account):
    for number in range(25):
        GoodFaithViolation.objects.create(
            account=account,
            bought_by=new_id(),
            sold_by=new_id(),
            trade_id=new_id(),
            currency="USD",
            amount=Decimal(number + 1),
            settles_at=NOW,
            occurred_at=NOW + timedelta(minutes=number),
        )
    (shown,) = client.get("/api/v1/accounts").json()["results"]
    amounts = [violation["amount"] for violation in shown["violations"]]
    assert amounts == [str(number) for number in range(25, 5, -1)]


def test_transactions_are_newest_first_with_ones_own_entries(client, account):
    withdraw(account.id, Decimal(5), "USD", key="out", now=NOW)
    newest, oldest = client.get(f"/api/v1/accounts/{account.id}/transactions").json()["results"]
    assert (newest["kind"], oldest["kind"]) == ("withdrawal", "deposit")
    assert newest["entries"] == [{"currency": "USD", "amount": "-5"}]
    assert newest["reverses"] is None
