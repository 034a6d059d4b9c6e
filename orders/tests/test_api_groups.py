"""Groups over HTTP: one request, one key, one answer with the legs in it."""

from decimal import Decimal

import pytest

from accounts.models import CashBalance
from bengi.events.models import Event
from orders.models import Order
from orders.tests.http import TICKET, URL, cancel, post, told
from portfolios.models import Position
from portfolios.tests.factories import PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market")]

BRACKET = TICKET | {
    "order_class": "bracket",
    "take_profit": {"limit_price": "110"},
    "stop_loss": {"stop_price": "95", "limit_price": "94.50"},
    "client_order_id": "mine",
}
OCO = {
    "symbol": "ABC",
    "side": "sell",
    "type": "limit",
    "quantity": "10",
    "time_in_force": "gtc",
    "order_class": "oco",
    "take_profit": {"limit_price": "110"},
    "stop_loss": {"trail_percent": "5"},
    "client_order_id": "pair",
}


def holding(portfolio, quantity=10):
    instrument = PositionFactory._meta.model._meta.get_field("instrument").related_model
    return PositionFactory(
        portfolio=portfolio,
        instrument=instrument.objects.get(symbol="ABC"),
        quantity=Decimal(quantity),
    )


def test_a_bracket_is_accepted_as_a_whole(api, portfolio):
    response = post(api, BRACKET)
    assert response.status_code == 201, response.content
    entry = response.json()
    assert (entry["order_class"], entry["leg"], entry["parent_id"]) == ("bracket", None, None)
    assert (entry["status"], entry["group_id"]) == ("accepted", entry["id"])
    profit, loss = entry["legs"]
    assert (profit["leg"], profit["type"], profit["limit_price"]) == ("take_profit", "limit", "110")
    assert (loss["leg"], loss["type"]) == ("stop_loss", "stop_limit")
    assert (loss["stop_price"], loss["limit_price"]) == ("95", "94.5")
    for leg in (profit, loss):
        assert (leg["status"], leg["side"], leg["quantity"]) == ("held", "sell", "10")
        assert (leg["group_id"], leg["parent_id"]) == (entry["id"], entry["id"])
        assert (leg["order_class"], leg["released_at"]) == ("bracket", None)
        assert "legs" not in leg
    assert CashBalance.objects.get(account=portfolio.account).reserved == 995
    assert not Position.objects.exists()
    events = Event.objects.filter(stream_id=portfolio.account_id).order_by("seq")
    assert [(event.type, str(event.subject)) for event in events] == [
        ("order.accepted", entry["id"]),
        ("order.held", loss["id"]),
        ("order.held", profit["id"]),
    ]
    assert api.get(f"{URL}/{entry['id']}").json() == entry
    assert api.get(f"{URL}/{profit['id']}").json() == profit | {"legs": []}


def test_lists_are_flat_newest_first_with_the_legs_below_their_entry(api):
    entry = post(api, BRACKET).json()
    other = post(api, {**TICKET, "quantity": "9"}).json()
    rows = api.get(URL).json()["results"]
    assert [row["id"] for row in rows] == [
        other["id"],
        entry["id"],
        *(leg["id"] for leg in entry["legs"]),
    ]
    assert all("legs" not in row for row in rows)
    group = api.get(f"{URL}?group_id={entry['id']}").json()["results"]
    assert [row["id"] for row in group] == [row["id"] for row in rows[1:]]
    assert told(api.get(f"{URL}?group_id=mine")) == {"group_id": "invalid_parameter"}


def test_the_key_is_that_of_the_whole_group(api):
    first = post(api, BRACKET)
    again = post(api, BRACKET)
    assert (again.status_code, again.json()) == (200, first.json())
    assert Order.objects.count() == 3
    for changed in (
        {"take_profit": {"limit_price": "111"}},
        {"stop_loss": {"stop_price": "95"}},
        {"order_class": "otoco"},
    ):
        assert told(post(api, BRACKET | changed)) == {"client_order_id": "idempotency_mismatch"}
    assert Order.objects.count() == 3
    keys = set(Order.objects.values_list("client_order_id", flat=True))
    assert len(keys) == 3
    taken = (keys - {"mine"}).pop()
    assert told(post(api, TICKET | {"client_order_id": taken})) == {
        "client_order_id": "idempotency_mismatch"
    }


def test_an_otoco_is_a_bracket_by_its_other_name(api):
    entry = post(api, BRACKET | {"order_class": "otoco"}).json()
    assert entry["order_class"] == "otoco"
    assert [leg["status"] for leg in entry["legs"]] == ["held", "held"]


def test_one_leg_is_an_oto(api):
    body = {key: value for key, value in BRACKET.items() if key != "take_profit"}
    entry = post(api, body | {"order_class": "oto"}).json()
    assert [leg["leg"] for leg in entry["legs"]] == ["stop_loss"]


