"""The shapes of answers: which fields there are, as which type, for a share, a pair and a coin."""

import re

import pytest
import requests

NUMBER = re.compile(r"-?\d+\.\d{5}")
WHOLE = re.compile(r"\d+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
YEAR = {
    **dict.fromkeys(["low", "high", "low_change", "high_change"], NUMBER),
    **dict.fromkeys(["low_change_percent", "high_change_percent"], NUMBER),
    "range": re.compile(r"\d+\.\d{6} - \d+\.\d{6}"),
}
BAR = {"datetime": MOMENT, **dict.fromkeys(["open", "high", "low", "close"], NUMBER)}
PRICES = dict.fromkeys(
    ["open", "high", "low", "close", "previous_close", "change", "percent_change"], NUMBER
)
QUOTE = {
    **dict.fromkeys(["symbol", "name", "exchange"], str),
    "datetime": DATE,
    "timestamp": int,
    "last_quote_at": int,
    **PRICES,
    "is_market_open": bool,
    "fifty_two_week": YEAR,
}
SHARE_QUOTE = {**QUOTE, "mic_code": str, "currency": str, "volume": WHOLE, "average_volume": WHOLE}
PAIR_QUOTE = {**QUOTE, "currency_base": str, "currency_quote": str}
SHARE_META = dict.fromkeys(
    ["symbol", "interval", "currency", "exchange_timezone", "exchange", "mic_code", "type"], str
)
PAIR_META = dict.fromkeys(["symbol", "interval", "currency_base", "currency_quote", "type"], str)
CODES = dict.fromkeys(["figi_code", "cfi_code", "isin", "cusip"], type(None))
ETF_ROW = {
    **dict.fromkeys(["symbol", "name", "currency", "exchange", "mic_code", "country"], str),
    **CODES,
}


def fits(value, shape) -> None:
    """Assert that a value has exactly the keys of a shape, and what they ask for."""
    if isinstance(shape, dict):
        assert set(value) == set(shape)
        for name, part in shape.items():
            fits(value[name], part)
    elif isinstance(shape, list):
        assert isinstance(value, list)
        assert value
        for one in value:
            fits(one, shape[0])
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str)
        assert shape.fullmatch(value), value
    else:
        assert type(value) is shape, value


