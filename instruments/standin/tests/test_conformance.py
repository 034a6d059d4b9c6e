"""Twelve Data's own client works against the stand-in, and takes its errors for what they are."""

from decimal import Decimal

import pytest
from twelvedata.exceptions import (
    BadRequestError,
    InternalServerError,
    InvalidApiKeyError,
    TwelveDataError,
)

from instruments.standin.tests.clients import OfficialStream, official


@pytest.fixture
def client(standin):
    with official(standin) as made:
        yield made


def last(standin, symbol):
    return standin.market.last(standin.market.book.find(symbol))


def test_it_asks_for_the_indicators_first(standin, client):
    assert [asked.path for asked in standin.service.requests] == ["/technical_indicators"]
    assert client.ctx.base_url == standin.url


def test_a_quote(standin, client):
    quote = client.quote(symbol="AAPL").as_json()
    assert (quote["symbol"], quote["exchange"], quote["mic_code"]) == ("AAPL", "NASDAQ", "XNGS")
    assert Decimal(quote["close"]) == last(standin, "AAPL") == Decimal("228.50")
    assert quote["is_market_open"] is True
    assert standin.service.requests[-1].symbols == ("AAPL",)


def test_quotes_in_a_batch(standin, client):
    quotes = client.quote(symbol=["AAPL", "MSFT", "EUR/USD"]).as_json()
    assert list(quotes) == ["AAPL", "MSFT", "EUR/USD"]
    assert Decimal(quotes["MSFT"]["close"]) == last(standin, "MSFT")
    assert quotes["EUR/USD"]["currency_quote"] == "US Dollar"


def test_a_batch_with_a_symbol_that_there_is_not(client):
    quotes = client.quote(symbol="AAPL,NOPE").as_json()
    assert quotes["AAPL"]["symbol"] == "AAPL"
    assert (quotes["NOPE"]["status"], quotes["NOPE"]["code"]) == ("error", 404)


def test_prices(standin, client):
    assert client.price(symbol="AAPL").as_json() == {"price": "228.50000"}
    assert client.price(symbol="AAPL,IBM").as_json() == {
        "AAPL": {"price": "228.50000"},
        "IBM": {"price": "214.60000"},
    }


def test_a_time_series(standin, client):
    bars = client.time_series(symbol="AAPL", interval="1day", outputsize=5).as_json()
    days = standin.market.history(standin.market.book.find("AAPL")).bars("1day")
    assert [bar["datetime"] for bar in bars] == [day.day.isoformat() for day in reversed(days[-5:])]
    assert [Decimal(bar["close"]) for bar in bars] == [day.close for day in reversed(days[-5:])]
    oldest_first = client.time_series(symbol="AAPL", interval="1day", outputsize=5, order="asc")
    assert oldest_first.as_json() == tuple(reversed(bars)) or oldest_first.as_json() == bars[::-1]


def test_a_time_series_as_a_table(client):
    table = client.time_series(symbol="AAPL", interval="5min", outputsize=12).as_pandas()
    assert table.shape == (12, 5)
    assert list(table.columns) == ["open", "high", "low", "close", "volume"]
    assert table["close"].iloc[0] == 228.5


def test_time_series_in_a_batch(client):
    series = client.time_series(symbol="AAPL,MSFT", interval="1h", outputsize=3).as_json()
    assert {symbol: len(one) for symbol, one in series.items()} == {"AAPL": 3, "MSFT": 3}


def test_what_is_listed(client):
    assert [row["symbol"] for row in client.get_stocks_list(exchange="NASDAQ").as_json()] == [
        "AAPL",
        "MSFT",
    ]
    assert [row["symbol"] for row in client.get_etf_list().as_json()] == ["SPY"]
    found = client.symbol_search(symbol="micro").as_json()
    assert [row["instrument_name"] for row in found] == ["Microsoft Corporation"]
    assert "XNYS" in {row["code"] for row in client.get_exchanges_list().as_json()}


def test_rates_and_conversion(client):
    rate = client.exchange_rate(symbol="USD/JPY").as_json()
    assert rate["rate"] == pytest.approx(154.3, abs=0.01)
    turned = client.exchange_rate(symbol="JPY/USD", dp=8).as_json()
    assert turned["rate"] == pytest.approx(1 / 154.3, rel=1e-3)
    converted = client.currency_conversion(symbol="EUR/USD", amount=100).as_json()
    assert converted["amount"] == pytest.approx(108.45, abs=0.01)


def test_the_rest(client):
    assert client.eod(symbol="AAPL").as_json()["datetime"] == "2026-11-24"
    states = client.get_market_state(exchange="NASDAQ").as_json()
    assert [(state["code"], state["is_market_open"]) for state in states] == [("XNAS", True)]
    earliest = client.get_earliest_timestamp(symbol="AAPL", interval="1day").as_json()
    assert set(earliest) == {"datetime", "unix_time"}


def test_usage(client):
    before = client.api_usage().as_json()
    client.quote(symbol="AAPL,MSFT,IBM").as_json()
    after = client.api_usage().as_json()
    assert after["current_usage"] - before["current_usage"] == 3 + 1
    assert (after["plan_limit"], after["plan_category"]) == (610, "pro")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, BadRequestError),
        (401, InvalidApiKeyError),
        (429, TwelveDataError),
        (500, InternalServerError),
        (520, InternalServerError),
    ],
)
@pytest.mark.parametrize("http_status", [None, 200])
def test_errors_are_told_apart(standin, client, code, error, http_status):
    standin.fault("error", code=code, message="as asked", http_status=http_status, times=1)
    with pytest.raises(error, match="as asked") as raised:
        client.price(symbol="AAPL").as_json()
    assert raised.type is error
    assert client.price(symbol="AAPL").as_json() == {"price": "228.50000"}


def test_real_errors_are_told_apart_too(client):
    with pytest.raises(BadRequestError, match=r"Supported intervals: 1min, 5min"):
        client.time_series(symbol="AAPL", interval="7min").as_json()
    with pytest.raises(TwelveDataError, match="missing or invalid"):
        client.price(symbol="NOPE").as_json()
    client.ctx.apikey = ""
    with pytest.raises(InvalidApiKeyError, match="incorrect or not specified"):
        client.price(symbol="AAPL").as_json()


def test_a_stream(standin, client):
    with OfficialStream(client, standin, ["AAPL", "NOPE"]) as stream:
        status = stream.next("subscribe-status")
        assert status["status"] == "warning"
        assert [one["symbol"] for one in status["success"]] == ["AAPL"]
        assert [one["symbol"] for one in status["fails"]] == ["NOPE"]
        standin.pass_time(30)
        price = stream.next("price")
        assert (price["symbol"], price["mic_code"]) == ("AAPL", "XNGS")
        assert isinstance(price["price"], float)
        stream.socket.heartbeat()
        assert stream.next("heartbeat")["status"] == "ok"
        stream.socket.subscribe(["MSFT"])
        assert stream.next("subscribe-status")["success"][0]["symbol"] == "MSFT"
        assert standin.state()["sockets"] == [["AAPL", "MSFT"]]
        stream.socket.unsubscribe(["AAPL"])
        assert stream.next("unsubscribe-status")["success"][0]["symbol"] == "AAPL"
        assert standin.state()["sockets"] == [["MSFT"]]
        stream.socket.reset()
        assert stream.next("reset-status")["status"] == "ok"
        assert standin.state()["sockets"] == [[]]
