"""The staff desk over HTTP: who may what, what is answered, and what each endpoint costs."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi import clock
from orders.models import Order
from trades.models import Trade, TradeCorrection
from trades.tests.desk import cash_of, dealer, fills_of
from trades.tests.world import World

pytestmark = pytest.mark.django_db
URL = "/api/v1"
NOWHERE = "01900000-0000-7000-8000-000000000000"
KEY = {"Idempotency-Key": "a-phone-order"}
ROLES = ("anonymous", "owner", "other", "staff", "executes", "corrects", "admin")


@pytest.fixture
def stage(world: World):
    """Return a world whose clock is the doors', one resting order, one trade, and its owner."""
    clock.use(lambda: world.now)
    abc, trader = world.instrument(), world.trader()
    world.tick(abc, "9.90", "10.00", last="10.00")
    bought = world.place(trader, abc, "buy", 10)
    resting = world.place(trader, abc, "buy", 100, limit="9.80", tif="gtc")
    yield trader, fills_of(bought)[0], resting
    clock.reset()


def signed_in(user) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def client_of(role: str, trader) -> Client:
    users = {
        "owner": lambda: trader.user,
        "other": UserFactory,
        "staff": lambda: UserFactory(is_staff=True),
        "executes": lambda: dealer("execute_trade"),
        "corrects": lambda: dealer("correct_trade"),
        "admin": lambda: UserFactory(is_staff=True, is_superuser=True),
    }
    if role == "anonymous":
        return Client(raise_request_exception=False)
    return signed_in(users[role]())


def post(client: Client, path: str, body: dict, **headers):
    return client.post(f"{URL}/{path}", body, content_type="application/json", headers=headers)


def execute(client: Client, order: Order, **change):
    body = {"order_id": str(order.id), "quantity": "40", "price": "9.75", "reason": "Phone order"}
    return post(client, "trades/execute", body | change, **KEY)


def asked(trade: Trade) -> TradeCorrection:
    return TradeCorrection.objects.create(
        trade=trade, kind="bust", reason="Why", requested_by=dealer("correct_trade"),
        requested_at=trade.executed_at,
    )  # fmt: skip


EXPECTED = {
    #             anonymous owner other staff executes corrects admin
    "execute":     (401,    403,  403,  403,  201,     403,     201),
    "bust":        (401,    403,  403,  403,  403,     201,     201),
    "adjust":      (401,    403,  403,  403,  403,     201,     201),
    "corrections": (401,    403,  403,  403,  403,     200,     200),
    "decline":     (401,    403,  403,  403,  403,     404,     404),
    "approve":     (401,    403,  403,  403,  403,     404,     404),
}  # fmt: skip


@pytest.mark.parametrize("what", EXPECTED)
@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what(stage, role, what):
    trader, trade, order = stage
    client, path = client_of(role, trader), f"trades/{trade.exec_id}"
    answers = {
        "execute": lambda: execute(client, order),
        "bust": lambda: post(client, f"{path}/bust", {"reason": "Why"}),
        "adjust": lambda: post(client, f"{path}/adjust", {"reason": "Why", "price": "9.95"}),
        "corrections": lambda: client.get(f"{URL}/corrections"),
        "decline": lambda: post(client, f"corrections/{NOWHERE}/decline", {}),
        "approve": lambda: post(client, f"corrections/{NOWHERE}/approve", {}),
    }
    answer = answers[what]()
    assert answer.status_code == EXPECTED[what][ROLES.index(role)]
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("role", ["executes", "corrects", "staff"])
def test_what_does_not_exist_is_told_only_to_those_who_may(stage, role):
    trader, _, _ = stage
    client = client_of(role, trader)
    may_correct, may_execute = role == "corrects", role == "executes"
    answer = post(client, f"trades/{NOWHERE}/bust", {"reason": "Why"})
    assert answer.status_code == (404 if may_correct else 403)
    body = {"order_id": NOWHERE, "quantity": "1", "price": "1", "reason": "Why"}
    answer = post(client, "trades/execute", body, **KEY)
    assert answer.status_code == (404 if may_execute else 403)


