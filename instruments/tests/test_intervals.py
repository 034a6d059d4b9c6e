"""Where bars of every interval begin, what goes into them, and what a gap is: worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from instruments import calendar, gaps, intervals
from instruments.bars import STORED, BarValue
from instruments.calendar import Calendar
from instruments.intervals import INTERVALS, SOURCE, SOURCE_BARS_MAX, Grid, length_of
from instruments.special_days import known_days

D = Decimal


@pytest.fixture(autouse=True)
def _known():
    before = calendar.in_use()
    calendar.use(Calendar(known_days(), {}))
    yield
    calendar.use(before)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bar(starts_at: str, interval: str = "1h", prices: str = "5 5 5 5", volume: int = 1) -> BarValue:
    values = (D(price) for price in prices.split())
    return BarValue("acme", interval, at(starts_at), *values, D(volume))


# exchange | interval | a stored bar, UTC | the bar it belongs to, UTC
STARTS = """
XNYS | 30min  | 2026-11-24 14:30 | 2026-11-24 14:30 | winter: New York opens at 14:30
XNYS | 30min  | 2026-11-24 14:45 | 2026-11-24 14:30
XNYS | 45min  | 2026-11-24 15:00 | 2026-11-24 14:30
XNYS | 45min  | 2026-11-24 15:15 | 2026-11-24 15:15
XNYS | 45min  | 2026-11-24 20:45 | 2026-11-24 20:30 | the last one is shorter
XNYS | 45min  | 2026-11-24 21:00 | 2026-11-24 21:00 | after the close
XNYS | 45min  | 2026-11-24 14:15 | 2026-11-24 13:45 | before the opening
XNYS | 2h     | 2026-11-24 14:00 | 2026-11-24 14:00 | the hour in which it opens
XNYS | 2h     | 2026-11-24 15:00 | 2026-11-24 14:00
XNYS | 2h     | 2026-11-24 16:00 | 2026-11-24 16:00
XNYS | 4h     | 2026-11-24 17:00 | 2026-11-24 14:00
XNYS | 4h     | 2026-11-24 20:00 | 2026-11-24 18:00
XNYS | 4h     | 2026-11-24 21:00 | 2026-11-24 21:00 | after the close
XNYS | 4h     | 2026-11-24 13:00 | 2026-11-24 10:00 | before the opening
XNYS | 2h     | 2026-07-01 15:00 | 2026-07-01 15:00 | summer: an hour earlier
XNYS | 2h     | 2026-07-01 14:00 | 2026-07-01 13:00
XNYS | 2h     | 2026-11-27 18:00 | 2026-11-27 18:00 | the day after Thanksgiving closes at 18:00
XNYS | 2h     | 2026-11-27 17:00 | 2026-11-27 16:00
XTKS | 2h     | 2026-11-24 05:00 | 2026-11-24 04:00 | Tokyo opens at midnight UTC
BNGI | 4h     | 2026-11-24 15:00 | 2026-11-24 12:00 | never closes
XNYS | 4h     | 2026-11-26 15:00 | 2026-11-26 12:00 | a holiday
XNYS | 1week  | 2026-11-24 00:00 | 2026-11-23 00:00
XNYS | 1week  | 2026-11-23 00:00 | 2026-11-23 00:00
BNGI | 1week  | 2026-11-29 00:00 | 2026-11-23 00:00 | Sunday
XNYS | 1week  | 2027-01-01 00:00 | 2026-12-28 00:00 | over the turn of the year
XNYS | 1month | 2026-11-30 00:00 | 2026-11-01 00:00
XNYS | 1month | 2026-12-01 00:00 | 2026-12-01 00:00
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in table.strip().splitlines()]


def start_is_right(module, row: list[str]) -> bool:
    mic, interval, stored, expected, *_ = row
    grid = module.Grid(interval, mic, "exchange")
    return grid.start_of(bar(stored, SOURCE[interval])) == at(expected)


@pytest.mark.parametrize("row", rows(STARTS), ids=" ".join)
def test_where_a_stored_bar_belongs(row: list[str]) -> None:
    assert start_is_right(intervals, row)


def test_every_interval_is_read_from_a_stored_one() -> None:
    assert set(SOURCE) == set(SOURCE_BARS_MAX) == set(INTERVALS)
    assert set(SOURCE.values()) <= set(STORED)
    assert (
        *("1min", "5min", "15min", "30min", "45min", "1h", "2h", "4h"),
        *("1day", "1week", "1month"),
    ) == INTERVALS
    for interval, source in SOURCE.items():
        assert length_of(interval) == SOURCE_BARS_MAX[interval] * length_of(source)


def test_what_goes_into_a_folded_bar() -> None:
    stored = [
        bar("2026-11-24 14:00", prices="10 12 9 11", volume=100),
        bar("2026-11-24 15:00", prices="11 11.5 8 9", volume=50),
        bar("2026-11-24 16:00", prices="9 20 9 20", volume=7),
    ]
    assert Grid("2h", "XNYS", "exchange").fold(stored) == [
        bar("2026-11-24 14:00", "2h", "10 12 8 9", 150),
        bar("2026-11-24 16:00", "2h", "9 20 9 20", 7),
    ]
    assert stored[0] == bar("2026-11-24 14:00", prices="10 12 9 11", volume=100)


