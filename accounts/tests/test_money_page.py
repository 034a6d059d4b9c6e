"""The account page: cash, forms that move money without script, and the statement's links."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import GoodFaithViolation, LedgerTransaction
from accounts.tests.factories import UserFactory
from accounts.tests.money_stage import cash, funded, rate, trace, unsettle
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


def test_converting_on_the_page(client, account):
    rate("EUR/USD", "1.25")
    body = {"amount": "100", "source": "USD", "target": "EUR", "key": keyed(client, "convert")}
    answer = client.post("/account", {**body, "what": "convert"}, follow=True)
    assert "100.00 USD became 80.00 EUR at EUR/USD 1.25." in answer.content.decode()
    assert cash(account, "EUR") == 80


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
