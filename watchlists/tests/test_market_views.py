"""The page of markets: a search, movers as the API tells them, and each exchange by its clock."""

import json
import re
from datetime import UTC, datetime

import pytest

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments.board import board
from instruments.movers import Breadth
from instruments.tests.factories import QuoteFactory
from orders.tests.http import NOW, signed_in
from watchlists.markets.page import breadth_parts, venues
from watchlists.models import WatchlistItem
from watchlists.services import create_watchlist

pytestmark = pytest.mark.django_db

# symbol | close before | last | volume
DAY = """
UPP | 100 | 110 | 500
TOP | 100 | 150 | 20
SAM | 100 | 100 | 0
LOW | 100 | 80  | 9000
"""
# exchange | 15:00:01 UTC on Monday 5 January 2026, by its clock
CLOCKS = """
XNYS | New York  | 10:00:01 | Open   | closes 16:00
XNAS | New York  | 10:00:01 | Open   | closes 16:00
ARCX | New York  | 10:00:01 | Open   | closes 16:00
XLON | London    | 15:00:01 | Open   | closes 16:30
XETR | Berlin    | 16:00:01 | Open   | closes 17:30
XAMS | Amsterdam | 16:00:01 | Open   | closes 17:30
XTKS | Tokyo     | 00:00:01 | Closed | opens 09:00
XHKG | Hong Kong | 23:00:01 | Closed | opens Tue 6 Jan 09:30
BNGI | UTC       | 15:00:01 | Open   |
"""


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


@pytest.fixture(autouse=True)
def _market():
    board.clear()
    clock.use(lambda: NOW)
    for symbol, close, last, volume in cells(DAY):
        QuoteFactory(
            instrument__symbol=symbol,
            instrument__name=f"{symbol.title()} Incorporated",
            previous_close=close,
            last=last,
            day_volume=volume,
        )
    yield
    clock.reset()


@pytest.fixture
def user():
    return UserFactory()


def text(answer) -> str:
    return answer.content.decode()


def listed(page: str, kind: str) -> list[str]:
    """Return the symbols of one list of movers, in its order."""
    return re.findall(rf'id="{kind}-(\w+)">', page.replace(f'id="{kind}-title">', ""))


def test_who_is_not_signed_in_is_asked_to(client):
    assert client.get("/markets")["Location"] == "/signin?next=%2Fmarkets"


def test_movers_are_those_of_the_api(user):
    client = signed_in(user)
    page = text(client.get("/markets"))
    assert listed(page, "gainers") == ["TOP", "UPP"]
    assert listed(page, "losers") == ["LOW"]
    assert listed(page, "most_active") == ["LOW", "UPP", "TOP"]
    told = client.get("/api/v1/markets/movers").json()
    for kind in ("gainers", "losers", "most_active"):
        assert listed(page, kind) == [mover["symbol"] for mover in told[kind]]
    row = page.split('id="gainers-TOP"')[1].split("</tr>")[0]
    assert "+50.00%" in row
    assert "150.00" in row


def test_movers_of_one_exchange(user):
    QuoteFactory(instrument__symbol="TTT", instrument__mic="XTKS", previous_close=1, last=9)
    client = signed_in(user)
    assert "TTT" in listed(text(client.get("/markets?mic=XTKS")), "gainers")
    assert "UPP" not in listed(text(client.get("/markets?mic=XTKS")), "gainers")
    assert "UPP" in listed(text(client.get("/markets?mic=NOPE")), "gainers")


def test_how_many_rise_and_fall(user):
    page = text(signed_in(user).get("/markets"))
    tiles = re.findall(r'<div class="tile"><dt>([^<]+)</dt><dd[^>]*>(\d+)</dd>', page)
    assert tiles[:3] == [("Rising", "2"), ("Unchanged", "1"), ("Falling", "1")]


