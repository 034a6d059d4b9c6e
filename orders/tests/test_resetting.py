"""An account is archived as it stands, and a fresh one takes its place."""

from decimal import Decimal

import pytest

from accounts.models import Account, CashBalance, IdempotencyKey, LedgerTransaction
from accounts.services import deposit
from accounts.tests.factories import FeeScheduleFactory, UserFactory
from bengi.books import check_books
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.replay import differences, fold_log
from bengi.terms import CostBasisMethod, Realism
from orders.halts import halt_trading
from orders.limits import set_limits
from orders.models import Order, RiskLimits
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, TICKET, URL, post, signed_in, told
from portfolios.models import Portfolio
from portfolios.services import PaperAccount, open_paper_account, open_portfolio

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market")]

ACCOUNTS = "/api/v1/accounts"


@pytest.fixture
def account():
    FeeScheduleFactory()
    asked = PaperAccount("Paper", "USD", Decimal(10_000), Realism.HARSH, "zero")
    receipt = open_paper_account(UserFactory(), asked, key="one", now=NOW)
    return Account.objects.get(id=receipt.body["account_id"])


@pytest.fixture
def api(account):
    return signed_in(account.user)


def reset(api, account_id, body=None, key="again"):
    headers = {"headers": {"Idempotency-Key": key}} if key else {}
    return post(api, body or {}, f"{ACCOUNTS}/{account_id}/reset", **headers)


def ask(api, *, key="k", portfolio=None):
    body = TICKET | {"client_order_id": key, "confirm_duplicate": True}
    return post(api, body | ({"portfolio_id": str(portfolio.id)} if portfolio else {}))


def test_a_fresh_account_like_the_old_one(api, account):
    other = open_portfolio(account, "Long", CostBasisMethod.LIFO, now=NOW)
    set_limits(
        account.id,
        {"max_open_orders": 3},
        by=UserFactory(is_staff=True),
        reason="Beginner",
        now=NOW,
    )
    deposit(account, Decimal(500), "USD", key="later", now=NOW.replace(hour=16))
    answer = reset(api, account.id)
    assert answer.status_code == 201
    fresh = Account.objects.exclude(id=account.id).get()
    body = answer.json()
    assert answer["Location"] == f"{ACCOUNTS}/{fresh.id}"
    assert body == api.get(f"{ACCOUNTS}/{fresh.id}").json()
    shown = [body[k] for k in ("name", "base_currency", "status", "realism", "fee_schedule")]
    assert shown == ["Paper", "USD", "active", "harsh", "zero"]
    assert [b["cash"] for b in body["balances"]] == ["10000"], "what the old one was opened with"
    assert [p["name"] for p in body["portfolios"]] == ["Main", "Long"]
    methods = Portfolio.objects.filter(account=fresh).order_by("id")
    assert [p.cost_basis_method for p in methods] == ["fifo", "lifo"]
    assert RiskLimits.objects.get(account=fresh).max_open_orders == 3
    assert RiskLimits.objects.filter(account=account).exists()
    old = api.get(f"{ACCOUNTS}/{account.id}").json()
    assert (old["status"], old["balances"][0]["cash"]) == ("closed", "10500")
    assert other.name in {p["name"] for p in old["portfolios"]}
    closed = Event.objects.get(type="account.closed")
    assert closed.stream_id == account.id
    assert closed.payload["succeeded_by"] == str(fresh.id)
    assert list(differences(fold_log())) == []
    assert {name: lines for name, lines in check_books().items() if lines} == {}


def test_open_orders_are_asked_to_go_and_nothing_new_comes(api, account):
    main = account.portfolios.get()
    order = ask(api).json()
    reset(api, account.id)
    row = Order.objects.get(id=order["id"])
    assert (row.status, row.account_id) == ("pending_cancel", account.id)
    assert CashBalance.objects.get(account=account).reserved == Decimal(995)
    refused = ask(api, key="new", portfolio=main)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    for what in ("deposit", "withdraw"):
        move = post(
            api,
            {"amount": "1", "currency": "USD"},
            f"{ACCOUNTS}/{account.id}/{what}",
            headers={"Idempotency-Key": "x"},
        )
        assert (move.status_code, move.json()["code"]) == (403, "forbidden")
    renamed = api.patch(
        f"{ACCOUNTS}/{account.id}", {"name": "Old"}, content_type="application/json"
    )
    assert (renamed.status_code, renamed.json()["code"]) == (403, "forbidden")
    fresh = ask(api)
    assert fresh.status_code == 201, "the fresh portfolio is the only one that is meant"
    assert fresh.json()["account_id"] != order["account_id"]


