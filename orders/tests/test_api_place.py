"""Placing and previewing orders over HTTP: what is accepted, replayed, refused."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import CashBalance
from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.bus import NUDGE, get_bus
from bengi.events.models import Event
from bengi.ids import new_id
from instruments.models import Instrument
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from orders.models import Order
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, NOWHERE, TICKET, URL, post, same_but_request, signed_in, told
from portfolios.tests.factories import PortfolioFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market")]


def test_an_order_is_accepted(api, portfolio, django_capture_on_commit_callbacks):
    nudges = []
    stop = get_bus().subscribe(NUDGE, nudges.append)
    with django_capture_on_commit_callbacks(execute=True):
        response = post(api, {**TICKET, "client_order_id": "first"})
    stop()
    assert response.status_code == 201
    body = response.json()
    assert body | {"id": "", "reserved": ""} == {
        "id": "",
        "client_order_id": "first",
        "account_id": str(portfolio.account_id),
        "portfolio_id": str(portfolio.id),
        "symbol": "ABC",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "quantity": "10",
        "notional": None,
        "extended_hours": False,
        "limit_price": "99.5",
        "stop_price": None,
        "trail_price": None,
        "trail_percent": None,
        "expires_at": None,
        "high_water_mark": None,
        "realism": "realistic",
        "lots": [],
        "replaces": None,
        "replaced_by": None,
        "order_class": "simple",
        "group_id": None,
        "parent_id": None,
        "leg": None,
        "legs": [],
        "status": "accepted",
        "filled_quantity": "0",
        "busted_quantity": "0",
        "leaves_quantity": "10",
        "average_price": None,
        "reserved": "",
        "commission": "0",
        "fees": "0",
        "reason": "",
        "accepted_at": "2026-01-05T15:00:01.000000Z",
        "updated_at": "2026-01-05T15:00:01.000000Z",
        "triggered_at": None,
        "released_at": None,
        "closed_at": None,
    }
    assert body["reserved"] == "995"
    assert response["Location"] == f"{URL}/{body['id']}"
    assert nudges == [0]
    event = Event.objects.get(stream_id=portfolio.account_id)
    assert (event.seq, event.type, event.payload["order"] | {"legs": []}) == (
        1,
        "order.accepted",
        body,
    )


def test_the_same_key_and_body_is_the_same_order(api):
    first = post(api, {**TICKET, "client_order_id": "k"})
    again = post(api, {**TICKET, "quantity": 10, "limit_price": "99.500", "client_order_id": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert again.json() == first.json()
    assert Order.objects.count() == Event.objects.count() == 1


def test_the_same_key_and_another_body_is_refused(api):
    post(api, {**TICKET, "client_order_id": "k"})
    response = post(api, {**TICKET, "quantity": "11", "client_order_id": "k"})
    assert response.status_code == 422
    assert told(response) == {"client_order_id": "idempotency_mismatch"}
    assert Order.objects.count() == 1


def test_the_header_is_the_key_where_the_body_has_none(api):
    first = post(api, TICKET, HTTP_IDEMPOTENCY_KEY="from-header")
    again = post(api, TICKET, HTTP_IDEMPOTENCY_KEY="from-header")
    own = {**TICKET, "client_order_id": "own", "confirm_duplicate": True}
    other = post(api, own, HTTP_IDEMPOTENCY_KEY="from-header")
    assert [r.status_code for r in (first, again, other)] == [201, 200, 201]
    assert first.json()["client_order_id"] == "from-header"
    assert other.json()["client_order_id"] == "own"


def test_without_a_key_each_request_is_an_order(api):
    meant = {**TICKET, "confirm_duplicate": True}
    ids = {post(api, meant).json()["client_order_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("key", ["", "k" * 129, "naïve"])
def test_a_header_that_is_no_key_is_refused(api, key):
    response = post(api, TICKET, HTTP_IDEMPOTENCY_KEY=key)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_idempotency_key")


def test_keys_of_other_accounts_do_not_matter(api):
    other = PortfolioFactory()
    OrderFactory(portfolio=other, client_order_id="k")
    assert post(api, {**TICKET, "client_order_id": "k"}).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"symbol": None}, 400, {"symbol": "invalid_field"}),
        ({"symbol": "A" * 17}, 400, {"symbol": "invalid_field"}),
        ({"side": "BUY"}, 400, {"side": "invalid_field"}),
        ({"side": True}, 400, {"side": "invalid_field"}),
        ({"type": "LIMIT"}, 400, {"type": "invalid_field"}),
        ({"type": {}}, 400, {"type": "invalid_field"}),
        ({"time_in_force": "forever"}, 400, {"time_in_force": "invalid_field"}),
        ({"quantity": "0"}, 400, {"quantity": "invalid_quantity"}),
        ({"quantity": 1.5}, 400, {"quantity": "invalid_quantity"}),
        ({"quantity": "1e1"}, 400, {"quantity": "invalid_quantity"}),
        ({"limit_price": 99.5}, 400, {"limit_price": "invalid_field"}),
        ({"limit_price": "-1"}, 400, {"limit_price": "invalid_field"}),
        ({"limit_price": None}, 400, {"limit_price": "missing_price"}),
        ({"stop_price": "99"}, 400, {"stop_price": "unexpected_price"}),
        ({"type": "market"}, 400, {"limit_price": "unexpected_price"}),
        ({"type": "stop"}, 400, {"limit_price": "unexpected_price", "stop_price": "missing_price"}),
        ({"qty": "1"}, 400, {"qty": "unknown_field"}),
        ({"client_order_id": ""}, 400, {"client_order_id": "invalid_field"}),
        ({"client_order_id": "k" * 129}, 400, {"client_order_id": "invalid_field"}),
        ({"client_order_id": 7}, 400, {"client_order_id": "invalid_field"}),
        ({"portfolio_id": "main"}, 400, {"portfolio_id": "invalid_field"}),
        ({"portfolio_id": NOWHERE}, 404, {}),
        ({"symbol": "NOPE"}, 422, {"symbol": "unknown_symbol"}),
        ({"limit_price": "99.505"}, 422, {"limit_price": "invalid_tick"}),
        ({"quantity": "0.5"}, 422, {"quantity": "invalid_step"}),
        ({"quantity": "101"}, 422, {"quantity": "insufficient_funds"}),
        ({"side": "sell", "limit_price": "101"}, 422, {"quantity": "insufficient_position"}),
        ({"limit_price": "50"}, 422, {"limit_price": "price_collar"}),
        (
            {"type": "trailing_stop"},
            400,
            {"limit_price": "unexpected_price", "trail_price": "missing_price"},
        ),
        ({"type": "stop_limit"}, 400, {"stop_price": "missing_price"}),
        ({"trail_percent": "-1"}, 400, {"trail_percent": "invalid_field"}),
        ({"time_in_force": "gtd"}, 400, {"expires_at": "missing_expiry"}),
        ({"expires_at": "2030-01-01T00:00:00Z"}, 400, {"expires_at": "unexpected_expiry"}),
        ({"time_in_force": "gtd", "expires_at": "tomorrow"}, 400, {"expires_at": "invalid_field"}),
        (
            {"time_in_force": "gtd", "expires_at": "2020-01-01T00:00:00Z"},
            422,
            {"expires_at": "expiry_in_the_past"},
        ),
        ({"time_in_force": "opg"}, 422, {"time_in_force": "opening_is_over"}),
        (
            {"limit_price": "50.005", "quantity": "0.5"},
            422,
            {
                "limit_price": "price_collar",
                "quantity": "invalid_step",
            },
        ),
    ],
)
def test_a_wrong_ticket_is_refused_and_changes_nothing(api, portfolio, change, status, expected):
    response = post(api, {**TICKET, **change})
    assert response.status_code == status, response.content
    assert told(response) == expected
    assert not Order.objects.exists()
    assert not Event.objects.exists()
    balance = CashBalance.objects.get(account=portfolio.account)
    assert (balance.amount, balance.reserved) == (10_000, 0)


def test_every_rule_that_fails_is_told_with_its_numbers(api):
    response = post(api, {**TICKET, "limit_price": "110.00", "quantity": "100.5"})
    assert response.status_code == 422
    errors = {error["code"]: error for error in response.json()["errors"]}
    assert errors.keys() == {"invalid_step", "insufficient_funds"}
    assert errors["insufficient_funds"]["needed"] == "11055"
    assert errors["insufficient_funds"]["available"] == "10000"
    assert response.json()["code"] == "invalid_step"


def test_a_wrong_shape_outweighs_a_rule(api, portfolio):
    portfolio.account.status = "frozen"
    portfolio.account.save()
    response = post(api, {**TICKET, "limit_price": None})
    assert response.status_code == 400
    assert response.json()["code"] == "missing_price"
    assert set(told(response).values()) == {"account_frozen", "missing_price"}


def test_a_frozen_account_may_not_order(api, portfolio):
    portfolio.account.status = "frozen"
    portfolio.account.save()
    response = post(api, TICKET)
    assert (response.status_code, response.json()["code"]) == (403, "account_frozen")


def test_a_stale_quote_refuses_a_market_order(api):
    clock.use(lambda: NOW + timedelta(minutes=5))
    response = post(api, {"symbol": "ABC", "side": "buy", "type": "market", "quantity": 1})
    assert response.status_code == 422
    assert told(response) == {"type": "stale_quote"}


def test_the_symbol_is_found_in_any_case(api):
    assert post(api, {**TICKET, "symbol": "abc"}).json()["symbol"] == "ABC"


def test_a_sell_holds_shares(api, portfolio):
    position = PositionFactory(
        portfolio=portfolio, instrument=InstrumentFactory(symbol="XYZ"), quantity=Decimal(10)
    )
    QuoteFactory(instrument=position.instrument)
    sell = {**TICKET, "symbol": "XYZ", "side": "sell", "quantity": "7", "limit_price": "101"}
    assert post(api, sell).status_code == 201
    position.refresh_from_db()
    assert position.reserved_quantity == 7
    more = {**sell, "quantity": "4"}
    assert told(post(api, more)) == {"quantity": "insufficient_position"}


def test_several_portfolios_have_to_be_told_apart(api, portfolio):
    second = PortfolioFactory(account=portfolio.account)
    assert told(post(api, TICKET)) == {"portfolio_id": "invalid_field"}
    placed = post(api, {**TICKET, "portfolio_id": str(second.id)})
    assert placed.json()["portfolio_id"] == str(second.id)


def test_without_a_portfolio_there_is_nothing_to_trade_in():
    assert told(post(signed_in(UserFactory()), TICKET)) == {"portfolio_id": "invalid_field"}


def test_another_users_portfolio_is_absent(api):
    absent = post(api, {**TICKET, "portfolio_id": str(new_id())})
    foreign = post(api, {**TICKET, "portfolio_id": str(PortfolioFactory().id)})
    assert foreign.status_code == 404
    assert same_but_request(foreign) == same_but_request(absent)


def test_placing_takes_a_fixed_number_of_statements(api, portfolio, django_assert_max_num_queries):
    post(api, TICKET)
    OrderFactory.create_batch(15, portfolio=portfolio)
    with django_assert_max_num_queries(PLACE_STATEMENTS):
        assert post(api, {**TICKET, "quantity": "9"}).status_code == 201


PLACE_STATEMENTS = 21
"""Session and user 2, portfolio 1, the transaction and its locks, reads and writes the rest."""


PREVIEW_STATEMENTS = 12 if connection.vendor == "postgresql" else 14
"""Session and user 2, portfolio 1, account and desk 11 (where rows are joined 9), the book 1."""


def test_a_preview_tells_what_it_would_cost_and_writes_nothing(api):
    body = post(api, TICKET, f"{URL}/preview").json()
    checks, sketch = body.pop("checks"), body.pop("sketch")
    assert body | {"notes": []} == {
        "symbol": "ABC",
        "currency": "USD",
        "quantity": "10",
        "estimated_price": "99.5",
        "gross_amount": "995",
        "commission": "0",
        "fees": "0",
        "reserve": "995",
        "buying_power_before": "10000",
        "buying_power_after": "9005",
        "is_estimate": False,
        "quote": {
            "bid": "99.98",
            "bid_size": "300",
            "ask": "100.02",
            "ask_size": "200",
            "last": "100",
            "as_of": "2026-01-05T15:00:00.000000Z",
            "spread": "0.04",
            "spread_bps": "4",
        },
        "quote_age_s": 1.0,
        "notes": [],
        "errors": [],
    }
    assert sketch == {
        "quantity": "0",
        "average_price": None,
        "rest": "10",
        "rest_does": "rests",
        "text": "All would rest in the book.",
    }
    assert {
        "code": "price_collar",
        "field": "limit_price",
        "limit": ["90", "110"],
        "value": "99.5",
        "passed": True,
    } in checks
    assert all(check["passed"] for check in checks)
    assert len(body["notes"]) == 1
    assert not Order.objects.exists()


def test_a_preview_tells_why_the_order_would_be_refused(api):
    response = post(api, {**TICKET, "quantity": "200"}, f"{URL}/preview/")
    assert response.status_code == 200
    body = response.json()
    (error,) = body["errors"]
    assert (error["code"], error["field"]) == ("insufficient_funds", "quantity")
    assert (error["needed"], error["available"]) == ("19900", "10000")
    assert [check for check in body["checks"] if not check["passed"]] == [
        {
            "code": "insufficient_funds",
            "field": "quantity",
            "limit": "10000",
            "value": "19900",
            "passed": False,
        }
    ]


@pytest.mark.parametrize("count", [0, 30])
def test_a_preview_takes_a_fixed_number_of_statements(api, count, django_assert_num_queries):
    instrument = Instrument.objects.get(symbol="ABC")
    for _ in range(count):
        OrderFactory(instrument=instrument, side="sell")
    with django_assert_num_queries(PREVIEW_STATEMENTS):
        assert post(api, TICKET, f"{URL}/preview").status_code == 200


def test_a_preview_of_nonsense_is_refused(api):
    assert told(post(api, {**TICKET, "side": "up"}, f"{URL}/preview")) == {"side": "invalid_field"}
    unknown = post(api, {**TICKET, "symbol": "NOPE"}, f"{URL}/preview")
    assert (unknown.status_code, told(unknown)) == (422, {"symbol": "unknown_symbol"})


def test_an_order_is_replaced_by_patch(api, portfolio):
    old = post(api, TICKET).json()
    where = f"/api/v1/orders/{old['id']}"
    change = {"quantity": "5", "client_order_id": "second"}
    response = api.patch(where, change, content_type="application/json")
    assert response.status_code == 200, response.content
    new = response.json()
    assert (new["status"], new["replaces"], new["quantity"]) == ("held", old["id"], "5")
    assert new["client_order_id"] == "second"
    assert api.get(where).json()["status"] == "pending_replace"
    again = api.patch(where, change, content_type="application/json")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == new["id"]
    other = api.patch(where, {"quantity": "6"}, content_type="application/json")
    assert (other.status_code, other.json()["code"]) == (409, "order_not_replaceable")
    wrong = api.patch(where, {"symbol": "AAPL", "quantity": "0"}, content_type="application/json")
    assert told(wrong) == {"symbol": "unknown_field", "quantity": "invalid_quantity"}
    nobody = api.patch(f"/api/v1/orders/{NOWHERE}", change, content_type="application/json")
    assert nobody.status_code == 404