def test_an_execution_by_hand(stage):
    trader, _, order = stage
    client = client_of("executes", trader)
    answer = execute(client, order)
    trade = fills_of(order)[0]
    assert answer.status_code == 201
    assert answer.json() == {
        "exec_id": str(trade.exec_id),
        "kind": "execution",
        "busts": None,
        "corrects": None,
        "order_id": str(order.id),
        "account_id": str(trader.account.id),
        "portfolio_id": str(trader.portfolio.id),
        "symbol": "ABC",
        "side": "buy",
        "quantity": "40",
        "price": "9.75",
        "gross_amount": "390",
        "commission": "0",
        "fees": "0",
        "net_amount": "-390",
        "currency": "USD",
        "liquidity": "manual",
        "executed_at": "2026-03-02T15:00:01.000000Z",
        "booked_at": "2026-03-02T15:00:01.000000Z",
        "trade_date": "2026-03-02",
        "settles_on": "2026-03-03",
    }
    again = execute(client, order)
    assert (again.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == answer.json()
    other = execute(client, order, quantity="1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_two_people_bust_a_trade(stage):
    trader, trade, _ = stage
    one, two = client_of("corrects", trader), client_of("corrects", trader)
    answer = post(one, f"trades/{trade.exec_id}/bust", {"reason": "Fat finger, 10 € too dear"})
    row = TradeCorrection.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(row.id),
        "exec_id": str(trade.exec_id),
        "kind": "bust",
        "price": None,
        "quantity": None,
        "reason": "Fat finger, 10 € too dear",
        "requested_by": str(row.requested_by_id),
        "requested_at": "2026-03-02T15:00:01.000000Z",
        "outcome": "asked",
        "decided_by": None,
        "decided_at": None,
    }
    assert post(one, f"trades/{trade.exec_id}/bust", {"reason": "x"}).json()["code"] == (
        "correction_pending"
    )
    own = post(one, f"corrections/{row.id}/approve", {})
    assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
    done = post(two, f"corrections/{row.id}/approve", {})
    assert (done.status_code, done.json()["outcome"]) == (200, "approved")
    again = post(two, f"corrections/{row.id}/approve", {})
    assert (again.status_code, again.json()["code"]) == (409, "already_approved")
    assert cash_of(trader)[0] == 100_000


def test_the_owner_sees_the_bust_and_what_it_busts(stage):
    trader, trade, _ = stage
    one, two, owner = (client_of(role, trader) for role in ("corrects", "corrects", "owner"))
    asked_ = post(one, f"trades/{trade.exec_id}/adjust", {"reason": "Why", "quantity": "4"}).json()
    post(two, f"corrections/{asked_['id']}/approve", {})
    listed = owner.get(f"{URL}/trades").json()["results"]
    assert [(each["kind"], each["quantity"], each["net_amount"]) for each in listed] == [
        ("correction", "4", "-40"), ("bust", "-10", "100"), ("execution", "10", "-100"),
    ]  # fmt: skip
    correction, bust, execution = listed
    assert execution["busted_by"] == bust["exec_id"]
    assert bust["busts"] == correction["corrects"] == execution["exec_id"]
    assert (bust["busted_by"], correction["busted_by"]) == (None, None)
    assert owner.get(f"{URL}/trades/{bust['exec_id']}").json()["closings"] == []
    order = owner.get(f"{URL}/orders/{trade.order_id}").json()
    assert (order["filled_quantity"], order["busted_quantity"]) == ("4", "6")


def test_the_statement_and_the_lots_say_what_was_taken_back(stage):
    trader, trade, _ = stage
    one, two, owner = (client_of(role, trader) for role in ("corrects", "corrects", "owner"))
    row = post(one, f"trades/{trade.exec_id}/bust", {"reason": "Fat finger"}).json()
    post(two, f"corrections/{row['id']}/approve", {})
    lines = owner.get(f"{URL}/accounts/{trader.account.id}/statement").json()["lines"]
    assert [(line["kind"], line["amount"], line["trade_id"]) for line in lines[-2:]] == [
        ("trade", "-100", str(trade.exec_id)), ("reversal", "100", str(trade.exec_id)),
    ]  # fmt: skip
    assert lines[-1]["description"] == "Reversal: Bought 10 ABC at 10 (Fat finger)"
    bust = Trade.objects.get(busts=trade)
    url = f"{URL}/portfolios/{trader.portfolio.id}/lots?closed=true"
    (lot,) = owner.get(url).json()["results"]
    assert (lot["busted_by"], lot["remaining_quantity"]) == (str(bust.exec_id), "0")
    assert owner.get(f"{URL}/portfolios/{trader.portfolio.id}/positions").json()["results"] == []


def test_corrections_are_listed_by_outcome(stage):
    trader, trade, _ = stage
    client = client_of("corrects", trader)
    row = asked(trade)
    for query, found in (("", 1), ("?outcome=asked", 1), ("?outcome=approved", 0)):
        listed = client.get(f"{URL}/corrections{query}").json()
        assert [each["id"] for each in listed["results"]] == [str(row.id)] * found
    assert client.get(f"{URL}/corrections?outcome=x").status_code == 400
    row.delete()


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"reason": ""}, "reason", "invalid_field"),
        ({"reason": None}, "reason", "invalid_field"),
        ({"reason": "x" * 181}, "reason", "invalid_field"),
        ({"price": 9.75}, "price", "invalid_field"),
        ({"price": "-1"}, "price", "invalid_field"),
        ({"quantity": "0"}, "quantity", "invalid_quantity"),
        ({"order_id": "x"}, "order_id", "invalid_field"),
        ({"by": "somebody"}, "by", "unknown_field"),
    ],
)
def test_an_execution_that_cannot_be_read(stage, body, field, code):
    trader, _, order = stage
    answer = execute(client_of("executes", trader), order, **body)
    assert answer.status_code == 400
    assert {(e["field"], e["code"]) for e in answer.json()["errors"]} == {(field, code)}


