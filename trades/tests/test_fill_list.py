"""The list of fills: what it is narrowed to, and that totals, file and API say the same."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from trades.models import Trade
from trades.tests.desk import Desk, correct_a_little
from trades.tests.test_busts import per_share
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db
D = Decimal
PAGE_QUERIES_MAX = 16


@pytest.fixture
def reader(client: Client, world: World) -> Client:
    """Somebody who bought two instruments on a day, and sold of one on the next."""
    trader = world.trader(fees=per_share())
    abc, xyz = world.instrument(), world.instrument("XYZ")
    for instrument in (abc, xyz):
        world.tick(instrument, "9.90", "10.00")
        world.place(trader, instrument, "buy", 100)
    world.now += timedelta(days=1)
    world.tick(abc, "11.00", "12.00")
    world.place(trader, abc, "sell", 40)
    client.force_login(trader.account.user)
    return client


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["ABC sell", "XYZ buy", "ABC buy"]),
        ({"symbol": "abc"}, ["ABC sell", "ABC buy"]),
        ({"side": "buy"}, ["XYZ buy", "ABC buy"]),
        ({"from": "2026-03-03"}, ["ABC sell"]),
        ({"to": "2026-03-02", "symbol": "XYZ"}, ["XYZ buy"]),
        ({"symbol": "NOPE"}, []),
    ],
)
def test_the_list_the_file_and_the_api_find_the_same(reader, asked, found):
    page = reader.get("/fills", asked)
    trades = page.context["trades"]
    assert [f"{trade.instrument.symbol} {trade.side}" for trade in trades] == found
    file = reader.get(page.context["csv_url"]).content.decode()
    rows = list(csv.DictReader(io.StringIO(file, newline="")))
    assert [row["exec_id"] for row in rows] == [str(trade.exec_id) for trade in trades]
    api = reader.get(page.context["csv_url"].replace("format=csv", "format=json")).json()
    assert [each["exec_id"] for each in api["results"]] == [row["exec_id"] for row in rows]
    totals = page.context["totals"]
    assert sum(total.count for total in totals) == len(found)
    assert sum(total.net_amount for total in totals) == sum(D(row["net_amount"]) for row in rows)
    assert sum(total.commission for total in totals) == sum(D(row["commission"]) for row in rows)


def test_totals_of_fees_and_amounts(reader):
    (total,) = reader.get("/fills").context["totals"]
    assert (total.currency, total.count) == ("USD", 3)
    assert (total.bought, total.sold) == (D(2000), D(440))
    assert (total.commission, total.fees) == (D("3.00"), D(0))
    assert total.net_amount == D("-1563.00")


def test_busts_are_taken_off_the_totals(client, world):
    correct_a_little(world)
    for user in {trade.account.user for trade in Trade.objects.select_related("account__user")}:
        client.force_login(user)
        (total,) = client.get("/fills").context["totals"]
        standing = Trade.objects.filter(account__user=user, busts=None, busted_by=None)
        assert total.count == standing.count()
        assert total.net_amount == sum(trade.net_amount for trade in standing)


def test_a_fill_on_its_own_is_a_bust_away_from_nothing(client, world):
    trader = world.trader()
    abc = world.instrument()
    world.tick(abc, "9.90", "10.00")
    world.place(trader, abc, "buy", 10)
    Desk(world).bust(trader.account.trades.get())
    client.force_login(trader.account.user)
    (total,) = client.get("/fills").context["totals"]
    assert (total.count, total.bought, total.net_amount) == (0, 0, 0)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("", "No fills yet"),
        ("?from={0}&to={0}", "No fills today"),
        ("?symbol=ABC", "No fills match the filter"),
    ],
)
def test_none_yet_none_today_and_none_that_match(client, world, asked, words):
    trader = world.trader()
    client.force_login(trader.account.user)
    today = client.get("/fills").context["today"]
    assert words in client.get(f"/fills{asked.format(today)}").content.decode()


@pytest.mark.parametrize("path", ["/fills", "/orders"])
def test_a_day_beyond_all_reckoning_is_told_beside_its_field(reader, path):
    answer = reader.get(path, {"to": "9999-12-31"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Write a day of the years 1901 to 2999." in text
    assert 'aria-describedby="f-to-error"' in text
    assert 'value="9999-12-31"' in text


def test_fills_are_ones_own(reader):
    reader.force_login(UserFactory())
    assert reader.get("/fills").context["trades"] == []


def test_the_list_takes_as_many_queries_over_more(reader, world):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get("/fills?side=buy")
        return len(asked)

    before = queries()
    trade = Trade.objects.filter(side="buy").latest("exec_id")
    trader = Trader(trade.account.user, trade.account, trade.portfolio)
    for number in range(3):
        instrument = world.instrument(f"S{number}")
        world.tick(instrument, "9.90", "10.00")
        world.place(trader, instrument, "buy", 10)
    assert queries() == before <= PAGE_QUERIES_MAX
