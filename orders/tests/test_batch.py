"""Many orders in one request, and many asked to go at once."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CashBalance
from accounts.tests.factories import CashBalanceFactory
from bengi.events.models import Event
from bengi.ids import new_id
from orders.models import Order
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, TICKET, URL, post, signed_in, told
from portfolios.tests.factories import PortfolioFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market")]

BATCH = f"{URL}/batch"
ALL = f"{URL}/cancel-all"


def batch(api, *tickets):
    return post(api, {"orders": list(tickets)}, BATCH)


def ticket(key, **changes):
    return {**TICKET, "client_order_id": key, "confirm_duplicate": True, **changes}


def test_each_is_told_in_its_place_as_if_it_came_alone(api, portfolio):
    answer = batch(
        api,
        ticket("a"),
        ticket("b", quantity="200"),
        ticket("c", colour="red"),
        ticket("d", symbol="NONE"),
        ticket("a"),
        ticket("a", quantity="11"),
        ticket("e", portfolio_id=str(PortfolioFactory().id)),
        ticket("f", portfolio_id=str(new_id())),
        ticket("g", side="sell"),
        ticket("h", type="market"),
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    codes = [(r["status"], r["problem"] and r["problem"]["code"]) for r in results]
    assert codes == [
        (201, None),
        (422, "insufficient_funds"),
        (400, "unknown_field"),
        (422, "unknown_symbol"),
        (200, None),
        (422, "idempotency_mismatch"),
        (404, "not_found"),
        (404, "not_found"),
        (422, "insufficient_position"),
        (400, "unexpected_price"),
    ]
    assert results[6] == results[7], "another user's portfolio is an absent one"
    assert [r["replayed"] for r in results][4] is True
    assert results[0]["order"]["id"] == results[4]["order"]["id"]
    assert results[0]["order"]["legs"] == []
    order = Order.objects.get()
    assert order.client_order_id == "a"
    assert CashBalance.objects.get().reserved == order.reserved == Decimal("995")
    assert [e.type for e in Event.objects.all()] == ["order.accepted"]
    alone = post(api, ticket("b", quantity="200")).json()
    problem = results[1]["problem"]
    assert {k: v for k, v in alone.items() if k != "request_id"} == problem


def test_money_runs_out_along_the_batch(api, portfolio):
    results = batch(api, *(ticket(str(n), quantity="40") for n in range(4))).json()["results"]
    assert [r["status"] for r in results] == [201, 201, 422, 422]
    assert CashBalance.objects.get().reserved == Decimal(7960)


def test_the_whole_batch_again_makes_nothing_again(api):
    tickets = [ticket(str(n), quantity="1") for n in range(3)]
    first, second = batch(api, *tickets).json(), batch(api, *tickets).json()
    assert [r["status"] for r in second["results"]] == [200] * 3
    assert [r["order"]["id"] for r in first["results"]] == [
        r["order"]["id"] for r in second["results"]
    ]
    assert Order.objects.count() == 3


def test_groups_come_with_their_legs(api):
    bracket = ticket(
        "g",
        order_class="bracket",
        take_profit={"limit_price": "110"},
        stop_loss={"stop_price": "90"},
    )
    group, simple = batch(api, bracket, ticket("s", quantity="1")).json()["results"]
    assert [leg["leg"] for leg in group["order"]["legs"]] == ["take_profit", "stop_loss"]
    assert simple["order"]["legs"] == []


def test_orders_of_several_accounts_go_in_one_batch(api, portfolio):
    other = PortfolioFactory(account__user=portfolio.account.user)
    CashBalanceFactory(account=other.account)
    (nameless, *named) = batch(
        api, *(ticket("k", portfolio_id=p and str(p.id)) for p in (None, portfolio, other))
    ).json()["results"]
    assert nameless["problem"]["errors"][0]["field"] == "portfolio_id"
    assert [r["order"]["account_id"] for r in named] == [
        str(portfolio.account_id),
        str(other.account_id),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orders": []},
        {"orders": {}},
        {"orders": ["x"]},
        {"orders": [{}] * 501},
        {"orders": None},
    ],
)
def test_a_batch_that_cannot_be_read(api, body):
    answer = post(api, body, BATCH)
    assert (answer.status_code, told(answer)) == (400, {"orders": "invalid_field"})
    assert not Order.objects.exists()


def test_five_hundred_tickets_are_taken(api, portfolio):
    CashBalance.objects.update(amount=Decimal(1_000_000))
    results = batch(api, *(ticket(f"k{n}", quantity="1") for n in range(500))).json()["results"]
    statuses = [r["status"] for r in results]
    accepted = statuses.count(201)
    refused = {r["problem"]["code"] for r in results if r["problem"]}
    assert len(statuses) == 500
    assert refused <= {"too_many_open_orders"}
    assert accepted == Order.objects.count() == Event.objects.count() == 20


def count_of(act) -> int:
    """Return the statements of act. An INSERT in parts, as SQLite wants it, counts once."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        act()
    kinds = [query["sql"].split("(")[0] for query in seen.captured_queries]
    return sum(
        not (kind.startswith("INSERT") and n and kinds[n - 1] == kind)
        for n, kind in enumerate(kinds)
    )


def test_statements_do_not_grow_with_a_batch(api):
    few = count_of(lambda: batch(api, *(ticket(f"a{n}", quantity="1") for n in range(2))))
    many = count_of(lambda: batch(api, *(ticket(f"b{n}", quantity="1") for n in range(12))))
    assert many == few


# -- all of them go ----------------------------------------------------------------------------


