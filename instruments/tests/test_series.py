"""Bars as they are read from the table: folded, bounded, filled; against all of them folded."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bengi.money import plain
from instruments import calendar
from instruments.calendar import Calendar
from instruments.indicator_words import read_indicators
from instruments.models import Bar, Instrument
from instruments.series import Wanted, newest_bars, read_indicated, read_series
from instruments.special_days import known_days
from instruments.tests.factories import BarFactory, InstrumentFactory

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2026, 11, 24, 17, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _new_york(settings):
    settings.MARKET_HOURS = "exchange"
    before = calendar.in_use()
    calendar.use(Calendar(known_days(), {}))
    yield
    calendar.use(before)


@pytest.fixture
def acme() -> Instrument:
    return InstrumentFactory(symbol="ACME", mic="XNYS")


def hours(instrument: Instrument, *starts: str) -> None:
    """Store one-hour bars; each closes at its day and hour, such as 2414."""
    for start in starts:
        starts_at = datetime.strptime(f"2026-11-{start}", "%Y-%m-%d %H").replace(tzinfo=UTC)
        price = D(start.replace(" ", ""))
        prices = dict.fromkeys(("open", "high", "low", "close"), price)
        BarFactory(instrument=instrument, interval="1h", starts_at=starts_at, volume=1, **prices)


def told(bars) -> list[str]:
    return [f"{each.starts_at:%d %H} {plain(each.close)} {plain(each.volume)}" for each in bars]


def test_folded_bars_are_whole_whatever_the_limit(acme, django_assert_num_queries):
    hours(acme, *(f"{day} {hour}" for day in (20, 23) for hour in range(14, 21)), "24 14", "24 15")
    with django_assert_num_queries(1):
        newest = newest_bars(acme, "2h", 3, NOW)
    assert [f"{bar.starts_at:%d %H}" for bar in newest] == ["23 18", "23 20", "24 14"]
    assert [(bar.open, bar.close, bar.volume) for bar in newest] == [
        (D(2318), D(2319), D(2)),
        (D(2320), D(2320), D(1)),
        (D(2414), D(2415), D(2)),
    ]
    every = newest_bars(acme, "2h", 99, NOW)
    for limit in range(1, 10):
        assert newest_bars(acme, "2h", limit, NOW) == every[-limit:]


@pytest.mark.parametrize("interval", ["30min", "45min", "2h", "4h", "1week", "1month"])
@pytest.mark.parametrize("thirds", range(8))
def test_a_bound_cuts_no_bar(acme, interval: str, thirds: int):
    source = {"30min": "15min", "45min": "15min", "2h": "1h", "4h": "1h"}.get(interval, "1day")
    step = {"15min": timedelta(minutes=15), "1h": timedelta(hours=1)}.get(source, timedelta(days=1))
    first = NOW.replace(hour=0, minute=0) - 70 * step
    Bar.objects.bulk_create(
        BarFactory.build(
            instrument=acme, interval=source, starts_at=first + n * step, close=n + 100, high=999
        )
        for n in range(70)
    )
    every = list(read_series(acme, Wanted(interval, NOW)).bars)
    assert sum(bar.volume for bar in every) == 70_000
    start = first + 20 * step + thirds * step / 3
    end = start + 30 * step
    found = read_series(acme, Wanted(interval, NOW, start=start, end=end))
    assert list(found.bars) == [bar for bar in every if start <= bar.starts_at < end]
    earlier = read_series(acme, Wanted(interval, NOW, start=start, end=end, limit=4), earlier=2)
    inside = [bar for bar in every if start <= bar.starts_at < end][-4:]
    place = every.index(inside[0])
    assert (list(earlier.earlier), list(earlier.bars)) == (every[max(0, place - 2) : place], inside)


def test_gaps_are_filled_within_sessions_only(acme, django_assert_num_queries):
    hours(acme, "23 15", "23 19", "24 15")
    with django_assert_num_queries(1):
        series = read_series(acme, Wanted("1h", NOW, limit=8, is_filled=True))
    assert told(series.bars) == [
        *("23 17 2315 0", "23 18 2315 0", "23 19 2319 1", "23 20 2319 0"),
        *("24 14 2319 0", "24 15 2415 1", "24 16 2415 0", "24 17 2415 0"),
    ]


def test_gaps_have_bounds_too(acme, django_assert_num_queries):
    hours(acme, "23 15", "24 15")
    start, end = NOW.replace(day=24, hour=14, minute=0), NOW.replace(day=24, hour=16, minute=0)
    with django_assert_num_queries(2):
        series = read_series(acme, Wanted("1h", NOW, start=start, end=end, is_filled=True))
    assert told(series.bars) == ["24 14 2315 0", "24 15 2415 1"]
    limited = read_series(acme, Wanted("1h", NOW, limit=2, start=start, is_filled=True))
    assert told(limited.bars) == ["24 16 2415 0", "24 17 2415 0"]
    later = Wanted("2h", NOW, start=end, end=NOW + timedelta(days=9), is_filled=True)
    assert told(read_series(acme, later).bars) == ["24 16 2415 0"]


def test_nothing_is_made_up_before_the_first_trade(acme):
    assert read_series(acme, Wanted("1h", NOW, is_filled=True)).bars == []
    hours(acme, "24 16")
    series = read_series(acme, Wanted("1h", NOW, is_filled=True))
    assert told(series.bars) == ["24 16 2416 1", "24 17 2416 0"]


def test_an_end_in_the_future_is_now(acme):
    hours(acme, "24 14")
    ends = {"end": NOW + timedelta(days=3)}
    series = read_series(acme, Wanted("1h", NOW, is_filled=True, **ends))
    assert told(series.bars)[-1] == "24 17 2414 0"


def minutes(instrument: Instrument, count: int) -> list[Decimal]:
    """Store one-minute bars up to NOW that go up and down, and return their closes."""
    price = [100 + D(n * 37 % 101) / 8 for n in range(count)]
    Bar.objects.bulk_create(
        BarFactory.build(
            instrument=instrument,
            starts_at=NOW - timedelta(minutes=count - 1 - n),
            open=close,
            high=close + 1,
            low=close - 1,
            close=close,
            volume=n % 5,
        )
        for n, close in enumerate(price)
    )
    return price


ASKED = "sma:9,ema:20,wma:9,vwap,rsi:14,macd:5:9:4,bollinger:20:2,atr:14"


def test_the_first_value_is_that_of_the_whole_past(acme, django_assert_num_queries):
    minutes(acme, 700)
    asked = read_indicators(ASKED)
    everything = read_indicated(acme, Wanted("1min", NOW), asked)
    start = NOW - timedelta(minutes=5)
    with django_assert_num_queries(1):
        found = read_indicated(acme, Wanted("1min", NOW, start=start), asked)
    assert [bar for bar, _ in found] == [bar for bar, _ in everything[-6:]]
    for (_, ours), (_, whole) in zip(found, everything[-6:], strict=True):
        assert ours == pytest.approx(whole, rel=1e-9)
        assert None not in ours.values()
    assert len(found[0][1]) == 12


def test_what_has_too_few_bars_says_nothing(acme):
    close = minutes(acme, 10)
    asked = read_indicators("sma:9,rsi:14")
    told = [indicators for _, indicators in read_indicated(acme, Wanted("1min", NOW), asked)]
    assert [each["rsi:14"] for each in told] == [None] * 10
    assert [each["sma:9"] for each in told] == [None] * 8 + [
        pytest.approx(float(sum(close[:9]) / 9)),
        pytest.approx(float(sum(close[1:]) / 9)),
    ]


def test_vwap_begins_with_the_session(acme):
    hours(acme, "23 19", "24 13", "24 14", "24 15", "24 16", "24 21")
    found = read_indicated(acme, Wanted("1h", NOW, limit=5), read_indicators("vwap"))
    assert [each["vwap"] for _, each in found] == [None, 2414, 2414.5, 2415, None]