def test_an_execution_needs_a_key(stage):
    trader, _, order = stage
    body = {"order_id": str(order.id), "quantity": "40", "price": "9.75", "reason": "Phone"}
    answer = post(client_of("executes", trader), "trades/execute", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


def test_what_stands_in_the_way_is_named(stage, world):
    trader, trade, _ = stage
    world.tick(trade.instrument, "10.00", "10.10")
    (sale,) = fills_of(world.place(trader, trade.instrument, "sell", 4))
    row = post(client_of("corrects", trader), f"trades/{trade.exec_id}/bust", {"reason": "x"})
    answer = post(client_of("corrects", trader), f"corrections/{row.json()['id']}/approve", {})
    assert answer.status_code == 409
    (error,) = answer.json()["errors"]
    assert (error["code"], error["exec_ids"], error["sold"]) == (
        "lot_in_use", [str(sale.exec_id)], "4",
    )  # fmt: skip


SESSION = 2  # session, user
PERMISSIONS = 2  # of the user, of its groups


def test_reading_takes_few_statements(stage, django_assert_num_queries):
    trader, trade, _ = stage
    owner, corrects = client_of("owner", trader), client_of("corrects", trader)
    with django_assert_num_queries(SESSION + 1):
        owner.get(f"{URL}/trades")
    with django_assert_num_queries(SESSION + 2):  # the trade, its closings
        owner.get(f"{URL}/trades/{trade.exec_id}")
    with django_assert_num_queries(SESSION + PERMISSIONS + 1):
        corrects.get(f"{URL}/corrections")


def test_what_staff_do_takes_few_statements(stage, django_assert_max_num_queries):
    trader, trade, order = stage
    one, two = client_of("corrects", trader), client_of("corrects", trader)
    executes = client_of("executes", trader)
    with django_assert_max_num_queries(SESSION + PERMISSIONS + 13):
        made = post(one, f"trades/{trade.exec_id}/bust", {"reason": "Why"}).json()
    with django_assert_max_num_queries(SESSION + PERMISSIONS + 36):
        assert post(two, f"corrections/{made['id']}/approve", {}).status_code == 200
    with django_assert_max_num_queries(SESSION + PERMISSIONS + 36):
        assert execute(executes, order).status_code == 201


def test_permissions_can_be_a_groups(stage):
    _, trade, _ = stage
    desk = Group.objects.create(name="dealers")
    desk.permissions.set(Permission.objects.filter(codename="correct_trade"))
    user = UserFactory()
    user.groups.add(desk)
    answer = post(signed_in(user), f"trades/{trade.exec_id}/bust", {"reason": "Why"})
    assert answer.status_code == 201