def test_history_and_keys_are_kept(api, account):
    main = account.portfolios.get()
    order = ask(api, key="mine").json()
    transactions = LedgerTransaction.objects.filter(account=account).count()
    keys = set(IdempotencyKey.objects.values_list("key", flat=True))
    reset(api, account.id)
    assert LedgerTransaction.objects.filter(account=account).count() == transactions
    assert keys <= set(IdempotencyKey.objects.values_list("key", flat=True))
    again = ask(api, key="mine", portfolio=main)
    assert (again.status_code, again.json()["id"]) == (200, order["id"])
    assert api.get(f"{URL}/{order['id']}").status_code == 200
    assert api.get(f"{ACCOUNTS}/{account.id}/statement").status_code == 200
    assert api.get(f"/api/v1/events?account={account.id}").json()["results"]
    assert len(api.get(ACCOUNTS).json()["results"]) == 1
    assert len(api.get(f"{ACCOUNTS}?status=closed").json()["results"]) == 1
    assert len(api.get(f"{ACCOUNTS}?status=all").json()["results"]) == 2
    assert len(api.get("/api/v1/portfolios").json()["results"]) == 1
    assert len(api.get(f"/api/v1/portfolios?account={account.id}").json()["results"]) == 1


def test_a_key_resets_once(api, account):
    first, second = reset(api, account.id), reset(api, account.id)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second["Idempotency-Replayed"] == "true"
    assert first.json()["id"] == second.json()["id"]
    assert Account.objects.count() == 2
    mismatch = reset(api, account.id, {"starting_cash": "5"})
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")
    other = reset(api, account.id, key="other")
    assert (other.status_code, other.json()["code"]) == (403, "forbidden")


def test_another_starting_cash(api, account):
    body = reset(api, account.id, {"starting_cash": "250.50"}).json()
    assert body["balances"][0]["cash"] == "250.5"


@pytest.mark.parametrize(
    ("body", "key", "errors"),
    [
        ({}, None, {"Idempotency-Key": "idempotency_key_required"}),
        ({}, "\t", {"Idempotency-Key": "invalid_idempotency_key"}),
        ({"starting_cash": "0"}, "k", {"starting_cash": "invalid_amount"}),
        ({"starting_cash": "0.001"}, "k", {"starting_cash": "invalid_amount"}),
        ({"name": "x"}, "k", {"name": "unknown_field"}),
    ],
)
def test_wrong_resets_change_nothing(api, account, body, key, errors):
    answer = reset(api, account.id, body, key)
    assert (answer.status_code, told(answer)) == (400, errors)
    assert Account.objects.get().status == "active"


def test_as_much_cash_as_can_be_written(api, account):
    answer = reset(api, account.id, {"starting_cash": "9999999999.99"}, "k")
    assert answer.status_code == 201
    assert Account.objects.count() == 2


def test_no_reset_out_of_a_freeze_or_a_halt(api, account):
    Account.objects.update(status="frozen")
    answer = reset(api, account.id)
    assert (answer.status_code, answer.json()["code"]) == (403, "account_frozen")
    Account.objects.update(status="active")
    halt_trading(UserFactory(is_staff=True), reason="Looked into.", now=NOW, account_id=account.id)
    answer = reset(api, account.id)
    assert (answer.status_code, answer.json()["code"]) == (503, "trading_halted")
    assert Account.objects.get().status == "active"


def test_anothers_account_is_an_absent_one(api):
    foreign, absent = (reset(api, key) for key in (OrderFactory(status="new").account_id, new_id()))
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() | {"request_id": ""} == absent.json() | {"request_id": ""}
    assert not Account.objects.filter(status="closed").exists()