def test_one_week_of_days() -> None:
    days = [
        bar("2026-11-20 00:00", "1day", "1 2 1 2", 1),
        bar("2026-11-23 00:00", "1day", "2 5 2 3", 1),
        bar("2026-11-25 00:00", "1day", "3 4 3 4", 1),
        bar("2026-11-30 00:00", "1day", "4 4 4 4", 1),
    ]
    weeks = Grid("1week", "XNYS", "exchange").fold(days)
    assert [(f"{week.starts_at:%d}", week.high, week.close, week.volume) for week in weeks] == [
        ("16", 2, 2, 1),
        ("23", 5, 4, 2),
        ("30", 4, 4, 1),
    ]
    assert len(Grid("1month", "XNYS", "exchange").fold(days)) == 1


# exchange | interval | start | end | starts
SLOTS = """
XNYS | 1h    | 2026-11-24 00:00 | 2026-11-25 00:00 | 14 15 16 17 18 19 20
XNYS | 2h    | 2026-11-24 00:00 | 2026-11-25 00:00 | 14 16 18 20
XNYS | 1h    | 2026-11-24 15:00 | 2026-11-24 17:00 | 15 16
XNYS | 1h    | 2026-11-26 00:00 | 2026-11-27 00:00 |
XNYS | 1h    | 2026-11-27 00:00 | 2026-11-28 00:00 | 14 15 16 17
XNYS | 1h    | 2026-07-01 00:00 | 2026-07-02 00:00 | 13 14 15 16 17 18 19
XTKS | 1h    | 2026-11-24 00:00 | 2026-11-25 00:00 | 00 01 02 03 04 05 06
XTKS | 30min | 2026-11-24 01:00 | 2026-11-24 05:00 | 01 01 02 03 04 04
XHKG | 1h    | 2026-11-24 00:00 | 2026-11-25 00:00 | 01 02 03 05 06 07
BNGI | 4h    | 2026-11-29 00:00 | 2026-11-30 00:00 | 00 04 08 12 16 20
"""


def slots_are_right(module, row: list[str]) -> bool:
    mic, interval, start, end, hours = row
    grid = Grid(interval, mic, "exchange")
    found = module.slots(grid, mic, "exchange", start=at(start), end=at(end), limit=99)
    return [f"{each:%H}" for each in found] == hours.split()


@pytest.mark.parametrize("row", rows(SLOTS), ids=" ".join)
def test_when_one_trades(row: list[str]) -> None:
    assert slots_are_right(gaps, row)


def test_days_weeks_and_months_in_which_one_trades() -> None:
    def labels(interval: str, end: str, limit: int = 3) -> list[str]:
        grid = Grid(interval, "XNYS", "exchange")
        bounds = {"start": at("2020-01-01 00:00"), "end": at(end), "limit": limit}
        found = gaps.slots(grid, "XNYS", "exchange", **bounds)
        return [f"{each:%m-%d}" for each in found]

    assert labels("1day", "2026-11-27 14:00") == ["11-23", "11-24", "11-25"]  # not yet open
    assert labels("1day", "2026-11-27 15:00") == ["11-24", "11-25", "11-27"]
    assert labels("1week", "2026-11-27 15:00") == ["11-09", "11-16", "11-23"]
    assert labels("1month", "2026-11-27 15:00") == ["09-01", "10-01", "11-01"]
    assert labels("1month", "2026-12-01 15:00", 2) == ["11-01", "12-01"]


def test_the_newest_are_kept_and_the_running_one_is_there() -> None:
    grid = Grid("1min", "XNYS", "exchange")
    end = at("2026-11-24 14:32") + timedelta(seconds=5)
    start = end - timedelta(days=9)
    found = gaps.slots(grid, "XNYS", "exchange", start=start, end=end, limit=5)
    assert [f"{each:%d %H:%M}" for each in found] == [
        *("23 20:58", "23 20:59", "24 14:30", "24 14:31", "24 14:32"),
    ]


def test_a_gap_repeats_the_close_with_no_volume() -> None:
    there = [bar("2026-11-24 15:00", prices="9 12 8 11", volume=10)]
    starts = [at(f"2026-11-24 {hour}:00") for hour in (14, 15, 16)]
    before = bar("2026-11-23 20:00", "15min", prices="5 8 5 7")
    assert gaps.fill(there, starts, "1h", before) == [
        bar("2026-11-24 14:00", prices="7 7 7 7", volume=0),
        *there,
        bar("2026-11-24 16:00", prices="11 11 11 11", volume=0),
    ]
    assert [each.starts_at.hour for each in gaps.fill(there, starts, "1h", None)] == [15, 16]
    assert gaps.fill([], starts, "1h", None) == []


def test_bars_outside_of_sessions_stay_between_the_gaps() -> None:
    early = bar("2026-11-24 10:00", prices="3 3 3 3")
    filled = gaps.fill([early], [at("2026-11-24 14:00")], "1h", None)
    assert [(each.starts_at.hour, each.close) for each in filled] == [(10, 3), (14, 3)]
