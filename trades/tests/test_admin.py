"""The staff's view of trades: a list nobody edits, and a desk of corrections that takes two."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi import clock
from trades.models import Trade, TradeCorrection
from trades.tests.desk import cash_of, fills_of
from trades.tests.world import World

pytestmark = pytest.mark.django_db
TRADES = "/admin/trades/trade/"
DESK = "/admin/trades/tradecorrection/"


@pytest.fixture
def stage(world: World):
    clock.use(lambda: world.now)
    abc, trader = world.instrument(), world.trader()
    world.tick(abc, "9.90", "10.00", last="10.00")
    yield trader, fills_of(world.place(trader, abc, "buy", 10))[0]
    clock.reset()


def desk(*permissions: str) -> Client:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, trade: Trade, **change):
    body = {"trade": trade.exec_id, "kind": "bust", "reason": "Fat finger"} | change
    return client.post(f"{DESK}add/", body)


def decide(client: Client, row: TradeCorrection, action: str = "approve_selected") -> str:
    body = {"action": action, "_selected_action": [str(row.id)]}
    return client.post(DESK, body, follow=True).content.decode()


def test_one_asks_and_another_approves(stage):
    trader, trade = stage
    one, two = desk("correct_trade"), desk("correct_trade")
    assert ask(one, trade).status_code == 302
    row = TradeCorrection.objects.get()
    assert "Somebody else has to approve" in decide(one, row)
    assert cash_of(trader)[0] == 99_900
    assert "Fat finger: booked." in decide(two, row)
    assert cash_of(trader)[0] == 100_000
    assert "approved and booked already" in decide(two, row)


def test_an_adjustment_from_the_list_of_trades(stage):
    trader, trade = stage
    one, two = desk("correct_trade", "view_trade"), desk("correct_trade")
    page = one.get(TRADES).content.decode()
    address = f"{DESK}add/?trade={trade.exec_id}"
    assert address in page
    assert str(trade.exec_id) in one.get(address).content.decode()
    assert ask(one, trade, kind="adjust", price="9.90", quantity="").status_code == 302
    assert "booked" in decide(two, TradeCorrection.objects.get())
    assert cash_of(trader)[0] == Decimal("99901.00")
    page = one.get(TRADES).content.decode()
    assert "busted" in page
    counts = {"": 3, "?kind=bust": 1, "?kind=correction": 1, "?kind=execution": 1, "?kind=x": 3}
    for query, count in counts.items():
        found = one.get(f"{TRADES}{query}").context["cl"].result_count
        assert found == count, query


def test_a_declined_one_is_over(stage):
    trader, trade = stage
    one = desk("correct_trade")
    ask(one, trade)
    assert "Fat finger: declined." in decide(one, TradeCorrection.objects.get(), "decline_selected")
    assert cash_of(trader)[0] == 99_900
    assert ask(one, trade).status_code == 302


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": ""}, "This field is required."),
        ({"kind": "adjust"}, "Name another price"),
        ({"kind": "adjust", "price": "-5"}, "in steps of 0.01"),
        ({"kind": "adjust", "quantity": "11"}, "a correction only takes away"),
        ({"kind": "bust", "price": "9.90"}, "adjustment_names_new_terms"),
    ],
)
def test_a_wrong_request_is_shown_again(stage, change, words):
    _, trade = stage
    answer = ask(desk("correct_trade"), trade, **change)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not TradeCorrection.objects.exists()


def test_a_second_request_is_shown_again(stage):
    _, trade = stage
    one = desk("correct_trade")
    ask(one, trade)
    assert ask(one, trade).status_code == 200
    assert TradeCorrection.objects.count() == 1


def test_nothing_is_edited_or_deleted(stage):
    _, trade = stage
    root = Client()
    root.force_login(UserFactory(is_staff=True, is_superuser=True))
    ask(root, trade)
    row = TradeCorrection.objects.get()
    for page in (f"{TRADES}{trade.exec_id}", f"{DESK}{row.id}"):
        assert root.get(f"{page}/change/").status_code == 200
        assert root.post(f"{page}/change/", {"reason": "forged"}).status_code == 403
        assert root.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert root.get(f"{TRADES}add/").status_code == 403
    row.refresh_from_db()
    assert row.reason == "Fat finger"


def test_staff_without_the_permission_see_no_desk(stage):
    _, trade = stage
    other = desk("view_trade")
    assert other.get(TRADES).status_code == 200
    assert other.get(DESK).status_code == 403
    assert ask(other, trade).status_code == 403
