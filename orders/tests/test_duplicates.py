"""The same order twice within seconds is asked about; said that it is meant, it is placed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bengi import clock
from bengi.errors import Conflict
from bengi.terms import OrderStatus, Side
from orders.models import Order
from orders.services import Placement, place_orders
from orders.tests.http import NOW, TICKET, URL, post
from orders.tickets import OrderTicket
from portfolios.tests.factories import PositionFactory

pytestmark = pytest.mark.usefixtures("market")


def code_of(response):
    return response.status_code, response.json().get("code")


def later(seconds):
    clock.use(lambda: NOW + timedelta(seconds=seconds))


def test_the_same_order_under_another_key_is_a_possible_duplicate(api):
    first = post(api, {**TICKET, "client_order_id": "one"}).json()
    answer = post(api, {**TICKET, "client_order_id": "two"})
    assert code_of(answer) == (409, "possible_duplicate")
    assert answer.json()["errors"] == [
        {
            "field": "confirm_duplicate",
            "code": "possible_duplicate",
            "detail": "The same order, buy 10 ABC, came in a moment ago. "
            "Confirm it if you mean both.",
            "order": first["id"],
        }
    ]
    assert Order.objects.count() == 1


def test_confirmed_it_is_another_order(api):
    post(api, TICKET)
    answer = post(api, {**TICKET, "client_order_id": "two", "confirm_duplicate": True})
    assert answer.status_code == 201
    again = post(api, {**TICKET, "client_order_id": "two"})
    assert again.status_code == 200, "its key is its own, whether it is confirmed again or not"
    assert Order.objects.count() == 2


def test_the_same_key_is_the_same_order_and_no_duplicate(api):
    answers = [post(api, {**TICKET, "client_order_id": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]


@pytest.mark.parametrize(("seconds", "status"), [(2.999, 409), (3, 201)])
def test_it_is_one_for_three_seconds(api, seconds, status):
    post(api, TICKET)
    later(seconds)
    assert post(api, TICKET).status_code == status


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "11"},
        {"limit_price": "99.51"},
        {"type": "stop_limit", "stop_price": "101", "limit_price": "101"},
        {"side": "sell"},
    ],
)
def test_any_difference_to_the_eye_is_a_difference(api, portfolio, change):
    instrument = Order.objects.get(id=post(api, TICKET).json()["id"]).instrument
    PositionFactory(portfolio=portfolio, instrument=instrument, quantity=Decimal(10))
    assert post(api, {**TICKET, **change}).status_code == 201


@pytest.mark.parametrize("change", [{"time_in_force": "gtc"}, {"limit_price": "99.5"}])
def test_time_in_force_and_a_trailing_zero_are_none(api, change):
    post(api, TICKET)
    assert code_of(post(api, {**TICKET, **change})) == (409, "possible_duplicate")


def test_trailing_stops_are_told_apart_by_their_trail(api):
    trailing = {"symbol": "ABC", "side": "buy", "type": "trailing_stop", "quantity": "1"}
    assert post(api, {**trailing, "trail_price": "1"}).status_code == 201
    assert post(api, {**trailing, "trail_price": "2"}).status_code == 201
    assert code_of(post(api, {**trailing, "trail_price": "2"})) == (409, "possible_duplicate")


@pytest.mark.parametrize(("filled", "status"), [(0, 201), (3, 409)])
def test_what_has_closed_without_a_fill_is_nobodys_double(api, filled, status):
    order = Order.objects.get(id=post(api, TICKET).json()["id"])
    order.status, order.closed_at, order.reserved = OrderStatus.CANCELED, NOW, 0
    order.filled_quantity = filled
    order.save()
    assert post(api, TICKET).status_code == status


def test_all_that_speaks_against_it_is_told_together(api):
    post(api, TICKET)
    order = Order.objects.get()
    order.account.balances.update(amount=order.reserved)
    answer = post(api, TICKET).json()
    assert (answer["status"], answer["code"]) == (409, "possible_duplicate")
    codes = [error["code"] for error in answer["errors"]]
    assert codes == ["insufficient_funds", "possible_duplicate"]


@pytest.mark.parametrize("value", ["true", 1, "on", None])
def test_a_flag_is_true_or_false(api, value):
    answer = post(api, {**TICKET, "confirm_duplicate": value})
    assert code_of(answer) == (400, "invalid_field")


def test_two_of_one_batch_are_alike_too(portfolio):
    tickets = [
        OrderTicket(
            account_id=portfolio.account_id,
            portfolio_id=portfolio.id,
            symbol="ABC",
            side=Side.BUY,
            type="limit",
            time_in_force="day",
            quantity=Decimal(1),
            limit_price=Decimal(99),
            client_order_id=f"batch-{number}",
        )
        for number in range(2)
    ]
    first, second = place_orders(tickets, now=NOW)
    assert isinstance(first, Placement)
    assert isinstance(second, Conflict)
    assert second.details["order"] == str(first.order.id)


def test_the_preview_warns_of_it(api):
    post(api, TICKET)
    errors = post(api, TICKET, f"{URL}/preview").json()["errors"]
    assert [error["code"] for error in errors] == ["possible_duplicate"]
    sure = {**TICKET, "confirm_duplicate": True}
    assert post(api, sure, f"{URL}/preview").json()["errors"] == []


def test_an_order_that_replaces_another_is_not_its_double(api):
    order = post(api, TICKET).json()
    answer = api.patch(
        f"{URL}/{order['id']}", {"time_in_force": "gtc"}, content_type="application/json"
    )
    assert answer.status_code == 200
