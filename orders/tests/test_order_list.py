"""The list of orders: what it is narrowed to, what that comes to, and canceling all of it."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import CashBalanceFactory, UserFactory
from bengi.terms import OrderStatus
from instruments.tests.factories import InstrumentFactory
from orders.models import Order
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW
from portfolios.models import Portfolio
from portfolios.tests.factories import PortfolioFactory

pytestmark = pytest.mark.django_db
D = Decimal
PAGE_QUERIES_MAX = 16


@pytest.fixture
def reader(client: Client, market: None, portfolio: Portfolio) -> Client:
    client.force_login(portfolio.account.user)
    return client


@pytest.fixture
def orders(portfolio: Portfolio) -> list[Order]:
    """Five orders, the last one the newest: of two symbols, sides, types, days and statuses."""
    xyz = InstrumentFactory(symbol="XYZ")
    yen = InstrumentFactory(symbol="YEN", currency="JPY")
    told: list[dict[str, Any]] = [
        {"side": "buy", "type": "market", "status": "filled", "commission": D("1.50")},
        {"side": "sell", "instrument": xyz, "fees": D("0.02")},
        {"side": "buy", "instrument": xyz, "reserved": D(100)},
        {"side": "buy", "instrument": yen, "reserved": D(900)},
        {"side": "buy", "instrument": xyz, "status": "canceled"},
    ]
    made = []
    for number, each in enumerate(told):
        at = NOW - timedelta(days=4 - number)
        closed = at if each.get("status") in {"filled", "canceled"} else None
        made.append(OrderFactory(portfolio=portfolio, accepted_at=at, closed_at=closed, **each))
    return made


def listed(reader: Client, **asked: str) -> list[Order]:
    return list(reader.get("/orders", asked).context["orders"])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"symbol": "xyz"}, [4, 2, 1]),
        ({"status": "open"}, [3, 2, 1]),
        ({"status": "closed"}, [4, 0]),
        ({"status": "canceled"}, [4]),
        ({"show": "open"}, [3, 2, 1]),
        ({"side": "sell"}, [1]),
        ({"type": "market"}, [0]),
        ({"from": "2026-01-04", "to": "2026-01-04"}, [3]),
        ({"from": "2026-01-03", "side": "buy", "symbol": "XYZ"}, [4, 2]),
        ({"symbol": "NOPE"}, []),
        ({"side": "", "status": "", "symbol": ""}, [4, 3, 2, 1, 0]),
    ],
)
def test_the_list_the_file_and_the_api_find_the_same(reader, orders, asked, found):
    assert NOW.date().isoformat() == "2026-01-05"
    wanted = [orders[number] for number in found]
    page = reader.get("/orders", asked)
    assert list(page.context["orders"]) == wanted
    file = reader.get(page.context["csv_url"])
    rows = list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))
    assert [row["id"] for row in rows] == [str(order.id) for order in wanted]
    api = reader.get(page.context["csv_url"].replace("format=csv", "format=json")).json()
    assert [each["id"] for each in api["results"]] == [str(order.id) for order in wanted]
    assert sum(total.count for total in page.context["totals"]) == len(wanted)


def test_totals_are_of_all_that_is_found_by_currency(reader, orders):
    yen, usd = reader.get("/orders").context["totals"]
    assert (usd.currency, usd.count, usd.open, usd.filled) == ("USD", 4, 2, 1)
    assert (usd.reserved, usd.commission, usd.fees) == (D(100), D("1.50"), D("0.02"))
    assert (yen.currency, yen.count, yen.reserved) == ("JPY", 1, D(900))


def test_pages_keep_the_filter(reader, portfolio):
    for number in range(60):
        OrderFactory(portfolio=portfolio, side="sell" if number % 2 else "buy")
    first = reader.get("/orders?side=sell")
    assert "?side=sell&amp;after=" in first.content.decode()
    pages, leaf = [first.context["orders"]], first.context["leaf"]
    while leaf.older:
        page = reader.get("/orders", {"side": "sell", "after": leaf.older}).context
        pages.append(page["orders"])
        leaf = page["leaf"]
    assert [len(page) for page in pages] == [25, 5]
    back = reader.get("/orders", {"side": "sell", "before": leaf.newer}).context
    assert back["orders"] == pages[0]
    found = Order.objects.filter(side="sell").order_by("-id")
    assert [order for page in pages for order in page] == list(found)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "No orders yet"),
        ({"from": "2026-01-05", "to": "2026-01-05"}, "No orders today"),
        ({"from": "2026-01-05", "to": "2026-01-05", "side": "buy"}, "No orders match the filter"),
        ({"symbol": "ABC"}, "No orders match the filter"),
    ],
)
def test_none_yet_none_today_and_none_that_match(reader, asked, words):
    assert words in reader.get("/orders", asked).content.decode()


def test_a_wrong_filter_is_told_and_nothing_can_be_canceled_by_it(reader, orders):
    text = reader.get("/orders?status=weird&from=soon").content.decode()
    assert "Choose one of the list." in text
    assert "Write a day, such as 2026-03-31." in text
    assert 'value="soon"' in text
    assert "/orders/cancel?" not in text


@pytest.mark.parametrize("wrong", ["from=soon", "to=9999-12-31", "side=weird", "show=weird"])
def test_by_a_filter_that_cannot_be_read_nothing_is_canceled(reader, orders, wrong):
    query = f"symbol=XYZ&{wrong}"
    body = {"newest": str(orders[-1].id)}
    for answer in (
        reader.get(f"/orders/cancel?{query}", follow=True),
        reader.post(f"/orders/cancel?{query}", body, follow=True),
    ):
        assert answer.redirect_chain == [(f"/orders?{query}", 302)]
        text = answer.content.decode()
        assert "Nothing was canceled: part of the filter could not be read." in text
        assert "-error" in text
    assert not Order.objects.filter(status=OrderStatus.PENDING_CANCEL).exists()


def test_days_are_said_to_be_those_of_utc(reader, orders):
    page = reader.get("/orders")
    assert [page.context["filters"][name].label for name in ("from", "to")] == [
        "From (UTC)",
        "To (UTC)",
    ]
    assert "Today (UTC)" in page.content.decode()


def test_all_of_a_filter_are_canceled_once_it_is_confirmed(reader, orders):
    page = reader.get("/orders/cancel?symbol=XYZ")
    assert (page.context["count"], page.context["newest"]) == (2, orders[2].id)
    assert "Cancel 2 open orders?" in page.content.decode()
    assert not Order.objects.filter(status=OrderStatus.PENDING_CANCEL).exists()
    later = OrderFactory(portfolio=orders[0].portfolio, instrument=orders[1].instrument)
    body = {"newest": str(page.context["newest"])}
    answer = reader.post("/orders/cancel?symbol=XYZ", body, follow=True)
    assert answer.redirect_chain == [("/orders?symbol=XYZ", 302)]
    assert "Asked to cancel 2 orders." in answer.content.decode()
    asked = Order.objects.filter(status=OrderStatus.PENDING_CANCEL)
    assert set(asked) == {orders[1], orders[2]}
    later.refresh_from_db()
    assert later.status == OrderStatus.NEW, "it came after the page that was confirmed"
    again = reader.post("/orders/cancel?symbol=XYZ", body, follow=True)
    assert "There was nothing to cancel any more." in again.content.decode()


def test_nothing_to_cancel_is_said(reader, orders):
    page = reader.get("/orders/cancel?status=closed")
    assert "Nothing to cancel" in page.content.decode()
    for body in ({}, {"newest": "x"}):
        answer = reader.post("/orders/cancel", body, follow=True)
        assert "There was nothing to cancel any more." in answer.content.decode()
    assert not Order.objects.filter(status=OrderStatus.PENDING_CANCEL).exists()


def test_others_orders_are_neither_shown_nor_canceled(reader, orders):
    other = PortfolioFactory()
    CashBalanceFactory(account=other.account)
    theirs = OrderFactory(portfolio=other)
    assert theirs not in listed(reader)
    page = reader.get("/orders/cancel")
    assert theirs not in page.context["orders"]
    reader.post("/orders/cancel", {"newest": str(theirs.id)})
    theirs.refresh_from_db()
    assert theirs.status == OrderStatus.NEW
    reader.force_login(UserFactory())
    assert listed(reader) == []
    reader.logout()
    assert reader.post("/orders/cancel", {"newest": str(theirs.id)})["Location"] == "/signin"


def test_without_script_a_cancel_comes_back_to_the_list(reader, orders):
    body = {"next": "/orders?status=open"}
    answer = reader.post(f"/orders/{orders[2].id}/cancel", body)
    assert answer["Location"] == "/orders?status=open"
    evil = reader.post(f"/orders/{orders[1].id}/cancel", {"next": "https://evil.example/"})
    assert evil["Location"] == "/trade/XYZ?tab=orders"


def test_the_list_takes_as_many_queries_over_more(reader, portfolio):
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get(path)
        return len(asked)

    paths = ("/orders", "/orders?status=open&symbol=ABC", "/orders/cancel")
    OrderFactory(portfolio=portfolio)
    before = [queries(path) for path in paths]
    for _ in range(30):
        OrderFactory(portfolio=portfolio)
    after = [queries(path) for path in paths]
    assert after == before
    assert max(after) <= PAGE_QUERIES_MAX
