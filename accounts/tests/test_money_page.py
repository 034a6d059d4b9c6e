"""The account page: cash, forms that move money without script, and the statement's links."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Account, GoodFaithViolation, LedgerTransaction
from accounts.services import deposit
from accounts.tests.factories import AccountFactory, UserFactory
from accounts.tests.money_stage import NOW, cash, funded, rate, trace, unsettle
from bengi import clock
from bengi.ids import new_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(client):
    account = funded()
    client.force_login(account.user)
    return account


def keyed(client, what):
    """Return the key that the page has put into the form."""
    return str(client.get("/account").context["forms"][what]["key"].value())


def test_the_page_shows_settled_and_withdrawable_cash(client, account):
    unsettle(account, "300", clock.now() + timedelta(days=1))
    state = dict(client.get("/account").context["cash"])["USD"]
    assert (state.settled, state.unsettled, state.withdrawable) == (700, 300, 700)


@pytest.mark.parametrize(
    ("what", "after", "words"), [("deposit", 1250, "came in"), ("withdraw", 750, "went out")]
)
def test_a_form_sent_twice_moves_money_once(client, account, what, after, words):
    body = {"amount": "250", "currency": "USD", "key": keyed(client, what)}
    for _ in range(2):
        answer = client.post("/account", {**body, "what": what}, follow=True)
        assert answer.redirect_chain == [("/account", 302)]
        assert f"250.00 USD {words}." in answer.content.decode()
    assert cash(account) == after


def review(client, **changes):
    """Ask for 100 USD in EUR and return the answer, the key and the form that would send it."""
    asked = {"amount": "100", "source": "USD", "target": "EUR", **changes}
    body = {**asked, "what": "convert", "key": keyed(client, "convert")}
    answer = client.post("/account", body)
    told = answer.context["offer"]
    return answer, {**body, "target_amount": str(told.exchanged.amount)}


def test_a_conversion_is_shown_with_rate_fee_and_both_amounts_before_it_is_sent(client, account):
    rate("EUR/USD", "1.25")
    before = trace(account)
    answer, _ = review(client)
    facts = {fact.label: fact.text for fact in answer.context["offer_facts"]}
    assert (facts["You give"], facts["You get"]) == ("100.00 USD", "80.00 EUR")
    assert (facts["Rate EUR/USD"], facts["Rate of"]) == ("1.25", "2 Mar 2026 15:00 UTC")
    assert facts["Conversion fee"] == "none"
    assert (facts["USD after"], facts["EUR after"]) == ("900.00 USD", "80.00 EUR")
    assert trace(account) == before


def test_a_conversion_sent_twice_is_booked_once(client, account):
    rate("EUR/USD", "1.25")
    _, body = review(client)
    for _ in range(2):
        answer = client.post("/account", body, follow=True)
        assert "100.00 USD became 80.00 EUR at EUR/USD 1.25." in answer.content.decode()
    assert (cash(account), cash(account, "EUR")) == (900, 80)


def test_another_rate_than_was_shown_converts_nothing(client, account):
    rate("EUR/USD", "1.25")
    _, body = review(client)
    rate("EUR/USD", "1.28", clock.now())
    before = trace(account)
    answer = client.post("/account", body)
    assert answer.status_code == 422
    assert "The rate has changed: it would be 78.12 EUR now." in answer.content.decode()
    assert answer.context["form"]["amount"].value() == "100"
    assert trace(account) == before


def test_what_rounding_leaves_is_told(client, account):
    rate("EUR/USD", "3")
    answer, _ = review(client)
    facts = {fact.label: fact.text for fact in answer.context["offer_facts"]}
    assert facts["You get"] == "33.33 EUR"
    assert facts["Below the smallest unit"] == "0.00333333 EUR not paid out"


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        ({"what": "withdraw", "amount": "", "currency": "USD"}, ["700.00 USD", "300.00 USD"]),
        ({"what": "withdraw", "amount": "600", "currency": "USD"}, ["400.00 USD"]),
        ({"what": "withdraw", "amount": "701", "currency": "USD"}, ["not possible"]),
        ({"what": "deposit", "amount": "5", "currency": "EUR"}, ["0.00 EUR", "5.00 EUR"]),
        (
            {"what": "convert", "amount": "100", "source": "USD", "target": "EUR"},
            ["700.00 USD", "1.25", "80.00 EUR"],
        ),
        (
            {"what": "convert", "amount": "701", "source": "USD", "target": "EUR"},
            ["not possible"],
        ),
    ],
)
def test_what_a_movement_would_change_is_told_while_one_types(client, account, asked, facts):
    rate("EUR/USD", "1.25")
    unsettle(account, "300", clock.now() + timedelta(days=1))
    text = client.get("/account/facts", {**asked, "key": "k"}).content.decode()
    for words in facts:
        assert f">{words}<" in text


def test_facts_are_of_ones_own_account_only(client, account):
    assert client.get("/account/facts", {"what": "steal"}).status_code == 404
    client.force_login(UserFactory())
    assert client.get("/account/facts", {"what": "deposit"}).status_code == 404


@pytest.mark.parametrize(
    ("what", "change", "words"),
    [
        ("withdraw", {"amount": "1000.01"}, "1,000 available"),
        ("withdraw", {"amount": ""}, "Write how much."),
        ("withdraw", {"amount": "1e3"}, "Write digits and a point only"),
        ("deposit", {"amount": "0.001"}, "in steps of 0.01"),
        ("deposit", {"amount": "0"}, "must be above zero"),
        ("convert", {"target": "GBP"}, "There is no rate between USD and GBP."),
    ],
)
def test_a_refused_form_comes_back_with_the_reason_and_the_values(
    client, account, what, change, words
):
    before = trace(account)
    body = {"amount": "10", "currency": "USD", "source": "USD", "target": "EUR", "key": "k"}
    answer = client.post("/account", {**body, "what": what, **change})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text
    assert 'aria-invalid="true"' in text
    assert str(answer.context["forms"][what]["key"].value()) == "k"
    assert trace(account) == before


def test_moving_money_takes_a_sign_in_and_an_account(client):
    assert client.post("/account", {"what": "deposit"})["Location"] == "/signin"
    client.force_login(UserFactory())
    assert client.post("/account", {"what": "deposit"}).status_code == 404


def test_a_get_never_moves_money(client, account):
    before = trace(account)
    client.get("/account", {"what": "deposit", "amount": "5", "currency": "USD", "key": "k"})
    client.post("/account", {"what": "steal", "amount": "5", "currency": "USD", "key": "k"})
    assert trace(account) == before


def test_the_table_adds_up_in_the_account_s_currency(client, account):
    rate("EUR/USD", "1.25")
    deposit(account, Decimal(80), "EUR", key="eur", now=NOW)
    table = client.get("/account").context["table"]
    assert [(line.currency, line.worth) for line in table.lines] == [("USD", 1000), ("EUR", 100)]
    assert (table.together.cash, table.together.withdrawable) == (1100, 1100)
    deposit(account, Decimal(5), "GBP", key="gbp", now=NOW)
    table = client.get("/account").context["table"]
    assert table.together.cash is None, "there is no rate for GBP"


def test_what_settles_when_is_told(client, account):
    at = clock.now() + timedelta(days=1)
    unsettle(account, "300", at)
    unsettle(account, "50", at)
    (one,) = client.get("/account").context["settlings"]
    assert (one.amount, one.currency, one.settles_on) == (350, "USD", at.date())


def test_violations_are_shown_with_their_orders(client, account):
    violation = GoodFaithViolation.objects.create(
        account=account,
        bought_by=new_id(),
        sold_by=new_id(),
        trade_id=new_id(),
        currency="USD",
        amount=Decimal(300),
        settles_at=clock.now(),
        occurred_at=clock.now(),
    )
    text = client.get("/account").content.decode()
    assert "Good-faith violations" in text
    assert f"/orders/{violation.bought_by}" in text


def test_a_line_of_a_trade_leads_to_its_fill(client, account):
    exec_id = str(new_id())
    LedgerTransaction.objects.filter(account=account).update(kind="trade", reference=exec_id)
    assert f'href="/fills/{exec_id}"' in client.get("/account").content.decode()


def test_after_a_reset_page_statement_and_forms_are_of_the_fresh_account(client, account):
    body = {"starting_cash": "500"}
    address, headers = f"/api/v1/accounts/{account.id}/reset", {"Idempotency-Key": new_id().hex}
    answer = client.post(address, body, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    fresh = account.user.accounts.exclude(id=account.id).get()
    page = client.get("/account").context
    assert page["account"] == page["statement"].account == fresh
    assert client.get("/account/statement").context["account"] == fresh
    client.post("/account", {"what": "deposit", "amount": "5", "currency": "USD", "key": "k"})
    assert (cash(account), cash(fresh)) == (1000, 505)
    (fact, _) = client.get("/account/facts", {"what": "deposit", "amount": "1"}).context["facts"]
    assert fact.text == "505.00 USD"


def test_where_all_are_closed_the_first_is_shown_and_says_why_nothing_moves(client, account):
    AccountFactory(user=account.user)
    Account.objects.update(status="closed")
    first, _ = Account.objects.order_by("created_at", "id")
    assert client.get("/account").context["account"] == first
    body = {"what": "deposit", "amount": "5", "currency": "USD", "key": "k"}
    answer = client.post("/account", body)
    assert answer.status_code == 422
    assert answer.context["forms"]["deposit"].errors
    assert cash(account) == 1000
