"""Answers become ticks: prices as they are, times that never flatter."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from instruments.quotes import check_tick
from instruments.spread import missing_half_spread
from instruments.tests.ticks import make_tick
from instruments.twelvedata.errors import Unreadable
from instruments.twelvedata.parsing import read_quote
from instruments.twelvedata.symbols import Target, is_same_market, token_of, unit_of
from instruments.twelvedata.tape import OtherListing, Priced, Tape
from instruments.twelvedata.tests.server import quote_document

D = Decimal
AAPL = Target("AAPL", "AAPL", "id-aapl", 0, "XNAS", "USD")
VOD = Target("VOD:LSE", "VOD", "id-vod", 0, "XLON", "GBP")
MINUTE = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""When the minute began that the documents tell as that of the last trade."""


def after(seconds):
    return MINUTE + timedelta(seconds=seconds)


def quoted(**fields):
    return read_quote(quote_document(**fields))


def test_a_quote_becomes_a_tick_with_empty_sides():
    tick = Tape().quoted(AAPL, quoted(), after(20))
    assert (tick.bid, tick.ask, tick.bid_size, tick.ask_size) == (None, None, 0, 0)
    assert (tick.last, tick.volume, tick.last_size) == (D("275.01001"), 1_234_567, 0)
    assert (tick.day_open, tick.day_high, tick.day_low) == (D(270), D("276.10001"), D("269.5"))
    assert tick.previous_close == D("271.25")
    assert tick.session_date == date(2026, 11, 25)
    assert (tick.symbol, tick.instrument_id, tick.source) == ("AAPL", "id-aapl", "twelvedata")
    assert tick.is_new_print
    assert check_tick(tick) == []
    half = missing_half_spread(tick, mic="XNAS", mode="exchange", tick_size=D("0.01"))
    assert half == D("0.06")  # 2 bps of 275 and a bit, rounded up to the tick


@pytest.mark.parametrize(
    ("asked_s", "as_of_s"),
    [(0, 0), (20, 20), (59, 59), (60, 59.999), (900, 59.999), (-5, -5)],
)
def test_a_price_is_as_of_the_end_of_its_minute_or_when_it_was_asked_for(asked_s, as_of_s):
    """Asked a quarter of an hour later, as by a delayed plan, it is a quarter of an hour old."""
    tick = Tape().quoted(AAPL, quoted(), after(asked_s))
    assert tick.as_of == after(as_of_s)


def test_a_quote_without_its_time_and_one_of_the_future_are_no_quotes():
    with pytest.raises(Unreadable, match="no time"):
        Tape().quoted(AAPL, quoted(last_quote_at=None), after(1))
    with pytest.raises(Unreadable, match="future"):
        Tape().quoted(AAPL, quoted(), after(-61))


def test_what_was_traded_since_the_last_quote_is_the_growth_of_the_volume():
    tape = Tape()
    sizes = []
    for seconds, volume, close in [
        (1, "1000", "275"),
        (2, "1500", "275"),
        (3, "1500", "275"),
        (4, "1500", "275.5"),
        (5, "1400", "275.5"),  # they corrected themselves
        (6, "1450", "275.5"),
    ]:
        tick = tape.quoted(AAPL, quoted(volume=volume, close=close), after(seconds))
        sizes.append((int(tick.last_size), tick.is_new_print, tick.is_new_quote))
    assert sizes == [
        (0, True, True),
        (500, True, True),
        (0, False, False),
        (0, True, True),
        (0, False, False),
        (50, True, True),
    ]


def test_a_new_day_counts_from_nothing_and_a_restart_from_what_was_stored():
    yesterday = make_tick(
        instrument_id="id-aapl",
        last=D("271.25"),
        volume=D(9_000_000),
        as_of=MINUTE - timedelta(days=1),
        session_date=date(2026, 11, 24),
    )
    assert Tape([yesterday]).quoted(AAPL, quoted(), after(1)).last_size == 1_234_567
    earlier = make_tick(
        instrument_id="id-aapl", volume=D(1_234_000), as_of=MINUTE - timedelta(minutes=9)
    )
    assert Tape([earlier]).quoted(AAPL, quoted(), after(1)).last_size == 567


@pytest.mark.parametrize("field", ["close", "open", "high", "low"])
@pytest.mark.parametrize("value", ["0", "-1.5"])
def test_zero_and_below_are_insane_and_are_not_remembered(field, value):
    tape = Tape()
    tape.quoted(AAPL, quoted(volume="1000"), after(1))
    bad = tape.quoted(AAPL, quoted(volume="5000", **{field: value}), after(2))
    assert check_tick(bad)
    assert tape.quoted(AAPL, quoted(volume="1100"), after(3)).last_size == 100