@pytest.mark.parametrize("more", [{}, {"limit_price": "110"}])
def test_an_oco_reserves_the_shares_once(api, portfolio, more):
    position = holding(portfolio)
    response = post(api, OCO | more)
    assert response.status_code == 201, response.content
    profit = response.json()
    (loss,) = profit["legs"]
    assert (profit["leg"], profit["limit_price"], profit["status"]) == (
        "take_profit",
        "110",
        "accepted",
    )
    assert (loss["leg"], loss["type"], loss["status"]) == ("stop_loss", "trailing_stop", "accepted")
    assert (profit["parent_id"], loss["parent_id"], loss["group_id"]) == (
        None,
        None,
        profit["id"],
    )
    assert loss["stop_price"] is not None
    position.refresh_from_db()
    assert position.reserved_quantity == 10
    assert told(post(api, TICKET | {"side": "sell", "quantity": "1"})) == {
        "quantity": "insufficient_position"
    }


def test_an_oco_needs_the_shares(api, portfolio):
    holding(portfolio, 9)
    assert told(post(api, OCO)) == {"quantity": "insufficient_position"}
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"order_class": "mleg"}, 400, {"order_class": "invalid_field"}),
        ({"take_profit": "110"}, 400, {"take_profit": "invalid_field"}),
        ({"take_profit": {}}, 400, {"take_profit.limit_price": "invalid_field"}),
        ({"take_profit": {"limit_price": 1.5}}, 400, {"take_profit.limit_price": "invalid_field"}),
        (
            {"take_profit": {"limit_price": "110", "stop_price": "1"}},
            400,
            {"take_profit.stop_price": "unknown_field"},
        ),
        ({"take_profit": None}, 400, {"take_profit": "missing_price"}),
        ({"stop_loss": {}}, 400, {"stop_loss.stop_price": "missing_price"}),
        ({"order_class": "simple"}, 400, {"take_profit": "unexpected_price",
                                          "stop_loss": "unexpected_price"}),
        ({"order_class": "oto"}, 400, {"stop_loss": "unexpected_price"}),
        ({"time_in_force": "ioc"}, 422, {"time_in_force": "unsupported_combination"}),
        (
            {"take_profit": {"limit_price": "99.50"}},
            422,
            {"take_profit.limit_price": "unsupported_combination"},
        ),
        (
            {"stop_loss": {"stop_price": "99.50"}},
            422,
            {"stop_loss.stop_price": "unsupported_combination"},
        ),
    ],
)  # fmt: skip
def test_a_group_that_cannot_be(api, change, status, expected):
    response = post(api, BRACKET | change)
    assert (response.status_code, told(response)) == (status, expected)
    assert not Order.objects.exists()
    assert not Event.objects.exists()


def test_a_group_names_no_lots(api, portfolio):
    holding(portfolio)
    lot = {"lot_id": "01900000-0000-7000-8000-000000000000", "quantity": "10"}
    response = post(api, OCO | {"lots": [lot]})
    assert ("lots", "unsupported_combination") in {
        (error["field"], error["code"]) for error in response.json()["errors"]
    }


def test_a_preview_judges_the_legs_and_tells_of_them(api):
    body = post(api, BRACKET, f"{URL}/preview").json()
    assert (body["reserve"], body["errors"]) == ("995", [])
    assert "when it fills" in " ".join(body["notes"])
    wrong = BRACKET | {"stop_loss": {"stop_price": "100"}}
    (error,) = post(api, wrong, f"{URL}/preview").json()["errors"]
    assert (error["field"], error["limit"]) == ("stop_loss.stop_price", "99.49")
    assert not Order.objects.exists()


def test_a_held_leg_can_be_asked_to_go(api):
    entry = post(api, BRACKET).json()
    response = cancel(api, entry["legs"][0]["id"])
    assert (response.status_code, response.json()["status"]) == (200, "pending_cancel")


def test_a_leg_is_replaced_by_patch(api):
    entry = post(api, BRACKET).json()
    where = f"{URL}/{entry['legs'][1]['id']}"
    change = {"stop_price": "96", "limit_price": "95.50"}
    new = api.patch(where, change, content_type="application/json").json()
    assert (new["status"], new["leg"], new["stop_price"]) == ("held", "stop_loss", "96")
    assert (new["group_id"], new["replaces"]) == (entry["id"], entry["legs"][1]["id"])
    legs = api.get(f"{URL}/{entry['id']}").json()["legs"]
    assert [leg["id"] for leg in legs] == [leg["id"] for leg in entry["legs"]]
    change = {"quantity": "5"}
    other = api.patch(f"{URL}/{legs[0]['id']}", change, content_type="application/json")
    assert told(other) == {"quantity": "unsupported_combination"}


def test_placing_a_group_takes_a_fixed_number_of_statements(api, django_assert_max_num_queries):
    post(api, {**TICKET, "quantity": "9"})
    with django_assert_max_num_queries(GROUP_STATEMENTS):
        assert post(api, BRACKET).status_code == 201


GROUP_STATEMENTS = 26
"""Those of a simple order, the legs' events 4, and the legs for the answer 1."""


def test_a_group_takes_four_statements(api, django_assert_num_queries):
    entry = post(api, BRACKET).json()
    with django_assert_num_queries(4):
        api.get(f"{URL}/{entry['id']}")