def test_the_bar_is_as_wide_as_all_of_them():
    parts = breadth_parts(Breadth(2, 1, 1, 0, 0, 0))
    assert [(part.kind, part.x, part.width) for part in parts] == [
        ("up", "0.00", "50.00"),
        ("flat", "50.00", "25.00"),
        ("down", "75.00", "25.00"),
    ]
    assert breadth_parts(Breadth(0, 0, 0, 0, 0, 7)) == []


def test_a_search_finds_symbols_and_names(user):
    client = signed_in(user)
    page = text(client.get("/markets?q=low"))
    assert "Found for “low”" in page
    assert 'id="found-LOW-XNAS"' in page
    assert 'id="found-UPP' not in page
    assert "Nothing matches “zzz”" in text(client.get("/markets?q=zzz"))
    assert "&lt;script&gt;" in text(client.get("/markets", {"q": "<script>"}))


def test_what_is_watched_is_marked_and_the_rest_can_be_added(user):
    create_watchlist(user, "Core", ["TOP"])
    client = signed_in(user)
    page = text(client.get("/markets"))
    assert "TOP is in Core" in page
    assert 'id="watch-gainers-TOP"' not in page
    assert 'id="watch-gainers-UPP"' in page
    sent = {"symbol": "UPP", "next": "/markets"}
    page = text(client.post("/watchlists/add", sent, follow=True))
    assert "UPP is in the list Core." in page
    assert 'id="watch-gainers-UPP"' not in page
    watched = WatchlistItem.objects.values_list("instrument__symbol", flat=True)
    assert set(watched) == {"TOP", "UPP"}


def test_a_script_is_told_why_a_symbol_was_not_added(user):
    """It takes the market alone out of the answer: a message on the page would be lost."""
    create_watchlist(user, "Core", ["TOP"])
    client = signed_in(user)
    sent = {"symbol": "NONE", "next": "/markets"}
    answer = client.post("/watchlists/add", sent, headers={"HX-Request": "true"})
    said = json.loads(answer["HX-Trigger"])["say"]
    assert (answer.status_code, said["title"]) == (204, "Not added")
    assert "NONE" in said["text"]
    assert "Core" in text(client.get("/markets"))
    sent = {"symbol": "UPP", "next": "/markets"}
    answer = client.post("/watchlists/add", sent, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["Location"]) == (302, "/markets")
    assert 'role="status"' not in text(client.get("/markets")).partition("<main")[0]


@pytest.mark.parametrize("row", cells(CLOCKS), ids=lambda row: row[0])
def test_each_exchange_by_its_own_clock(settings, row):
    settings.MARKET_HOURS = "exchange"
    venue = next(venue for venue in venues(NOW) if venue.mic == row[0])
    assert [venue.mic, venue.city, venue.local_time, venue.status, venue.changes] == row


def test_a_lunch_break_begins_and_ends(settings):
    settings.MARKET_HOURS = "exchange"
    told = {venue.mic: venue for venue in venues(datetime(2026, 1, 6, 3, 0, tzinfo=UTC))}
    assert (told["XTKS"].status, told["XTKS"].changes) == ("Break", "opens 12:30")
    assert (told["XHKG"].status, told["XHKG"].changes) == ("Open", "break at 12:00")
    assert (told["XLON"].status, told["XLON"].changes) == ("Closed", "opens 08:00")


def test_a_market_that_never_closes_has_clocks_all_the_same():
    told = {venue.mic: venue for venue in venues(NOW)}
    assert (told["XTKS"].local_time, told["XTKS"].words) == ("00:00:01", "Open round the clock")
    assert {venue.changes for venue in told.values()} == {""}


def test_the_page_takes_as_many_statements_however_many_there_are(
    user, django_assert_max_num_queries
):
    create_watchlist(user, "Core", ["TOP"])
    client = signed_in(user)
    with django_assert_max_num_queries(12):
        client.get("/markets?q=U")
    for number in range(12):
        QuoteFactory(instrument__symbol=f"U{number}", previous_close=90 + number, last=100)
    create_watchlist(user, "More", [f"U{number}" for number in range(12)])
    with django_assert_max_num_queries(12):
        client.get("/markets?q=U")
