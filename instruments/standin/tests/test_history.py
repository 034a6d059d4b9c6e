"""Bars of any width are cut from the opening, and hold what their minutes hold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.bars import BarValue
from instruments.standin.history import INTRADAY_S, History
from instruments.standin.market import recorded

DAY = date(2026, 11, 25)
OPENS = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)


def history(prints, kind=History):
    """Return the bars of prints: (seconds since the opening, price in cents, shares)."""
    made = kind("XNYS", "exchange")
    for second, cents, shares in sorted(prints, key=lambda each: each[0]):
        at = OPENS + timedelta(seconds=second)
        made.trade(at, DAY, Decimal(cents) / 100, Decimal(shares))
    return made


def test_an_hour_in_new_york_begins_at_half_past():
    made = history([(0, 100, 1), (3599, 110, 2), (3600, 90, 4), (7200, 95, 8)])
    assert [
        (f"{bar.starts_at:%H:%M}", bar.open, bar.high, bar.low, bar.close, bar.volume)
        for bar in made.bars("1h")
    ] == [
        ("14:30", Decimal("1.00"), Decimal("1.10"), Decimal("1.00"), Decimal("1.10"), 3),
        ("15:30", Decimal("0.90"), Decimal("0.90"), Decimal("0.90"), Decimal("0.90"), 4),
        ("16:30", Decimal("0.95"), Decimal("0.95"), Decimal("0.95"), Decimal("0.95"), 8),
    ]


CASES = (
    st.lists(
        st.tuples(st.integers(0, 23_399), st.integers(1, 9), st.integers(0, 5)),
        min_size=1,
        max_size=30,
        unique_by=lambda each: each[0],
    ),
    st.sampled_from(sorted(INTRADAY_S)),
)


@given(*CASES)
def test_bars_are_those_of_a_naive_twin(prints, interval):
    compare_with_twin(prints, interval, History)


def compare_with_twin(prints, interval, kind):
    """The twin puts every print into a box by division and looks into the boxes."""
    width = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "45min": 45}.get(interval)
    width = width or 60 * int(interval.removesuffix("h"))
    boxes = {}
    for second, cents, shares in sorted(prints):
        boxes.setdefault(second // 60 // width, []).append((cents, shares))
    expected = [
        (
            OPENS + timedelta(minutes=box * width),
            *(Decimal(cents) / 100 for cents in (inside[0][0], max(inside)[0])),
            *(Decimal(cents) / 100 for cents in (min(inside)[0], inside[-1][0])),
            sum(shares for _, shares in inside),
        )
        for box, inside in sorted(boxes.items())
    ]
    found = history(prints, kind).bars(interval)
    assert [
        (bar.starts_at, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in found
    ] == expected


def test_weeks_begin_on_monday_and_months_on_their_first():
    made = History("XNYS", "exchange")
    days = [date(2026, 10, 29), date(2026, 10, 30), date(2026, 11, 2), date(2026, 11, 6)]
    made.load(
        BarValue(
            "x", "1day", datetime(day.year, day.month, day.day, tzinfo=UTC), *prices, Decimal(1)
        )
        for day, prices in zip(days, [[Decimal(n)] * 4 for n in (5, 3, 9, 4)], strict=True)
    )
    assert [(bar.day, bar.open, bar.high, bar.low, bar.close) for bar in made.bars("1week")] == [
        (date(2026, 10, 26), 5, 5, 3, 3),
        (date(2026, 11, 2), 9, 9, 4, 4),
    ]
    assert [(bar.day, bar.volume) for bar in made.bars("1month")] == [
        (date(2026, 10, 1), 2),
        (date(2026, 11, 1), 2),
    ]
    assert [bar.day for bar in made.bars("1day")] == days


def test_a_days_bar_grows_with_its_prints():
    made = history([(30, 100, 1), (90, 120, 2)])
    assert [(bar.day, bar.starts_at, bar.close, bar.volume) for bar in made.bars("1day")] == [
        (DAY, OPENS, Decimal("1.2"), 3)
    ]
    assert made.newest_minute().starts_at == OPENS + timedelta(minutes=1)


def test_asking_changes_nothing():
    made = history([(0, 100, 1), (60, 120, 2), (3600, 90, 1)])
    before = made.bars("1min")
    made.bars("1h"), made.bars("1day"), made.bars("1month")
    assert made.bars("1min") == before


def test_minutes_are_kept_for_a_week_of_trading():
    made = History("BNGI", "always")
    for minute in range(12_000):
        made.trade(OPENS + timedelta(minutes=minute), DAY, Decimal(1), Decimal(1))
    assert 10_000 <= len(made.bars("1min")) <= 11_000


MINUTES = """\
time,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size,\
open,high,low,close,volume
2013-10-07T13:30:00Z,181,181,181,181,100,182,182,182,182,100,181.5,181.9,181.2,181.4,300
2013-10-07T13:31:00Z,181,181,181,181,100,182,182,182,182,100,,,,,
2013-10-07T13:32:00Z,181,181,181,181,100,182,182,182,182,100,181.6,181.6,181.6,181.6,50
"""


def test_a_recorded_day_is_told_as_it_is_written(tmp_path):
    (tmp_path / "IBM_20131007_1min.csv").write_text(MINUTES)
    (tmp_path / "IBM_1day.csv").write_text(
        "date,open,high,low,close,volume\n2013-10-04,180,185,179,184.1,1000\n"
    )
    market = recorded(tmp_path, date(2013, 10, 7))
    market.advance(datetime(2013, 10, 7, 13, 33, tzinfo=UTC))
    ibm = market.book.find("IBM:NYSE")
    assert [
        (f"{bar.starts_at:%H:%M}", bar.open, bar.high, bar.low, bar.close, bar.volume)
        for bar in market.history(ibm).bars("1min")
    ] == [
        ("13:30", Decimal("181.5"), Decimal("181.9"), Decimal("181.2"), Decimal("181.4"), 300),
        ("13:32", *[Decimal("181.6")] * 4, 50),
    ]
    assert [(bar.day, bar.close, bar.volume) for bar in market.history(ibm).bars("1day")] == [
        (date(2013, 10, 4), Decimal("184.1"), 1000),
        (date(2013, 10, 7), Decimal("181.6"), 350),
    ]


@pytest.mark.slow
def test_every_recorded_minute_is_told_as_it_is_written(real_data):
    """Read here with csv alone: the session's minutes that traded, for every symbol of a day."""
    import csv

    market = recorded(real_data, date(2013, 10, 8))
    market.advance(datetime(2013, 10, 9, tzinfo=UTC))
    compared = 0
    for each in market.book.listed:
        with (real_data / f"{each.symbol}_20131008_1min.csv").open() as lines:
            written = [
                (row["time"], *(Decimal(row[name]) for name in ("open", "high", "low", "close")))
                for row in csv.DictReader(lines)
                if row["open"] and "T13:30" <= row["time"][10:16] < "T20:00"
            ]
        told = [
            (f"{bar.starts_at:%Y-%m-%dT%H:%M:00Z}", bar.open, bar.high, bar.low, bar.close)
            for bar in market.history(each).bars("1min")
        ]
        assert told == written, each.symbol
        compared += len(told)
    assert compared > 1000
