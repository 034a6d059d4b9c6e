"""Instruments, quotes and bars over HTTP."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.terms import Side
from instruments.board import board
from instruments.tests.factories import QUOTED_AT, BarFactory, InstrumentFactory, QuoteFactory
from orders.tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/instruments"


@pytest.fixture(autouse=True)
def _market():
    board.clear()
    clock.use(lambda: QUOTED_AT + timedelta(seconds=2.5))
    yield
    clock.reset()


@pytest.fixture
def client():
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    return client


def symbols(response) -> list[str]:
    return [each["symbol"] for each in response.json()["results"]]


def test_an_instrument(client):
    InstrumentFactory(symbol="ABC", name="Alphabet Blocks", tick_size=Decimal("0.05"))
    assert client.get(URL).json() == {
        "results": [
            {
                "symbol": "ABC",
                "name": "Alphabet Blocks",
                "mic": "XNAS",
                "type": "stock",
                "currency": "USD",
                "tick_size": "0.05",
                "quantity_step": "1",
                "exchange_step": None,
                "status": "active",
                "has_feed": True,
            }
        ],
        "next": None,
    }


def test_the_list_in_pages(client):
    for symbol in "CABED":
        InstrumentFactory(symbol=symbol)
    first = client.get(f"{URL}?limit=3")
    second = client.get(f"{URL}/?limit=3&cursor={first.json()['next']}")
    assert symbols(first) + symbols(second) == list("ABCDE")
    assert second.json()["next"] is None


def test_a_search_finds_symbols_first_then_names(client):
    InstrumentFactory(symbol="ZAB", name="Unrelated")
    InstrumentFactory(symbol="XYZ", name="Drab Cloth")
    InstrumentFactory(symbol="ABC", name="Blocks")
    assert symbols(client.get(f"{URL}?q=ab")) == ["ABC", "XYZ"]
    assert symbols(client.get(f"{URL}?q=nothing")) == []
    assert symbols(client.get(f"{URL}?q=%20ab&limit=1")) == ["ABC"]


@pytest.mark.parametrize("q", ["%25", "_", "'", "é", "%F0%9F%98%80"])
def test_a_search_for_odd_characters_is_only_a_search(client, q):
    InstrumentFactory(symbol="ABC", name="Blocks")
    response = client.get(f"{URL}?q={q}")
    assert (response.status_code, symbols(response)) == (200, [])


@pytest.mark.parametrize("query", ["q=%00", "q=" + "x" * 65, "limit=0", "cursor=!", "sort=1"])
def test_wrong_list_queries(client, query):
    response = client.get(f"{URL}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


def test_a_quote(client):
    QuoteFactory(instrument__symbol="ABC", instrument__name="Blocks")
    assert client.get(f"{URL}/abc/quote").json() == {
        "symbol": "ABC",
        "name": "Blocks",
        "mic": "XNAS",
        "currency": "USD",
        "bid": "99.98",
        "ask": "100.02",
        "bid_size": "300",
        "ask_size": "200",
        "last": "100",
        "previous_close": "98",
        "change": "2",
        "change_percent": "2.0408",
        "day_open": "99",
        "day_high": "101",
        "day_low": "98.5",
        "day_volume": "12000",
        "as_of": "2026-01-05T15:00:00.000000Z",
        "age_s": 2.5,
        "source": "test",
        "is_open": True,
    }


def test_an_instrument_that_nobody_quotes(client):
    InstrumentFactory(symbol="NEW")
    quote = client.get(f"{URL}/NEW/quote").json()
    assert {name for name, value in quote.items() if value is not None} == {
        *("symbol", "name", "mic", "currency", "is_open")
    }
    assert len(quote) == 20


def test_a_class_stock_is_quoted_by_its_customers(client):
    own = InstrumentFactory(symbol="OWN", has_feed=False)
    OrderFactory(instrument=own, limit_price=Decimal("9.5"))
    OrderFactory(instrument=own, limit_price=Decimal("9.75"))
    OrderFactory(instrument=own, side=Side.SELL, limit_price=Decimal("10.5"))
    quote = client.get(f"{URL}/OWN/quote").json()
    assert (quote["bid"], quote["ask"], quote["source"]) == ("9.75", "10.5", "book")


@pytest.mark.parametrize(
    "path", ["NOPE/quote", "NOPE/bars", "%00/quote", "x" * 300 + "/quote", "é/bars"]
)
def test_an_unknown_symbol(client, path):
    response = client.get(f"{URL}/{path}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_bars_come_oldest_first(client):
    instrument = InstrumentFactory(symbol="ABC")
    for minute in range(4):
        starts_at = QUOTED_AT + timedelta(minutes=minute)
        BarFactory(instrument=instrument, starts_at=starts_at, close=Decimal(100 + minute) / 8)
    BarFactory(instrument=instrument, interval="1day")
    body = client.get(f"{URL}/abc/bars?limit=2").json()
    assert body == {
        "symbol": "ABC",
        "interval": "1min",
        "results": [
            {
                "starts_at": f"2026-01-05T15:0{minute}:00.000000Z",
                "open": "100",
                "high": "100.5",
                "low": "99.5",
                "close": close,
                "volume": "1000",
                "indicators": {},
            }
            for minute, close in ((2, "12.75"), (3, "12.875"))
        ],
    }
    before = client.get(f"{URL}/ABC/bars?limit=2&end={body['results'][0]['starts_at']}").json()
    assert [bar["close"] for bar in before["results"]] == ["12.5", "12.625"]
    assert len(client.get(f"{URL}/ABC/bars?interval=1day").json()["results"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("interval=2m", "interval"),
        ("limit=1001", "limit"),
        ("interval=1m", "interval"),
        ("end=yesterday", "end"),
        ("end=2026-01-05T15:00:00", "end"),
        ("start=0001-01-01T00:00:00Z", "start"),
        ("start=2026-01-05T15:00:00Z&end=2026-01-05T15:00:00Z", "end"),
        ("gaps=true", "gaps"),
        ("format=xml", "format"),
        ("before=2026-01-05T15:00:00Z", "before"),
        ("after=1", "after"),
    ],
)
def test_wrong_bar_queries(client, query, field):
    InstrumentFactory(symbol="ABC")
    response = client.get(f"{URL}/ABC/bars?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["", "?q=a", "/ABC/quote", "/ABC/bars"])
def test_who_is_not_signed_in_gets_nowhere(path):
    response = Client().get(URL + path)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(
    ("path", "statements"),
    [("", 3), ("?q=s", 3), ("/S1/quote", 4), ("/S1/bars", 4)],
)
def test_statements(client, path, statements, django_assert_num_queries):
    for number in range(10):
        quote = QuoteFactory(instrument__symbol=f"S{number}")
        BarFactory.create_batch(1, instrument=quote.instrument)
    with django_assert_num_queries(statements):  # session, user, then one for each thing asked
        assert client.get(URL + path).status_code == 200


def test_bars_with_indicators_and_gaps_as_json_and_csv(client):
    instrument = InstrumentFactory(symbol="ABC")
    for minute, close in ((-4, "98"), (-3, "100"), (-1, "104.5")):
        starts_at = QUOTED_AT + timedelta(minutes=minute)
        BarFactory(instrument=instrument, starts_at=starts_at, close=Decimal(close), volume=10)
    query = "limit=3&gaps=fill&indicators=sma:3,bollinger:2:2"
    bars = client.get(f"{URL}/ABC/bars?{query}").json()["results"]
    assert [(bar["starts_at"][14:16], bar["close"], bar["volume"]) for bar in bars] == [
        *(("58", "100", "0"), ("59", "104.5", "10"), ("00", "104.5", "0")),
    ]
    assert bars[1]["indicators"] == {
        "sma:3": "101.5",
        "bollinger:2:2:upper": "106.75",
        "bollinger:2:2:middle": "102.25",
        "bollinger:2:2:lower": "97.75",
    }
    file = client.get(f"{URL}/ABC/bars?{query}&format=csv")
    assert file["Content-Disposition"] == 'attachment; filename="ABC-1min.csv"'
    lines = file.content.decode().split()
    assert lines[0] == (
        "starts_at,open,high,low,close,volume,"
        "sma:3,bollinger:2:2:upper,bollinger:2:2:middle,bollinger:2:2:lower"
    )
    assert lines[2] == (
        "2026-01-05T14:59:00.000000Z,100,100.5,99.5,104.5,10,101.5,106.75,102.25,97.75"
    )
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("indicators=sma", "must be of the form sma:20"),
        ("indicators=", "is none of: sma:20"),
        ("indicators=sma:0", "a period is a number from 2 to 200"),
        ("indicators=sma:2,sma:2", "sma:2 is there twice"),
        ("interval=1day&indicators=vwap", "1day is too long for it"),
        ("indicators=sma:2&indicators=sma:3", "Say it once."),
    ],
)
def test_wrong_indicators_are_told_what_would_be_right(client, query, words):
    InstrumentFactory(symbol="ABC")
    response = client.get(f"{URL}/ABC/bars?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    (error,) = response.json()["errors"]
    assert error["field"] == "indicators"
    assert words in error["detail"]


def test_every_indicator_at_once_takes_as_many_statements(client, django_assert_num_queries):
    instrument = InstrumentFactory(symbol="ABC")
    for minute in range(30):
        BarFactory(instrument=instrument, starts_at=QUOTED_AT - timedelta(minutes=minute))
    asked = "sma:5,ema:5,wma:5,vwap,rsi:5,macd:2:5:3,bollinger:5:2,atr:5"
    with django_assert_num_queries(4):  # session, user, instrument, bars
        response = client.get(f"{URL}/ABC/bars?gaps=fill&indicators={asked}")
    assert len(response.json()["results"][-1]["indicators"]) == 12
