"""Bars against a recomputation from the raw prints, which shares nothing with their code."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.bars import BarValue, Prints, bar_start, fold
from instruments.tests.ticks import NOON, make_tick

MINUTES = {"1min": 1, "5min": 5, "15min": 15, "1h": 60}

# (instrument, seconds after the print before, price in cents, shares, flush after it?)
prints = st.lists(
    st.tuples(
        st.sampled_from(["acme", "bolt"]),
        st.integers(0, 900),
        st.integers(9990, 10010),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=60,
)


def naive(trades: list[tuple[str, datetime, Decimal, Decimal]]) -> dict:
    """Group the trades by the text of their time; first, max, min, last and sum of each group."""
    groups: dict = {}
    for name, moment, price, shares in trades:
        for interval, minutes in MINUTES.items():
            past_midnight = moment.hour * 60 + moment.minute
            floor = past_midnight // minutes * minutes
            label = f"{moment:%Y-%m-%d} {floor // 60:02}:{floor % 60:02}"
            groups.setdefault((name, interval, label), []).append((price, shares))
        groups.setdefault((name, "1day", f"{moment:%Y-%m-%d} 00:00"), []).append((price, shares))
    return {
        key: (
            group[0][0],
            max(price for price, _ in group),
            min(price for price, _ in group),
            group[-1][0],
            sum(shares for _, shares in group),
        )
        for key, group in groups.items()
    }


def grown(stored: dict, bars: list[BarValue]) -> None:
    """Do to stored what the table does: open stays, high and low widen, volume adds."""
    for bar in bars:
        key = (bar.instrument_id, bar.interval, f"{bar.starts_at:%Y-%m-%d %H:%M}")
        known = stored.get(key)
        new = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        if known:
            high, low = max(known[1], bar.high), min(known[2], bar.low)
            new = (known[0], high, low, bar.close, known[4] + bar.volume)
        stored[key] = new


@given(prints)
def test_bars_are_those_of_the_raw_prints_however_often_they_are_taken(rows: list) -> None:
    gathered, moment = Prints(), NOON
    trades, stored = [], {}
    for name, gap_s, cents, shares, flush in rows:
        moment += timedelta(seconds=gap_s)
        price = Decimal(cents) / 100
        trades.append((name, moment, price, Decimal(shares)))
        gathered.add(make_tick(instrument_id=name, last=price, as_of=moment), Decimal(shares))
        if flush:
            grown(stored, fold(gathered.take()))
    grown(stored, fold(gathered.take()))
    assert stored == naive(trades)


@given(prints)
def test_pieces_given_back_lose_and_change_nothing(rows: list) -> None:
    gathered, moment, trades = Prints(), NOON, []
    for name, gap_s, cents, shares, give_back in rows:
        moment += timedelta(seconds=gap_s)
        price = Decimal(cents) / 100
        trades.append((name, moment, price, Decimal(shares)))
        kept = gathered.take() if give_back else []
        gathered.add(make_tick(instrument_id=name, last=price, as_of=moment), Decimal(shares))
        gathered.give_back(kept)
    stored: dict = {}
    grown(stored, fold(gathered.take()))
    assert stored == naive(trades)


def test_a_daily_bar_follows_the_session_not_the_utc_day() -> None:
    gathered = Prints()
    late = datetime(2013, 10, 8, 0, 30, tzinfo=UTC)  # 20:30 in New York, still the 7th
    gathered.add(make_tick(as_of=late, session_date=date(2013, 10, 7)), Decimal(100))
    starts = {bar.interval: bar.starts_at for bar in fold(gathered.take())}
    assert starts["1day"] == datetime(2013, 10, 7, tzinfo=UTC)
    assert starts["1h"] == datetime(2013, 10, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "starts_at"),
    [("1min", "13:59"), ("5min", "13:55"), ("15min", "13:45"), ("1h", "13:00"), ("1day", "00:00")],
)
def test_where_bars_start(interval: str, starts_at: str) -> None:
    moment = datetime(2026, 11, 23, 13, 59, 59, 999_000, tzinfo=UTC)
    assert f"{bar_start(interval, moment, moment.date()):%H:%M}" == starts_at
