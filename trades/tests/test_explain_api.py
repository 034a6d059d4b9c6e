"""GET /orders/{id}/explain: what is answered, to whom, and at what cost."""

from collections.abc import Iterator

import pytest
from django.test import Client

from bengi import clock
from orders.tests.factories import OrderFactory
from orders.tests.http import NOWHERE, signed_in
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db

STATEMENTS = 4  # session, user, order, events; the newest quote is in memory
STATEMENTS_TRAILING = STATEMENTS + 3
STATEMENTS_LONG = STATEMENTS + 2


@pytest.fixture
def at_the_worlds_time(world: World) -> Iterator[None]:
    clock.use(lambda: world.now)
    yield
    clock.reset()


@pytest.fixture
def trader(world: World, at_the_worlds_time: None) -> Trader:
    return world.trader()


@pytest.fixture
def api(trader: Trader) -> Client:
    return signed_in(trader.user)


def url(order_id: object) -> str:
    return f"/api/v1/orders/{order_id}/explain"


def test_the_shape_of_an_open_order(world: World, trader: Trader, api: Client):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00", size=60)
    order = world.place(trader, abc, "buy", 100, limit="99.95")
    world.tick(abc, "99.93", "99.95", size=60)
    world.tick(abc, "99.94", "99.96", size=60)
    world.wait(seconds=2)
    body = api.get(url(order.id)).json()
    assert set(body) == {"order", "text", "now", "timeline", "left_out", "costs", "arrival"}
    assert body["order"] | {"legs": []} == api.get(f"/api/v1/orders/{order.id}").json()
    assert body["text"] == "Working; 60 of 100 bought at 99.95 on average, 40 still wanted."
    assert body["left_out"] == {"looks": 0, "moves": 0, "steps": 0}
    accepted, rested, filled = body["timeline"]
    assert {check["code"] for check in accepted["checks"]} >= {"price_collar", "max_notional"}
    assert accepted["numbers"]["available_after"] == "90005"
    assert (rested["kind"], rested["code"]) == ("rested", "not_marketable")
    quote = {
        "bid": "99.93",
        "bid_size": "60",
        "ask": "99.95",
        "ask_size": "60",
        "last": "99.93",
        "as_of": "2026-03-02T15:00:02.000000Z",
        "age_s": "0",
        "mid": "99.94",
        "spread": "0.02",
        "spread_bps": "2",
    }
    numbers = filled.pop("numbers")
    assert filled == {
        "seq": 6,
        "at": "2026-03-02T15:00:02.000000Z",
        "kind": "filled",
        "code": "street",
        "by": "engine",
        "title": "Bought 60 at 99.95",
        "text": "Best price first: the ask stood at 99.95 × 60, within the limit of 99.95. "
        "It showed 60, so 60 is what it gave.",
        "quote": quote,
        "checks": [],
    }
    assert len(numbers.pop("exec_id")) == 36
    assert numbers == {
        "quantity": "60",
        "price": "99.95",
        "gross_amount": "5997",
        "commission": "0",
        "fees": "0",
        "liquidity": "street",
        "leaves_quantity": "40",
        "reserved_before": "9995",
        "reserved_after": "3998",
        "rule": "best price first",
        "against_quote": "0",
        "against_mid": "0.01",
        "against_arrival": "-0.04",
    }
    now = body["now"]
    assert (now["code"], now["numbers"]) == (
        "not_marketable",
        {"limit": "99.95", "gap": "0.01", "ask": "99.96"},
    )
    assert now["text"] == "The limit 99.95 is 0.01 below the ask 99.96 × 60, 2.0 s old."
    assert (now["quote"]["age_s"], now["at"]) == ("2", "2026-03-02T15:00:05.000000Z")
    assert body["costs"] == {
        "currency": "USD",
        "gross_amount": "5997",
        "commission": "0",
        "fees": "0",
        "average_price": "99.95",
        "shortfall": {
            "arrival_mid": "99.99",
            "per_share": "-0.04",
            "amount": "-2.4",
            "bps": "-4",
            "half_spread": "0.6",
            "waiting": "-3",
            "total": "-2.4",
            "total_bps": "-4",
        },
    }
    assert body["arrival"]["mid"] == "99.99"


def test_a_closed_order_has_no_now(world: World, trader: Trader, api: Client):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00")
    order = world.place(trader, abc, "buy", 5)
    body = api.get(url(order.id) + "/").json()
    assert body["now"] is None
    assert [entry["kind"] for entry in body["timeline"]] == ["accepted", "filled", "complete"]
    assert body["order"]["status"] == "filled"


def test_an_order_from_before_its_story_was_kept():
    order = OrderFactory()
    body = signed_in(order.account.user).get(url(order.id)).json()
    assert (body["timeline"], body["arrival"]) == ([], None)
    assert body["now"]["code"] == "not_seen_yet"


def test_anothers_order_is_not_there(world: World, trader: Trader, api: Client):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00")
    foreign = world.place(world.trader(), abc, "buy", 5)
    answers = [api.get(url(order_id)) for order_id in (foreign.id, NOWHERE)]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "not_found")] * 2
    assert Client().get(url(foreign.id)).status_code == 401
    assert api.post(url(foreign.id)).status_code == 405
    assert api.get(url(foreign.id) + "?verbose=1").json()["code"] == "invalid_parameter"


@pytest.mark.parametrize(("looks", "statements"), [(1, STATEMENTS), (120, STATEMENTS_LONG)])
def test_the_number_of_statements_does_not_grow_with_the_story(
    world: World, trader: Trader, api: Client, looks, statements, django_assert_num_queries
):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00", size=1)
    order = world.place(trader, abc, "buy", 200, limit="100.00")
    for _ in range(looks):
        world.tick(abc, "99.98", "100.00", size=1)
    with django_assert_num_queries(statements):
        assert len(api.get(url(order.id)).json()["timeline"]) <= 60


def test_a_trailing_stops_moves_are_counted_in_the_database(
    world: World, trader: Trader, api: Client, django_assert_num_queries
):
    abc = world.instrument()
    world.tick(abc, "99.98", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, trail="1")
    for price in range(101, 121):
        world.tick(abc, str(price), str(price), last=str(price), after_s=2)
    with django_assert_num_queries(STATEMENTS_TRAILING):
        body = api.get(url(order.id)).json()
    assert body["left_out"] == {"looks": 0, "moves": 18, "steps": 0}
