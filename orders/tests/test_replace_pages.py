"""Replacing an order, and sizing one, over HTML: what is answered and what is written."""

from decimal import Decimal

import pytest

from accounts.models import CashBalance
from bengi.terms import OrderStatus
from instruments.models import Instrument
from instruments.tests.factories import QUOTED_AT
from orders.models import Order
from orders.tests.factories import OrderFactory
from portfolios.models import Portfolio
from portfolios.tests.factories import PositionFactory

D = Decimal
HTMX = {"HX-Request": "true"}
REVIEW_QUERIES_MAX = 18


@pytest.fixture
def portfolio(user):
    return Portfolio.objects.get(account__user=user)


@pytest.fixture
def order(trader, ticket):
    """A buy of 40 at 99.50, as the page places it: 3,981.00 are held."""
    trader.post("/orders/place", ticket | {"client_order_id": "key-1"})
    return Order.objects.get()


def told(answer):
    return {fact.label: fact.text for fact in answer.context["facts"]}


def test_the_review_says_what_changes_and_what_is_held_before_and_after(trader, order):
    answer = trader.get(f"/orders/{order.id}/replace/review?limit_price=99.00", headers=HTMX)
    assert told(answer) == {
        "Limit price": "99.50 → 99.00",
        "Reserved before": "3,981.00 USD",
        "Reserved after": "3,961.00 USD",
        "On top until it has taken over": "1.01 USD",
        "Buying power before": "96,019.00 USD",
        "Buying power after": "96,039.00 USD",
    }
    assert answer.context["fields"].keys() == {"limit_price", "client_order_id"}
    assert "<html" not in answer.content.decode()
    assert Order.objects.get().status == order.status


def test_the_review_costs_a_fixed_number_of_statements(
    trader, order, django_assert_max_num_queries
):
    with django_assert_max_num_queries(REVIEW_QUERIES_MAX):
        trader.get(f"/orders/{order.id}/replace/review?limit_price=99.00", headers=HTMX)


def test_what_was_reviewed_is_asked_for_once(trader, order):
    answer = trader.get(f"/orders/{order.id}/replace/review?quantity=30&limit_price=99.00")
    fields = answer.context["fields"]
    for _ in range(2):
        sent = trader.post(f"/orders/{order.id}/replace", fields, headers=HTMX)
        assert (sent.status_code, "order-placed" in sent["HX-Trigger"]) == (204, True)
    order.refresh_from_db()
    new = Order.objects.exclude(id=order.id).get()
    assert (order.status, new.status) == (OrderStatus.PENDING_REPLACE, OrderStatus.HELD)
    assert (new.quantity, new.limit_price, new.time_in_force) == (30, D("99.00"), "day")
    before = CashBalance.objects.get(account=order.account)
    assert before.reserved == order.reserved + new.reserved


def test_without_script_it_is_a_page_after_the_other(trader, order):
    page = trader.get(f"/orders/{order.id}/replace").content.decode()
    assert 'name="limit_price" inputmode="decimal" value="99.5"' in page
    assert "hx-get" not in page.partition('id="replace-form"')[2]
    fields = trader.get(f"/orders/{order.id}/replace/review?limit_price=99").context["fields"]
    sent = trader.post(f"/orders/{order.id}/replace", fields)
    assert sent["Location"] == "/trade/AAPL?tab=orders"


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("limit_price=99.005", "limit_price", "0.01"),
        ("limit_price=150", "limit_price", "within 10 %"),
        ("limit_price=many", "limit_price", "digits and a point only"),
        ("limit_price=", "limit_price", "Write a price."),
        ("quantity=2000", "quantity", "available"),
    ],
)
def test_what_is_wrong_comes_back_beside_its_field(trader, order, query, field, words):
    answer = trader.get(f"/orders/{order.id}/replace/review?{query}", headers=HTMX)
    page = answer.content.decode()
    assert f'id="replace-{field}-error"' in page
    assert words in " ".join(answer.context["form"].errors[field])
    wanted = query.partition("=")[2]
    assert f'value="{wanted}"' in page


def test_nothing_different_is_said_so(trader, order):
    answer = trader.get(f"/orders/{order.id}/replace/review?limit_price=99.50&quantity=40")
    assert "Nothing would be different." in answer.content.decode()


