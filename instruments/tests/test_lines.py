"""Lines of instruments: change, age, hours and the shape of the day, on known numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from bengi import writing
from instruments.lines import Line, draw_spark, hours_words, lines_of, zone_of
from instruments.selectors import latest_quotes
from instruments.tests.factories import QUOTED_AT, BarFactory, InstrumentFactory, QuoteFactory

NOW = QUOTED_AT + timedelta(seconds=4)
MONDAY_15_UTC = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


@pytest.fixture
def line(db):
    quote = QuoteFactory()
    quotes = latest_quotes([quote.instrument])
    return Line(quote.instrument, quotes[quote.instrument.symbol], NOW)


def test_a_line_says_how_the_price_moved(line):
    assert line.change == Decimal("2.00")
    assert round(line.change_percent, 4) == Decimal("2.0408")
    assert line.age_s == 4.0
    assert line.spread_words == "0.04 · 4.0 bps"
    assert line.range_x == "37.2"


def test_a_line_without_a_quote_says_nothing(db):
    line = Line(InstrumentFactory(), None, NOW)
    assert (line.last, line.change, line.change_percent, line.age_s) == (None, None, None, None)
    assert line.spread_words == "–"
    assert line.facts["last"] is None


def test_facts_are_what_the_script_starts_from(line):
    facts = line.facts
    assert facts["last"] == "100"
    assert facts["volume"] == "12000"
    assert facts["is_open"] is True
    assert facts["has_feed"] is True


def test_lines_of_reads_the_shapes_of_all_in_one_statement(db, django_assert_num_queries):
    instruments = [InstrumentFactory() for _ in range(5)]
    for instrument in instruments:
        for back in range(3):
            starts_at = NOW - timedelta(minutes=15 * back)
            BarFactory(instrument=instrument, interval="15min", starts_at=starts_at)
    with django_assert_num_queries(1):
        lines = lines_of(instruments, {}, NOW)
    assert [len(line.closes) for line in lines] == [3] * 5


def test_a_spark_fits_its_box_with_yesterdays_close_in_it():
    spark = draw_spark([Decimal(10), Decimal(12), Decimal(11)], Decimal(10))
    assert spark.points == "0.0,22.0 28.0,2.0 56.0,12.0"
    assert spark.level == "22.0"


def test_a_drawing_has_points_whatever_the_reader_writes(line):
    german = writing.Writing(writing.LOCALE_OF["de"])
    with writing.written_for(lambda: german):
        spark = draw_spark([Decimal(10), Decimal(12), Decimal(11)], Decimal(10))
        assert (spark.points, spark.level) == ("0.0,22.0 28.0,2.0 56.0,12.0", "22.0")
        assert line.range_x == "37.2"
        assert line.spread_words == "0,04 · 4,0 bps"


def test_a_spark_names_its_prices_and_its_newest_bar(db):
    instrument = InstrumentFactory()
    for back, close in ((0, 103), (1, 101), (2, 104)):
        at = MONDAY_15_UTC - timedelta(minutes=15 * back)
        BarFactory(instrument=instrument, interval="15min", starts_at=at, close=close)
    (line,) = lines_of([instrument], {}, MONDAY_15_UTC)
    assert (line.spark.low, line.spark.high) == (101, 104)
    assert line.closes_until == MONDAY_15_UTC
    drawn = render_to_string("instruments/_spark.html", {"line": line})
    assert f'data-low="101" data-high="104" data-at="{int(MONDAY_15_UTC.timestamp())}"' in drawn


def test_a_flat_spark_lies_in_the_middle():
    assert draw_spark([Decimal(10), Decimal(10)], None).points == "0.0,12.0 56.0,12.0"


def test_one_close_is_no_shape():
    assert draw_spark([Decimal(10)], Decimal(9)) is None


@pytest.mark.parametrize(
    ("mic", "words"),
    [
        ("XNAS", "Open, closes in 6 h 0 min"),
        ("XLON", "Open, closes in 1 h 30 min"),
        ("XTKS", "Closed, opens in 9 h 0 min"),
        ("BNGI", "Open round the clock"),
    ],
)
def test_hours_in_words(settings, mic, words):
    settings.MARKET_HOURS = "exchange"
    assert hours_words(mic, MONDAY_15_UTC) == words


@pytest.mark.parametrize(
    ("mic", "hour", "words"),
    [
        ("XNYS", 12, "Pre-market, opens in 2 h 30 min"),
        ("XNYS", 22, "After hours, opens in 16 h 30 min"),
        ("XHKG", 4, "Lunch break, opens in 1 h 0 min"),
        ("XLON", 4, "Closed, opens in 4 h 0 min"),
    ],
)
def test_what_a_market_does_beside_trading(settings, mic, hour, words):
    settings.MARKET_HOURS = "exchange"
    assert hours_words(mic, MONDAY_15_UTC.replace(hour=hour)) == words


@pytest.mark.parametrize(("status", "words"), [("halted", "Halted"), ("delisted", "Delisted")])
def test_what_staff_say_of_an_instrument_comes_before_its_hours(line, status, words):
    assert (line.hours, line.facts["is_open"]) == ("Open round the clock", True)
    line.instrument.status = status
    assert (line.hours, line.facts["is_open"]) == (words, False)


def test_a_market_that_never_closes_goes_by_utc(settings):
    settings.MARKET_HOURS = "always"
    assert zone_of("XNAS").key == "UTC"
    settings.MARKET_HOURS = "exchange"
    assert zone_of("XNAS").key == "America/New_York"
    assert zone_of("BNGI").key == "UTC"