def test_all_open_orders_are_asked_once(api, portfolio, django_capture_on_commit_callbacks):
    working = OrderFactory.create_batch(3, portfolio=portfolio)
    OrderFactory(portfolio=portfolio, status="filled", closed_at=NOW, filled_quantity=Decimal(10))
    OrderFactory(portfolio=portfolio, status="pending_cancel")
    foreign = OrderFactory()
    answer = post(api, {}, ALL)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r["id"] for r in results] == [str(order.id) for order in working]
    assert {r["status"] for r in results} == {"pending_cancel"}
    foreign.refresh_from_db()
    assert foreign.status == "new"
    assert [e.type for e in Event.objects.all()] == ["order.pending_cancel"] * 3
    assert post(api, {}, ALL).json() == {"results": []}


def test_those_that_are_named_go(api, portfolio):
    other = PortfolioFactory(account__user=portfolio.account.user)
    a = OrderFactory(portfolio=portfolio, instrument__symbol="AAA")
    b = OrderFactory(portfolio=portfolio, instrument__symbol="BBB", side="sell")
    c = OrderFactory(portfolio=other, instrument=a.instrument)
    for body, found in [
        ({"account_id": str(other.account_id)}, [c]),
        ({"symbol": "bbb", "side": "buy"}, []),
        ({"side": "sell"}, [b]),
        ({"symbol": "aaa"}, [a]),
    ]:
        results = post(api, body, ALL).json()["results"]
        assert [r["id"] for r in results] == [str(order.id) for order in found]


def test_anothers_account_is_an_absent_one(api):
    foreign, absent = (
        post(api, {"account_id": str(account_id)}, ALL)
        for account_id in (PortfolioFactory().account_id, new_id())
    )
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() | {"request_id": ""} == absent.json() | {"request_id": ""}


@pytest.mark.parametrize("body", [{"side": "both"}, {"account_id": "x"}, {"all": True}])
def test_wrong_filters_cancel_nothing(api, portfolio, body):
    OrderFactory(portfolio=portfolio)
    assert post(api, body, ALL).status_code == 400
    assert Order.objects.get().status == "new"


def test_statements_do_not_grow_with_orders_to_cancel(api, portfolio):
    OrderFactory.create_batch(2, portfolio=portfolio)
    few = count_of(lambda: post(api, {}, ALL))
    OrderFactory.create_batch(15, portfolio=portfolio)
    assert count_of(lambda: post(api, {}, ALL)) == few


# -- closing a position ------------------------------------------------------------------------


@pytest.fixture
def position(portfolio, market):
    from instruments.models import Instrument

    instrument = Instrument.objects.get(symbol="ABC")
    return PositionFactory(portfolio=portfolio, instrument=instrument, quantity=Decimal(7))


def close(api, position_id, body=None, **headers):
    return post(api, body or {}, f"/api/v1/positions/{position_id}/close", **headers)


@pytest.mark.parametrize(
    ("body", "quantity"),
    [
        ({}, "7"),
        ({"percent": "100"}, "7"),
        ({"percent": "50"}, "3"),
        ({"percent": 99}, "6"),
        ({"quantity": "2"}, "2"),
    ],
)
def test_a_position_is_sold_at_the_market(api, position, body, quantity):
    answer = close(api, position.id, body)
    assert answer.status_code == 201
    order = answer.json()
    told = [order[k] for k in ("symbol", "side", "type", "time_in_force", "quantity")]
    assert told == ["ABC", "sell", "market", "day", quantity]
    assert answer["Location"] == f"/api/v1/orders/{order['id']}"
    position.refresh_from_db()
    assert position.reserved_quantity == Decimal(quantity)


@pytest.mark.parametrize("header", [False, True])
def test_a_key_closes_once_however_little_is_left(api, position, header):
    kwargs = {"headers": {"Idempotency-Key": "bye"}} if header else {}
    body = {"percent": "50"} | ({} if header else {"client_order_id": "bye"})
    first = close(api, position.id, body, **kwargs)
    position.quantity, position.reserved_quantity = Decimal(4), Decimal(0)
    position.save()
    second = close(api, position.id, body, **kwargs)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second["Idempotency-Replayed"] == "true"
    assert first.json()["id"] == second.json()["id"]
    other = close(api, position.id, body | {"percent": "60"}, **kwargs)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        ({"quantity": "8"}, 422, {"quantity": "insufficient_position"}),
        ({"quantity": "1", "percent": "1"}, 400, {"percent": "invalid_quantity"}),
        ({"percent": "101"}, 400, {"percent": "invalid_quantity"}),
        ({"percent": "1"}, 400, {"percent": "invalid_quantity"}),
        ({"percent": "0"}, 400, {"percent": "invalid_field"}),
        ({"quantity": "-1"}, 400, {"quantity": "invalid_quantity"}),
        ({"half": True}, 400, {"half": "unknown_field"}),
        ({"client_order_id": ""}, 400, {"client_order_id": "invalid_field"}),
    ],
)
def test_what_cannot_be_closed(api, position, body, status, errors):
    answer = close(api, position.id, body)
    assert (answer.status_code, told(answer)) == (status, errors)
    assert not Order.objects.exists()


def test_an_empty_position_has_nothing_to_sell(api, position):
    position.quantity = Decimal(0)
    position.save()
    answer = close(api, position.id)
    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_position")


def test_shares_that_orders_hold_are_not_sold_twice(api, position):
    assert close(api, position.id, {"quantity": "5"}).status_code == 201
    answer = close(api, position.id, {"confirm_duplicate": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_position")


def test_anothers_position_is_an_absent_one(api):
    foreign, absent = (close(api, key) for key in (PositionFactory().id, new_id()))
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() | {"request_id": ""} == absent.json() | {"request_id": ""}
    assert signed_in(PortfolioFactory().account.user).get(URL).json()["results"] == []
