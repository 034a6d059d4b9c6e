"""Documents of the contract, and what may not pass for one."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.twelvedata import errors, parsing
from instruments.twelvedata.errors import TwelveDataError, Unreadable
from instruments.twelvedata.tests.server import (
    BAD_KEY,
    DAY_OUT,
    MINUTE_OUT,
    error_document,
    quote_document,
)

D = Decimal


def test_a_quote_is_read_to_the_last_digit():
    quoted = parsing.read_quote(quote_document())
    assert quoted.symbol == "AAPL"
    assert quoted.mic == "XNGS"
    assert quoted.session_date == date(2026, 11, 25)
    assert quoted.last_quote_at == datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
    assert quoted.close == D("275.01001")
    assert (quoted.open, quoted.high, quoted.low) == (D("270"), D("276.10001"), D("269.5"))
    assert quoted.volume == 1_234_567
    assert quoted.previous_close == D("271.25")
    assert quoted.is_market_open is True


def test_numbers_may_be_numbers_and_are_never_floats():
    text = json.dumps(quote_document(close=0.1, high=275.01001, volume=12))
    quoted = parsing.read_quote(parsing.read_document(text))
    assert (quoted.close, quoted.high, quoted.volume) == (D("0.1"), D("275.01001"), 12)
    assert isinstance(quoted.close, Decimal)


@pytest.mark.parametrize(
    "name",
    [
        *("open", "high", "low", "volume", "previous_close", "is_market_open", "last_quote_at"),
        *("datetime", "mic_code", "currency"),
    ],
)
def test_most_of_a_quote_may_be_null_or_missing(name):
    document = quote_document(**{name: None})
    with_null = parsing.read_quote(document)
    del document[name]
    assert parsing.read_quote(document) == with_null


BAD_NUMBERS = [
    *("NaN", "nan", "Infinity", "-Infinity", "", " 1", "1 ", "1_000", "1,000", "+5", "1e5", "٣"),
    *("0x10", "1.2.3", ".5", "5.", "--1", "１２", True, False, [], {}, "9" * 19),
]


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["close", "volume", "previous_close"])
def test_what_is_no_number_makes_the_quote_unreadable(name, value):
    with pytest.raises(Unreadable, match=name):
        parsing.read_quote(quote_document(**{name: value}))


@pytest.mark.parametrize("name", ["close", "symbol"])
def test_no_quote_without_price_and_symbol(name):
    with pytest.raises(Unreadable, match=name):
        parsing.read_quote(quote_document(**{name: None}))


@pytest.mark.parametrize("value", ["0", "-3.5", 0])
def test_zero_and_below_are_let_through_to_quarantine(value):
    assert parsing.read_quote(quote_document(close=value)).close == D(str(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("last_quote_at", "yesterday"),
        ("last_quote_at", -1),
        ("last_quote_at", 99_999_999_999),
        ("datetime", "25.11.2026"),
        ("datetime", "2026-13-01"),
        ("datetime", 5),
        ("is_market_open", "true"),
        ("symbol", 5),
        ("symbol", "A" * 301),
    ],
)
def test_other_fields_are_read_strictly_too(name, value):
    with pytest.raises(Unreadable, match=name):
        parsing.read_quote(quote_document(**{name: value}))


@pytest.mark.parametrize(
    "text",
    ["", "<html>", '{"close": NaN}', "[1, 2", "[" * 100_000, '{"a": Infinity}', "nil"],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_is_unreadable(text):
    with pytest.raises(Unreadable):
        parsing.read_document(text)


@pytest.mark.parametrize("document", [[], "x", 5, None, {}, {"close": "1"}, [[]]])
def test_what_is_no_quote_is_unreadable(document):
    with pytest.raises(Unreadable):
        parsing.read_quote(document)


@pytest.mark.parametrize(
    ("document", "kind", "used", "limit"),
    [
        (MINUTE_OUT, errors.MinuteExhausted, 10, 8),
        (DAY_OUT, errors.DayExhausted, 1316, 800),
        (error_document(429, "slow down"), errors.Exhausted, None, None),
    ],
)
def test_exhaustion_tells_its_kind_and_its_numbers(document, kind, used, limit):
    with pytest.raises(kind) as raised:
        parsing.read_document(json.dumps(document))
    assert type(raised.value) is kind
    assert (raised.value.used, raised.value.limit) == (used, limit)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.BadKey),
        (403, errors.PlanTooLow),
        (404, errors.NoData),
        (414, errors.BadRequest),
        (418, errors.Refused),
        (500, errors.ServerTrouble),
        (520, errors.ServerTrouble),
    ],
)
def test_errors_by_code(code, kind):
    error = errors.error_in(error_document(code, "words"))
    assert type(error) is kind
    assert (error.code, error.said) == (code, "words")


def test_an_error_without_status_is_one_and_a_document_with_ok_is_none():
    assert isinstance(errors.error_in({"code": 401, "message": "no"}), errors.BadKey)
    assert isinstance(errors.error_in({"status": "error"}), errors.Refused)
    assert errors.error_in({"status": "ok", "values": []}) is None
    assert errors.error_in([{"status": "error"}]) is None
    assert errors.error_in({"code": "XNYS", "message": "open"}) is None


def test_the_words_of_an_error_are_cut():
    assert len(errors.error_in(error_document(400, "x" * 10_000)).said) == 200


def test_in_a_batch_every_symbol_stands_for_itself():
    document = {
        "AAPL": quote_document("AAPL"),
        "NOPE": error_document(400, "**symbol** not found: NOPE"),
        "NANS": quote_document("NANS", close="NaN"),
        "LIST": [],
        "UNASKED": quote_document("UNASKED"),
    }
    tokens = ["AAPL", "NOPE", "NANS", "LIST", "GONE"]
    answers = parsing.read_batch(document, tokens, parsing.read_quote)
    assert list(answers) == tokens
    assert answers["AAPL"].close == D("275.01001")
    assert isinstance(answers["NOPE"], errors.BadRequest)
    assert {type(answers[token]) for token in ("NANS", "LIST", "GONE")} == {Unreadable}


def test_one_symbol_comes_as_it_is():
    answers = parsing.read_batch(quote_document(), ["AAPL"], parsing.read_quote)
    assert answers["AAPL"].symbol == "AAPL"
    with pytest.raises(Unreadable):
        parsing.read_batch([], ["AAPL", "MSFT"], parsing.read_quote)


def series_document(*rows, **meta):
    base = {"symbol": "AAPL", "interval": "1min", "currency": "USD", "mic_code": "XNGS"}
    return {"meta": {**base, **meta}, "values": list(rows), "status": "ok"}


def row(at, o="10", h="12", low="9", c="11", v="100"):
    return {"datetime": at, "open": o, "high": h, "low": low, "close": c, "volume": v}


def test_a_series_comes_oldest_first_without_rows_that_cannot_be():
    series = parsing.read_series(
        series_document(
            row("2026-11-25 14:32:00"),
            row("2026-11-25 14:31:00", v=None),
            row("2026-11-25 14:30:00", h="10.5"),  # the close is above the high
            row("2026-11-25 14:29:00", low="0"),
            row("2026-11-25 14:28:00", c="NaN"),
            row("2026-11-25 14:27:00", v="-1"),
            row("soon"),
            row("2026-11-25 14:31:00", c="10"),  # said twice
            "nonsense",
        )
    )
    assert [bar.starts_at.minute for bar in series.bars] == [31, 32]
    assert (series.bars[0].close, series.bars[0].volume) == (11, 0)
    assert series.rejected == 7


def test_an_empty_series_and_days():
    assert parsing.read_series(series_document()).bars == []
    (bar,) = parsing.read_series(series_document(row("2026-11-25"))).bars
    assert bar.starts_at == datetime(2026, 11, 25, tzinfo=UTC)
    with pytest.raises(Unreadable):
        parsing.read_series({"meta": {}, "values": []})
    with pytest.raises(Unreadable):
        parsing.read_series({**series_document(), "values": None})


def test_listings_of_all_three_kinds():
    stock = {"symbol": "KO", "name": "Coca-Cola", "mic_code": "XNYS", "type": "Common Stock"}
    found = {"symbol": "KO", "instrument_name": "Coke", "mic_code": "XNYS", "currency": "USD"}
    listings = parsing.read_listings({"data": [stock, found, {"symbol": None}, 5], "status": "ok"})
    assert [(each.name, each.mic, each.type) for each in listings] == [
        ("Coca-Cola", "XNYS", "Common Stock"),
        ("Coke", "XNYS", ""),
    ]
    with pytest.raises(Unreadable):
        parsing.read_listings({"status": "ok"})


def test_rates_states_usage_and_the_earliest():
    told = {"symbol": "EUR/USD", "rate": D("1.08452123456789"), "timestamp": 1795618800}
    rate = parsing.read_rate(told)
    assert (rate.base, rate.quote, rate.rate) == ("EUR", "USD", D("1.08452123"))
    for wrong in ({"rate": 0}, {"rate": -1}, {"symbol": "EURUSD"}, {"timestamp": None}):
        with pytest.raises(Unreadable):
            parsing.read_rate({**told, **wrong})
    states = parsing.read_market_states(
        [{"name": "NYSE", "code": "XNYS", "is_market_open": True, "time_to_close": "01:00:00"}]
    )
    assert [(state.code, state.is_open) for state in states] == [("XNYS", True)]
    usage = parsing.read_usage({"current_usage": 3, "plan_limit": 8})
    assert (usage.minute_used, usage.minute_limit, usage.day_used) == (3, 8, None)
    usage = parsing.read_usage(
        {"current_usage": 3, "plan_limit": 8, "daily_usage": 41, "plan_daily_limit": 800}
    )
    assert (usage.day_used, usage.day_limit) == (41, 800)
    unlimited = {"current_usage": 3, "plan_limit": 55, "daily_usage": 9, "plan_daily_limit": None}
    assert parsing.read_usage(unlimited).day_limit is None
    earliest = parsing.read_earliest({"datetime": "1980-12-12", "unix_time": 345479400})
    assert earliest == datetime(1980, 12, 12, 14, 30, tzinfo=UTC)
    assert parsing.read_price({"price": "200.99001"}) == D("200.99001")
    assert parsing.read_close({"close": "1.5"}) == D("1.5")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["symbol", "close", "open", "datetime", "last_quote_at", "volume"])


@given(st.dictionaries(FIELDS, json_values, max_size=4), st.sampled_from([dict, list]))
def test_nothing_but_our_errors_comes_out_of_nonsense(fields, kind):
    document = quote_document(**fields) if kind is dict else [quote_document(**fields)]
    text = json.dumps(document)
    readers = [
        *(parsing.read_quote, parsing.read_series, parsing.read_listings, parsing.read_rate),
        *(parsing.read_market_states, parsing.read_usage, parsing.read_earliest),
    ]
    for read in readers:
        try:
            read(parsing.read_document(text))
        except TwelveDataError:
            continue


def test_the_key_error_of_the_contract():
    assert isinstance(errors.error_in(BAD_KEY), errors.BadKey)