@pytest.mark.parametrize(
    ("path", "params", "shape"),
    [
        ("/quote", {"symbol": "AAPL"}, SHARE_QUOTE),
        ("/quote", {"symbol": "EUR/USD"}, PAIR_QUOTE),
        ("/quote", {"symbol": "BTC/USD"}, PAIR_QUOTE),
        ("/quote", {"symbol": "AAPL,SPY"}, {"AAPL": SHARE_QUOTE, "SPY": SHARE_QUOTE}),
        ("/quote", {"symbol": "AAPL,"}, SHARE_QUOTE),
        ("/price", {"symbol": "AAPL"}, {"price": NUMBER}),
        ("/price", {"symbol": "AAPL", "dp": "2"}, {"price": re.compile(r"\d+\.\d\d")}),
        (
            "/time_series",
            {"symbol": "AAPL", "interval": "1h"},
            {"meta": SHARE_META, "values": [{**BAR, "volume": WHOLE}], "status": str},
        ),
        (
            "/time_series",
            {"symbol": "EUR/USD", "interval": "5min"},
            {"meta": PAIR_META, "values": [BAR], "status": str},
        ),
        (
            "/time_series",
            {"symbol": "BTC/USD", "interval": "1week", "outputsize": "3"},
            {
                "meta": {**PAIR_META, "exchange": str},
                "values": [{**BAR, "datetime": DATE}],
                "status": str,
            },
        ),
        (
            "/time_series",
            {"symbol": "AAPL", "interval": "1day", "outputsize": "3", "previous_close": "true"},
            {
                "meta": SHARE_META,
                "values": [
                    {**BAR, "datetime": DATE, "volume": WHOLE, "previous_close": NUMBER},
                ],
                "status": str,
            },
        ),
        (
            "/eod",
            {"symbol": "AAPL"},
            {
                **dict.fromkeys(["symbol", "exchange", "mic_code", "currency"], str),
                "datetime": DATE,
                "close": NUMBER,
            },
        ),
        (
            "/exchange_rate",
            {"symbol": "EUR/USD"},
            {"symbol": str, "rate": float, "timestamp": int},
        ),
        (
            "/currency_conversion",
            {"symbol": "EUR/USD", "amount": "3"},
            {"symbol": str, "rate": float, "timestamp": int, "amount": float},
        ),
        ("/stocks", {}, {"data": [{**ETF_ROW, "type": str}], "status": str}),
        ("/etfs", {}, {"data": [ETF_ROW], "status": str}),
        ("/etf", {"mic_code": "ARCX"}, {"data": [ETF_ROW], "status": str}),
        (
            "/symbol_search",
            {"symbol": "a"},
            {
                "data": [
                    dict.fromkeys(
                        [
                            *["symbol", "instrument_name", "exchange", "mic_code"],
                            *["exchange_timezone", "instrument_type", "country", "currency"],
                        ],
                        str,
                    )
                ],
                "status": str,
            },
        ),
        (
            "/market_state",
            {},
            [
                {
                    **dict.fromkeys(["name", "code", "country"], str),
                    "is_market_open": bool,
                    **dict.fromkeys(
                        ["time_after_open", "time_to_open", "time_to_close"],
                        re.compile(r"\d\d+:\d\d:\d\d"),
                    ),
                }
            ],
        ),
        (
            "/exchanges",
            {},
            {
                "data": [dict.fromkeys(["title", "name", "code", "country", "timezone"], str)],
                "status": str,
            },
        ),
        (
            "/earliest_timestamp",
            {"symbol": "AAPL", "interval": "1min"},
            {"datetime": MOMENT, "unix_time": int},
        ),
    ],
)
def test_an_answer_has_its_shape(standin, path, params, shape):
    answer = standin.get(path, **params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    fits(answer.json(), shape)


def test_what_the_first_session_of_all_has_not_is_null(standin):
    """The oldest bar has no close before it."""
    bars = standin.get(
        "/time_series", symbol="AAPL", interval="1day", outputsize=5000, previous_close="true"
    ).json()["values"]
    assert bars[-1]["previous_close"] is None
    assert bars[-2]["previous_close"] == bars[-1]["close"]


def test_extended_hours_are_null_within_the_session(start_standin):
    standin = start_standin(mode="exchange")
    quote = standin.get("/quote", symbol="AAPL", prepost="true").json()
    extended = {name: said for name, said in quote.items() if name.startswith("extended")}
    assert extended == {
        "extended_price": None,
        "extended_change": None,
        "extended_percent_change": None,
        "extended_timestamp": None,
    }
    assert quote["is_market_open"] is True


def test_times_are_the_exchanges_unless_asked_otherwise(start_standin):
    standin = start_standin(mode="exchange")
    asked = {"symbol": "AAPL", "interval": "1h", "outputsize": 1}
    bars = {
        zone: standin.get("/time_series", **asked, timezone=zone).json()["values"][0]["datetime"]
        for zone in ("Exchange", "UTC", "Asia/Tokyo")
    }
    assert bars == {
        "Exchange": "2026-11-25 09:30:00",
        "UTC": "2026-11-25 14:30:00",
        "Asia/Tokyo": "2026-11-25 23:30:00",
    }


def test_a_stretch_of_a_time_series(start_standin):
    standin = start_standin(mode="exchange")
    asked = {"symbol": "AAPL", "interval": "1h", "order": "asc"}
    day = standin.get("/time_series", **asked, date="2026-11-24").json()["values"]
    assert [bar["datetime"][11:16] for bar in day] == [
        "09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30",
    ]  # fmt: skip
    between = {"start_date": "2026-11-24 10:30:00", "end_date": "2026-11-24 12:30:00"}
    assert standin.get("/time_series", **asked, **between).json()["values"] == day[1:4]
    days = {"symbol": "AAPL", "interval": "1day", "order": "asc"}
    some = standin.get("/time_series", **days, start_date="2026-11-20", end_date="2026-11-24")
    assert [bar["datetime"] for bar in some.json()["values"]] == [
        "2026-11-20",
        "2026-11-23",
        "2026-11-24",
    ]
    newest = standin.get("/time_series", **days, outputsize=1).json()["values"]
    assert [bar["datetime"] for bar in newest] == ["2026-11-25"]


@pytest.mark.parametrize(
    ("path", "params", "code", "words"),
    [
        ("/time_series", {"symbol": "AAPL"}, 400, "**interval** parameter is missing"),
        ("/time_series", {"symbol": "AAPL", "interval": "1h", "outputsize": "5001"}, 400, "5001"),
        ("/time_series", {"symbol": "AAPL", "interval": "1h", "outputsize": "x"}, 400, "output"),
        ("/time_series", {"symbol": "AAPL", "interval": "1h", "timezone": "Mars"}, 400, "Mars"),
        ("/time_series", {"symbol": "AAPL", "interval": "1h", "start_date": "soon"}, 400, "soon"),
        ("/time_series", {"symbol": "AAPL", "interval": "1h", "date": "soon"}, 400, "soon"),
        (
            "/time_series",
            {"symbol": "AAPL", "interval": "1h", "date": "1999-01-04"},
            400,
            "No data",
        ),
        ("/quote", {"symbol": "AAPL", "dp": "12"}, 400, "**dp**"),
        ("/quote", {"symbol": "AAPL", "prepost": "maybe"}, 400, "**prepost**"),
        ("/quote", {"symbol": "AAPL", "format": "CSV"}, 400, "JSON"),
        ("/quote", {"symbol": "AAPL:LSE"}, 404, "missing or invalid"),
        ("/quote", {"symbol": "AAPL", "mic_code": "XNYS"}, 404, "missing or invalid"),
        ("/quote", {}, 404, "missing or invalid"),
        ("/exchange_rate", {"symbol": "EUR/EUR"}, 404, "missing or invalid"),
        ("/exchange_rate", {"symbol": "EUR/ABC"}, 404, "missing or invalid"),
        ("/currency_conversion", {"symbol": "EUR/USD", "amount": "x"}, 400, "**amount**"),
        ("/symbol_search", {}, 400, "**symbol**"),
        ("/eod", {"symbol": "AAPL", "date": "1999-01-04"}, 400, "No data"),
        ("/nowhere", {}, 404, "not served"),
    ],
)
def test_what_makes_no_sense_is_told(standin, path, params, code, words):
    answer = standin.get(path, **params)
    assert answer.status_code == code
    fits(answer.json(), {"code": int, "message": str, "status": str})
    assert answer.json()["code"] == code
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    "token", ["AAPL", "aapl", "AAPL:NASDAQ", "AAPL:XNGS", "AAPL:XNAS", " AAPL"]
)
def test_a_symbol_may_be_written_in_many_ways(standin, token):
    assert standin.get("/price", symbol=token).json() == {"price": "228.50000"}
    batch = standin.get("/price", symbol=f"{token},MSFT").json()
    assert batch[token] == {"price": "228.50000"}


