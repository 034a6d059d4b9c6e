"""Orders over HTTP: list, look, cancel, and who may."""

from decimal import Decimal

import pytest
from django.test import Client

from bengi.bus import NUDGE, get_bus
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.terms import OrderStatus, Side
from instruments.tests.factories import InstrumentFactory
from orders.models import Order
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, NOWHERE, TICKET, URL, cancel, post, same_but_request, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market")]


# -- looking -----------------------------------------------------------------------------------


def test_one_order(api, portfolio):
    order = OrderFactory(portfolio=portfolio)
    response = api.get(f"{URL}/{order.id}")
    assert response.status_code == 200
    assert response.json()["id"] == str(order.id)
    assert response.json()["symbol"] == order.instrument.symbol


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", "/cancel")])
def test_another_users_order_is_absent(api, method, end):
    foreign = api.generic(method, f"{URL}/{OrderFactory().id}{end}")
    absent = api.generic(method, f"{URL}/{new_id()}{end}")
    assert foreign.status_code == absent.status_code == 404
    assert same_but_request(foreign) == same_but_request(absent)
    assert foreign.json()["code"] == "not_found"


@pytest.mark.parametrize("name", ["0", "x", "%00", "1" * 300])
def test_an_address_that_names_no_order(api, name):
    assert api.get(f"{URL}/{name}").json()["code"] == "not_found"


def test_the_list_is_the_users_own_newest_first(api, portfolio):
    OrderFactory()
    own = OrderFactory.create_batch(3, portfolio=portfolio)
    body = api.get(URL).json()
    assert [order["id"] for order in body["results"]] == [str(o.id) for o in reversed(own)]
    assert body["next"] is None


def test_the_list_in_pages_has_every_order_once(api, portfolio):
    own = [str(order.id) for order in OrderFactory.create_batch(7, portfolio=portfolio)]
    seen, cursor = [], ""
    while cursor is not None:
        query = f"?limit=3&cursor={cursor}" if cursor else "?limit=3"
        body = api.get(URL + query).json()
        seen += [order["id"] for order in body["results"]]
        cursor = body["next"]
        OrderFactory(portfolio=portfolio)  # what is added meanwhile does not move the pages
    assert seen == own[::-1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "abcde"),
        ("?status=all", "abcde"),
        ("?status=open", "acde"),
        ("?status=closed", "b"),
        ("?status=partially_filled", "c"),
        ("?status=new", "ade"),
        ("?side=sell", "d"),
        ("?symbol=xyz", "e"),
        ("?symbol=XYZ&side=sell", ""),
        ("?status=rejected", ""),
    ],
)
def test_filters(api, portfolio, query, names):
    made = InstrumentFactory(symbol="MADE")
    common = {"portfolio": portfolio, "instrument": made}
    closed = {"status": OrderStatus.FILLED, "closed_at": NOW, "filled_quantity": Decimal(10)}
    OrderFactory(client_order_id="a", **common)
    OrderFactory(client_order_id="b", **closed, **common)
    OrderFactory(client_order_id="c", status=OrderStatus.PARTIALLY_FILLED, **common)
    OrderFactory(client_order_id="d", side=Side.SELL, **common)
    OrderFactory(client_order_id="e", portfolio=portfolio, instrument__symbol="XYZ")
    found = api.get(URL + query).json()["results"]
    assert sorted(order["client_order_id"] for order in found) == list(names)


@pytest.mark.parametrize(
    "query",
    [
        *("status=OPEN", "side=both", "limit=0", "limit=999", "colour=red", "symbol="),
        *("cursor=x", "cursor=%00", "cursor=WyJ4Il0", "cursor=W10", "cursor=WyJhIiwiYiJd"),
        "cursor=WyJcdTAwMDAiXQ",
    ],
)
def test_wrong_queries(api, query):
    response = api.get(f"{URL}?{query}")
    assert response.status_code == 400
    assert told(response) == {query.split("=")[0]: "invalid_parameter"}


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_takes_three_statements(api, portfolio, count, django_assert_num_queries):
    OrderFactory.create_batch(count, portfolio=portfolio)
    with django_assert_num_queries(3):  # session, user, orders
        assert len(api.get(URL).json()["results"]) == count


def test_one_order_takes_three_statements(api, portfolio, django_assert_num_queries):
    order = OrderFactory(portfolio=portfolio)
    with django_assert_num_queries(3):
        api.get(f"{URL}/{order.id}")


# -- canceling ---------------------------------------------------------------------------------


def test_a_cancel_is_asked_for_and_the_engine_is_nudged(
    api, portfolio, django_capture_on_commit_callbacks
):
    order = OrderFactory(portfolio=portfolio)
    nudges = []
    stop = get_bus().subscribe(NUDGE, nudges.append)
    with django_capture_on_commit_callbacks(execute=True):
        response = cancel(api, order.id)
    stop()
    assert response.status_code == 200
    assert response.json()["status"] == "pending_cancel"
    assert nudges == [0]
    again = api.post(f"{URL}/{order.id}/cancel/", {}, content_type="application/json")
    assert (again.status_code, again.json()["status"]) == (200, "pending_cancel")
    assert [e.type for e in Event.objects.all()] == ["order.pending_cancel"]


@pytest.mark.parametrize("status", ["filled", "canceled", "expired", "rejected"])
def test_a_closed_order_cannot_be_canceled(api, portfolio, status):
    order = OrderFactory(portfolio=portfolio, status=status, closed_at=NOW)
    response = cancel(api, order.id)
    assert response.status_code == 409
    assert response.json()["code"] == "order_not_cancelable"
    order.refresh_from_db()
    assert order.status == status
    assert not Event.objects.exists()


def test_a_cancel_takes_no_fields(api, portfolio):
    order = OrderFactory(portfolio=portfolio)
    response = post(api, {"why": "because"}, f"{URL}/{order.id}/cancel")
    assert told(response) == {"why": "unknown_field"}


def test_canceling_takes_a_fixed_number_of_statements(
    api, portfolio, django_assert_max_num_queries
):
    order = OrderFactory(portfolio=portfolio)
    with django_assert_max_num_queries(CANCEL_STATEMENTS):
        cancel(api, order.id)


CANCEL_STATEMENTS = 11
"""Session and user 2, owner 1, savepoint 2, lock 1, order 2, event 3."""

# -- doors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", URL),
        ("post", URL),
        ("get", f"{URL}/{NOWHERE}"),
        ("post", f"{URL}/{NOWHERE}/cancel"),
    ],
)
def test_who_is_not_signed_in_gets_nowhere(method, path):
    response = getattr(Client(), method)(path)
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response["WWW-Authenticate"]


def test_a_post_needs_the_csrf_token(portfolio):
    api = Client(enforce_csrf_checks=True)
    api.force_login(portfolio.account.user)
    response = post(api, TICKET)
    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", URL, "GET, POST"),
        ("delete", f"{URL}/{NOWHERE}", "GET"),
        ("get", f"{URL}/{NOWHERE}/cancel", "POST"),
    ],
)
def test_other_methods(api, method, path, allowed):
    response = getattr(api, method)(path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response["Allow"].startswith(allowed)


def test_a_slash_at_the_end_is_the_same_address(api):
    assert api.get(URL + "/").status_code == 200
    assert post(api, TICKET, URL + "/").status_code == 201
