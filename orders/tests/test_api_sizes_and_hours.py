"""Amounts, parts of a share and extended hours over HTTP; a refusal moves nothing.

ABC quotes 99.98 to 100.02 on Monday 2026-01-05 at 15:00:01 UTC, in New York's session.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import CashBalance, LedgerEntry
from bengi import clock
from bengi.events.models import Event
from instruments.models import Instrument
from orders.models import Order
from orders.tests.http import NOW, TICKET, URL, post, told
from orders.tests.test_api_place import PLACE_STATEMENTS
from portfolios.models import Position

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market", "parts")]
AMOUNT = {"symbol": "ABC", "side": "buy", "type": "market", "notional": "500.00"}
EXTENDED = {**TICKET, "extended_hours": True}


@pytest.fixture
def parts(market, settings):
    settings.MARKET_HOURS = "exchange"
    Instrument.objects.update(quantity_step=Decimal("0.0001"), exchange_step=Decimal(1))


def test_an_amount_is_accepted_with_what_it_comes_to(api, portfolio) -> None:
    """500 / 100.02 = 4.9990.. shares; the amount is held, no commission."""
    body = post(api, AMOUNT).json()
    assert {
        name: body[name] for name in ("quantity", "notional", "reserved", "extended_hours")
    } == {
        "quantity": "4.999",
        "notional": "500",
        "reserved": "500",
        "extended_hours": False,
    }
    assert api.get(f"{URL}/{body['id']}").json() == body
    event = Event.objects.get(stream_id=portfolio.account_id)
    assert event.payload["order"] | {"legs": []} == body
    (step,) = event.payload["steps"]
    assert step["formula"] == {
        "price": "104.03",
        "basis": "notional",
        "quantity": "4.999",
        "commission": "0",
    }


def test_an_amount_may_be_whole_and_repeated(api) -> None:
    asked = {**AMOUNT, "notional": 500, "client_order_id": "once"}
    first, again = post(api, asked), post(api, {**asked, "notional": "500.00"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = post(api, {**asked, "notional": "501"})
    assert told(other) == {"client_order_id": "idempotency_mismatch"}


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"quantity": "5"}, 400, {"notional": "invalid_quantity"}),
        ({"notional": None}, 400, {"quantity": "invalid_field"}),
        ({"notional": "0"}, 400, {"notional": "invalid_amount"}),
        ({"notional": "-5"}, 400, {"notional": "invalid_amount"}),
        ({"notional": 5.5}, 400, {"notional": "invalid_amount"}),
        ({"notional": "5e2"}, 400, {"notional": "invalid_amount"}),
        ({"notional": "500.001"}, 400, {"notional": "invalid_amount"}),
        ({"notional": "0.01"}, 400, {"notional": "invalid_quantity"}),
        ({"notional": "10000.01"}, 422, {"notional": "insufficient_funds"}),
        ({"time_in_force": "gtc"}, 422, {"time_in_force": "unsupported_combination"}),
        ({"time_in_force": "ioc"}, 422, {"time_in_force": "unsupported_combination"}),
        (
            {"type": "limit", "limit_price": "99"},
            422,
            {"type": "unsupported_combination"},
        ),
        ({"extended_hours": True}, 422, {"type": "unsupported_combination"}),
        ({"side": "sell"}, 422, {"notional": "insufficient_position"}),
        (
            {"order_class": "oto", "stop_loss": {"stop_price": "95"}},
            422,
            {"order_class": "unsupported_combination"},
        ),
    ],
)
def test_an_amount_that_is_refused_moves_nothing(api, change, status, expected) -> None:
    response = post(api, AMOUNT | change)
    assert (response.status_code, told(response)) == (status, expected)
    assert_nothing_moved()


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"extended_hours": "true"}, 400, {"extended_hours": "invalid_field"}),
        ({"extended_hours": 1}, 400, {"extended_hours": "invalid_field"}),
        ({"extended_hours": None}, 400, {"extended_hours": "invalid_field"}),
        ({"time_in_force": "ioc"}, 422, {"time_in_force": "unsupported_combination"}),
        ({"time_in_force": "cls"}, 422, {"time_in_force": "unsupported_combination"}),
        ({"type": "market", "limit_price": None}, 422, {"type": "unsupported_combination"}),
        (
            {"type": "stop", "limit_price": None, "stop_price": "101"},
            422,
            {"type": "unsupported_combination"},
        ),
        (
            {"order_class": "oto", "stop_loss": {"stop_price": "95"}},
            422,
            {"order_class": "unsupported_combination"},
        ),
    ],
)
def test_what_does_not_go_with_extended_hours_moves_nothing(api, change, status, expected) -> None:
    response = post(api, EXTENDED | change)
    assert response.status_code == status
    assert expected.items() <= told(response).items()
    assert_nothing_moved()


def test_there_are_no_extended_hours_in_london(api) -> None:
    Instrument.objects.update(mic="XLON", exchange_step=None)
    response = post(api, EXTENDED)
    assert told(response) == {"extended_hours": "unsupported_combination"}
    assert_nothing_moved()
    assert post(api, EXTENDED | {"extended_hours": False}).status_code == 201


@pytest.mark.parametrize("word", ["day", "gtc"])
def test_an_order_with_extended_hours_is_accepted(api, word: str) -> None:
    body = post(api, EXTENDED | {"time_in_force": word}).json()
    assert (body["extended_hours"], body["status"]) == (True, "accepted")


def test_the_flag_belongs_to_the_body_of_a_key(api) -> None:
    asked = {**TICKET, "client_order_id": "once"}
    assert post(api, {**asked, "extended_hours": False}).status_code == 201
    assert post(api, asked).status_code == 200
    other = post(api, {**asked, "extended_hours": True})
    assert told(other) == {"client_order_id": "idempotency_mismatch"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"time_in_force": "gtc"}, {"quantity": "unsupported_combination"}),
        ({"quantity": "1.00005"}, {"quantity": "invalid_step"}),
        (
            {"type": "stop", "limit_price": None, "stop_price": "101"},
            {"quantity": "unsupported_combination"},
        ),
    ],
)
def test_parts_that_cannot_be_had_move_nothing(api, change, expected) -> None:
    response = post(api, {**TICKET, "quantity": "1.5", **change})
    assert (response.status_code, told(response)) == (422, expected)
    assert_nothing_moved()


def test_parts_of_a_share_can_be_had_for_the_day(api) -> None:
    assert post(api, {**TICKET, "quantity": "0.0001"}).status_code == 422, "worth less than a cent"
    body = post(api, {**TICKET, "quantity": "1.2345"}).json()
    assert (body["quantity"], body["reserved"]) == ("1.2345", "122.84")  # 122.83275


def test_a_preview_of_an_amount_says_what_it_comes_to(api) -> None:
    body = post(api, AMOUNT, f"{URL}/preview").json()
    assert {name: body[name] for name in ("quantity", "gross_amount", "reserve", "errors")} == {
        "quantity": "4.999",
        "gross_amount": "500",  # 4.999 x 100.02 = 499.99998
        "reserve": "500",
        "errors": [],
    }
    assert "spends the amount at most" in body["notes"][0]
    assert_nothing_moved()


def test_a_preview_tells_what_an_amount_would_be_refused_for(api) -> None:
    (error,) = post(api, AMOUNT | {"notional": "0.01"}, f"{URL}/preview").json()["errors"]
    assert (error["code"], error["field"]) == ("invalid_quantity", "notional")


def test_a_market_order_after_the_close_waits_and_says_so(api) -> None:
    """Seven hours later the quote is old, and the exchange closed."""
    clock.use(lambda: NOW + timedelta(hours=8))
    market = {"symbol": "ABC", "side": "buy", "type": "market", "quantity": "5"}
    body = post(api, market, f"{URL}/preview").json()
    assert body["errors"] == []
    assert "next opening" in body["notes"][0]
    assert post(api, market).json()["status"] == "accepted"
    assert post(api, AMOUNT).json()["status"] == "accepted"


def test_in_the_session_an_old_quote_still_refuses_them(api) -> None:
    clock.use(lambda: NOW + timedelta(seconds=60))
    for ticket in (AMOUNT, {"symbol": "ABC", "side": "buy", "type": "market", "quantity": "5"}):
        assert told(post(api, ticket)) == {"type": "stale_quote"}
    assert_nothing_moved()


def test_an_amount_takes_as_many_statements_as_any_order(api, django_assert_max_num_queries):
    post(api, AMOUNT)
    with django_assert_max_num_queries(PLACE_STATEMENTS):
        assert post(api, AMOUNT | {"confirm_duplicate": True}).status_code == 201


def assert_nothing_moved() -> None:
    assert Order.objects.count() == Event.objects.count() == LedgerEntry.objects.count() == 0
    balance = CashBalance.objects.get()
    assert (balance.amount, balance.reserved) == (10_000, 0)
    assert not Position.objects.exclude(reserved_quantity=0).exists()