def test_a_price_outside_of_its_own_day_is_insane():
    assert check_tick(Tape().quoted(AAPL, quoted(close="2750.1"), after(1)))


def test_an_answer_out_of_order_is_told_as_such_and_not_remembered():
    tape = Tape()
    tape.quoted(AAPL, quoted(), after(30))
    older = tape.quoted(
        AAPL, quoted(last_quote_at=int(MINUTE.timestamp()) - 600, volume="1"), after(31)
    )
    assert older.as_of < MINUTE
    assert tape.quoted(AAPL, quoted(volume="1234568"), after(32)).last_size == 1


def test_london_is_quoted_in_pence():
    document = quoted(
        symbol="VOD", mic_code="XLON", currency="GBp", close="70.12", open="70", high="71", low="69"
    )
    tick = Tape().quoted(VOD, document, after(1))
    assert (tick.last, tick.day_high) == (D("0.7012"), D("0.71"))


@pytest.mark.parametrize("fields", [{"currency": "EUR"}, {"mic_code": "XETR"}])
def test_another_listing_of_that_name_is_not_ours(fields):
    with pytest.raises(OtherListing):
        Tape().quoted(AAPL, quoted(**fields), after(1))


def test_segments_of_an_exchange_are_that_exchange():
    assert all(is_same_market(told, "XNAS") for told in ("XNAS", "XNGS", "XNMS", "XNCM", ""))
    assert not is_same_market("XNYS", "XNAS")
    assert unit_of("USD", "USD") == 1
    assert unit_of("GBX", "GBP") == D("0.01")
    assert unit_of("EUR", "USD") is None


@pytest.mark.parametrize(
    ("symbol", "mic", "kind", "token"),
    [
        ("AAPL", "XNAS", "stock", "AAPL"),
        ("SPY", "ARCX", "etf", "SPY"),
        ("VOD", "XLON", "stock", "VOD:LSE"),
        ("7203", "XTKS", "stock", "7203:JPX"),
        ("BTCUSD", "BNGI", "crypto", "BTC/USD"),
        ("BNGI", "BNGI", "stock", None),
        ("USD", "BNGI", "crypto", None),
    ],
)
def test_tokens(symbol, mic, kind, token):
    assert token_of(symbol, mic, kind) == token


def priced(price="275.5", seconds=30, **fields):
    values = {"symbol": "AAPL", "mic": "XNGS", "currency": "USD"}
    return Priced(price=D(price), as_of=after(seconds), **{**values, **fields})


def test_an_event_of_the_stream_goes_on_from_the_quote():
    tape = Tape()
    tape.quoted(AAPL, quoted(), after(20))
    tick = tape.priced(AAPL, priced("277", day_volume=D(1_234_600)), after(31))
    assert (tick.last, tick.last_size, tick.volume) == (277, 33, 1_234_600)
    assert tick.day_high == 277  # the day has gone on
    assert tick.previous_close == D("271.25")
    assert tick.as_of == after(30.999)
    assert check_tick(tick) == []


def test_an_event_before_any_quote_and_one_of_a_coin():
    tape = Tape()
    tick = tape.priced(AAPL, priced(), after(31))
    assert (tick.day_high, tick.previous_close, tick.volume, tick.last_size) == (None, None, 0, 0)
    coin = Target("BTC/USD", "BTCUSD", "id-btc", 0, "BNGI", "USD")
    told = {"mic": "", "currency": "US Dollar", "bid": D(89_999), "ask": D(90_001)}
    tick = tape.priced(coin, priced("90000", **told), after(31))
    assert (tick.bid, tick.ask) == (89_999, 90_001)


def test_events_that_cannot_be():
    tape = Tape()
    assert check_tick(tape.priced(AAPL, priced("0"), after(31)))
    assert check_tick(tape.priced(AAPL, priced("-1"), after(31)))
    with pytest.raises(Unreadable, match="future"):
        tape.priced(AAPL, priced(seconds=92), after(31))
    assert tape.priced(AAPL, priced(seconds=40), after(31)).as_of == after(31)
    with pytest.raises(OtherListing):
        tape.priced(AAPL, priced(currency="EUR"), after(31))


def test_the_first_event_of_a_day_knows_yesterdays_close():
    yesterday = make_tick(
        instrument_id="id-aapl",
        last=D("271.25"),
        as_of=MINUTE - timedelta(days=1),
        session_date=date(2026, 11, 24),
    )
    tick = Tape([yesterday]).priced(AAPL, priced(day_volume=D(50)), after(31))
    assert (tick.previous_close, tick.last_size) == (D("271.25"), 50)