def test_a_post_is_for_batches(standin):
    answer = requests.post(f"{standin.url}/price?symbol=AAPL&apikey=k", timeout=20)
    assert answer.status_code == 405


@pytest.mark.parametrize("mic_code", ["XNAS", "XNGS", "xnas"])
def test_an_exchange_is_asked_for_by_either_of_its_mics(standin, mic_code):
    """Its instruments carry the segment's, it is listed under its own."""
    rows = standin.get("/stocks", mic_code=mic_code).json()["data"]
    assert [(row["symbol"], row["mic_code"]) for row in rows] == [
        ("AAPL", "XNGS"),
        ("MSFT", "XNGS"),
    ]
    states = standin.get("/market_state", code=mic_code).json()
    assert [state["code"] for state in states] == ["XNAS"]


def test_london_is_quoted_in_pence(standin):
    quote = standin.get("/quote", symbol="SHEL:LSE").json()
    assert (quote["currency"], quote["close"]) == ("GBp", "2588.00000")
    bars = standin.get("/time_series", symbol="SHEL", interval="1day").json()
    assert bars["meta"]["currency"] == "GBp"
    assert all(1000 < float(bar["close"]) < 5000 for bar in bars["values"])
    (row,) = standin.get("/stocks", mic_code="XLON").json()["data"]
    assert row["currency"] == "GBp"