def test_an_order_that_ended_meanwhile_says_so(trader, order):
    Order.objects.update(status=OrderStatus.CANCELED, closed_at=QUOTED_AT, reserved=0)
    review = trader.get(f"/orders/{order.id}/replace/review?limit_price=99.00", headers=HTMX)
    assert "The order is canceled." in review.content.decode()
    sent = {"limit_price": "99.00", "client_order_id": "key-2"}
    answer = trader.post(f"/orders/{order.id}/replace", sent, headers=HTMX)
    assert "The order is canceled." in answer.content.decode()
    assert Order.objects.count() == 1


def test_of_a_leg_only_prices_can_be_written(trader, ticket):
    exits = {"take_profit": "110.00", "stop_loss": "90.00"}
    trader.post("/orders/place", ticket | exits | {"client_order_id": "key-1"})
    stop = Order.objects.get(leg="stop_loss")
    fields = trader.get(f"/orders/{stop.id}/replace").context["form"].fields
    assert set(fields) == {"stop_price", "client_order_id"}
    answer = trader.get(f"/orders/{stop.id}/replace/review?stop_price=91.00", headers=HTMX)
    assert told(answer)["Stop price"] == "90.00 → 91.00"


@pytest.mark.parametrize("path", ["replace", "replace/review?limit_price=99"])
def test_anothers_order_is_not_there(trader, path):
    assert trader.get(f"/orders/{OrderFactory().id}/{path}").status_code == 404


def test_rows_offer_a_replace_only_where_one_may_be_asked_for(trader, order):
    address = f'href="/orders/{order.id}/replace"'
    assert address in trader.get("/orders").content.decode()
    assert address in trader.get(f"/orders/{order.id}").content.decode()
    Order.objects.update(status=OrderStatus.PENDING_CANCEL)
    assert address not in trader.get("/orders").content.decode()
    assert address not in trader.get(f"/orders/{order.id}").content.decode()


# -- sizes -------------------------------------------------------------------------------------


def size(trader, ticket, share, **change):
    return trader.post("/orders/size", ticket | {"share": share} | change).json()


def test_a_share_of_the_buying_power_is_a_size(trader, ticket):
    assert size(trader, ticket, "100") == {"field": "quantity", "value": "1004"}
    assert size(trader, ticket, "25") == {"field": "quantity", "value": "251"}
    assert size(trader, ticket | {"quantity": "many"}, "25")["value"] == "251"


def test_a_share_of_the_position_is_a_size(trader, ticket, portfolio, quote):
    assert size(trader, ticket, "50", side="sell")["value"] == ""
    PositionFactory(
        portfolio=portfolio, instrument=quote.instrument, quantity=D(45), reserved_quantity=D(5)
    )
    assert size(trader, ticket, "50", side="sell")["value"] == "20"


def test_a_share_is_an_amount_where_the_ticket_names_one(trader, ticket):
    Instrument.objects.update(quantity_step=D("0.0001"), exchange_step=D(1))
    asked = size(trader, ticket, "50", type="market", sized_by="notional")
    assert asked["field"] == "notional"
    assert 49_980 < D(asked["value"]) < 50_000


@pytest.mark.parametrize("change", [{"share": "33"}, {"limit_price": ""}, {"portfolio_id": "x"}])
def test_what_cannot_be_sized_is_empty(trader, ticket, change):
    assert trader.post("/orders/size", ticket | {"share": "50"} | change).json()["value"] == ""


def test_what_was_sized_passes_the_review(trader, ticket):
    value = size(trader, ticket, "100", type="market")["value"]
    answer = trader.post("/orders/review", ticket | {"type": "market", "quantity": value})
    assert "All checks passed." in answer.content.decode()


def test_a_refused_price_leaves_the_other_fields_as_they_are(trader, ticket):
    """Dragging sends the price alone; sending the form again must not change what it says."""
    trader.post("/orders/place", ticket | {"time_in_force": "gtc", "client_order_id": "key-1"})
    order = Order.objects.get()
    answer = trader.get(f"/orders/{order.id}/replace/review?limit_price=99.001", headers=HTMX)
    page = answer.content.decode()
    assert 'id="replace-limit_price-error"' in page
    assert 'name="limit_price" inputmode="decimal" value="99.001"' in page
    assert 'name="quantity" inputmode="decimal" value="40"' in page
    assert '<option value="gtc" selected>' in page
    assert '<option value="day">' in page
