"""Indicators against TA-Lib, against published numbers, and against their definitions."""

import math
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from instruments import indicators
from instruments.indicators import Point
from instruments.providers.minutes import read_days
from trades.tests.sandbox import Sandbox, source_of

MODULE = "instruments.indicators"
NEAR = 1e-9
DAY = date(2026, 11, 24)


def closes(values) -> list[Point]:
    return [Point(value, value, value, 1.0, DAY) for value in values]


def fed(indicator, points) -> list[tuple]:
    return [indicator.feed(point) for point in points]


def column(indicator, points, place: int = 0) -> list[float | None]:
    return [values[place] for values in fed(indicator, points)]


def walk(seed: int, count: int = 600) -> list[Point]:
    """Return bars of a random walk in cents, ten to a session, some of them without trades."""
    random, close, points = Random(seed), 100.0, []
    for n in range(count):
        close = round(max(1.0, close + random.gauss(0, 1)), 2)
        high, low = close + random.randrange(200) / 100, close - random.randrange(90) / 100
        volume = random.choice([0, 100, 2300])
        points.append(Point(high, low, close, volume, DAY + timedelta(days=n // 10)))
    return points


def agree(found, expected) -> bool:
    """Return whether both have values at the same places, within 1e-9 of each other."""
    return len(found) == len(expected) and all(
        math.isnan(theirs) if ours is None else math.isclose(ours, theirs, rel_tol=NEAR)
        for ours, theirs in zip(found, expected, strict=True)
    )


def agrees_with_talib(module, points) -> bool:
    high, low, close = (
        np.array([getattr(point, name) for point in points]) for name in ("high", "low", "close")
    )
    bands = talib.BBANDS(close, 20, 2.5, 2.5)
    return (
        all(
            agree(column(module.Sma(n), points), talib.SMA(close, n))
            and agree(column(module.Ema(n), points), talib.EMA(close, n))
            and agree(column(module.Wma(n), points), talib.WMA(close, n))
            and agree(column(module.Rsi(n), points), talib.RSI(close, n))
            and agree(column(module.Atr(n), points), talib.ATR(high, low, close, n))
            for n in (2, 14, 55)
        )
        and all(
            agree(column(module.Bollinger(20, 2.5), points, place), band)
            for place, band in enumerate(bands)
        )
        and macd_agrees(module, points, close)
    )


def macd_agrees(module, points, close) -> bool:
    """TA-Lib's own MACD lets the fast average begin with the slow one, which wears off."""
    macd = talib.EMA(close, 12) - talib.EMA(close, 26)
    signal = np.concatenate([np.full(25, np.nan), talib.EMA(macd[25:], 9)])
    ours = [column(module.Macd(12, 26, 9), points, place) for place in range(3)]
    worn_off = talib.MACD(close, 12, 26, 9)
    return all(
        near(line, its) for line, its in zip(ours, (macd, signal, macd - signal), strict=True)
    ) and all(near(line[400:], its[400:]) for line, its in zip(ours, worn_off, strict=True))


def near(found, expected) -> bool:
    """Return whether they agree to 1e-9 of a price of about 100: differences may be near zero."""
    return all(
        math.isnan(theirs) if ours is None else math.isclose(ours, theirs, abs_tol=100 * NEAR)
        for ours, theirs in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("seed", range(5))
def test_they_are_talibs(seed: int) -> None:
    assert agrees_with_talib(indicators, walk(seed))


@pytest.mark.parametrize("symbol", ["AAPL", "SPY", "IBM", "BAC"])
def test_they_are_talibs_on_years_of_real_days(real_data: Path, symbol: str) -> None:
    days = [trades for _, trades in read_days(real_data / f"{symbol}_1day.csv")]
    assert len(days) > 2000
    points = [Point(float(each.high), float(each.low), float(each.close)) for each in days]
    assert agrees_with_talib(indicators, points)


# Published example: StockCharts, ChartSchool, "Relative Strength Index", 14 days of QQQQ.
RSI_CLOSES = """
44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328
45.6140 46.2820 46.2820 46.0028 46.0328 46.4116 46.2222 45.6439 46.2122 46.2521 45.7137 46.4515
45.7835 45.3548 44.0288 44.1783 44.2181 44.5672 43.4205 42.6628 43.1314
"""
RSI_TOLD = """
70.53 66.32 66.55 69.41 66.36 57.97 62.93 63.26 56.06 62.38 54.71 50.42 39.99 41.46 41.87 45.46
37.30 33.08 37.77
"""
# The same school's "Moving Averages", 10 days of INTC.
EMA_CLOSES = """
22.27 22.19 22.08 22.17 22.18 22.13 22.23 22.43 22.24 22.29 22.15 22.39 22.38 22.61 23.36 24.05
23.75 23.83 23.95 23.63 23.82 23.87 23.65 23.19 23.10 23.33 22.68 23.10 22.40 22.17
"""
SMA_TOLD = """
22.22 22.21 22.23 22.26 22.31 22.42 22.61 22.77 22.91 23.08 23.21 23.38 23.53 23.65 23.71 23.69
23.61 23.51 23.43 23.28 23.13
"""
EMA_TOLD = """
22.22 22.21 22.24 22.27 22.33 22.52 22.80 22.97 23.13 23.28 23.34 23.43 23.51 23.54 23.47 23.40
23.39 23.26 23.23 23.08 22.92
"""


def numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


@pytest.mark.parametrize(
    ("make", "prices", "told", "off"),
    [
        (lambda: indicators.Rsi(14), RSI_CLOSES, RSI_TOLD, 0.0051),
        (lambda: indicators.Sma(10), EMA_CLOSES, SMA_TOLD, 0.0101),
        (lambda: indicators.Ema(10), EMA_CLOSES, EMA_TOLD, 0.0101),
    ],
    ids=["rsi", "sma", "ema"],
)
def test_published_examples(make, prices: str, told: str, off: float) -> None:
    """The published averages are of prices with more places than the published prices have."""
    found = [each for each in column(make(), closes(numbers(prices))) if each is not None]
    assert found == [pytest.approx(each, abs=off) for each in numbers(told)]


def hand_worked(module) -> bool:
    """Return whether small examples come out as on paper."""
    one = [Point(10, 8, 9, 100, DAY), Point(12, 9, 12, 300, DAY), Point(15, 12, 12, 0, DAY)]
    next_day = [Point(20, 20, 20, 50, DAY + timedelta(days=1)), Point(30, 30, 30, 5, None)]
    return (
        column(module.Sma(3), closes([1, 2, 3, 7])) == [None, None, 2, 4]
        and column(module.Ema(3), closes([1, 2, 3, 7, 0])) == [None, None, 2, 4.5, 2.25]
        and column(module.Wma(3), closes([1, 2, 3, 7])) == [None, None, 14 / 6, 29 / 6]
        # gains 1, 0, 3 and losses 0, 2, 0: means 1/2 and 1, then (1/2 + 3) / 2 and (1 + 0) / 2
        and column(module.Rsi(2), closes([5, 6, 4, 7])) == [None, None, 100 / 3, 77.77777777777777]
        and column(module.Rsi(2), closes([5, 5, 5])) == [None, None, 50]
        and column(module.Rsi(2), closes([5, 6, 7])) == [None, None, 100]
        and column(module.Rsi(2), closes([5, 4, 3])) == [None, None, 0]
        # true ranges: 12 - 9 = 3, 15 - 12 = 3, 20 - 12 = 8, 30 - 20 = 10
        and column(module.Atr(2), one + next_day) == [None, None, 3, 5.5, 7.75]
        # typical prices 9 and 11: (9 x 100 + 11 x 300) / 400; a bar without trades changes nothing
        and column(module.Vwap(), one + next_day) == [9, 10.5, 10.5, 20, None]
        # mean 4, deviations -2, 0, 2 of all three: sqrt(8 / 3)
        and fed(module.Bollinger(3, 2.0), closes([2, 4, 6]))[2]
        == (4 + 2 * math.sqrt(8 / 3), 4, 4 - 2 * math.sqrt(8 / 3))
        # fast 2: 1.5, 2.5, 5.5; slow 3: 2, 4.5; less: 0.5, 1; signal 2: 0.75
        and fed(module.Macd(2, 3, 2), closes([1, 2, 3, 7]))[1:]
        == [(None, None, None), (0.5, None, None), (1.0, 0.75, 0.25)]
    )


def test_examples_on_paper() -> None:
    assert hand_worked(indicators)


def test_vwap_says_nothing_until_something_trades() -> None:
    quiet = [Point(5, 5, 5, 0, DAY), Point(7, 7, 7, 2, DAY)]
    assert column(indicators.Vwap(), quiet) == [None, 7]


def smoothed(values: list[float], period: int, share: float) -> float | None:
    """Return the mean by its sum: (1 - share)^n of the first, share x (1 - share)^i of the rest."""
    if len(values) < period:
        return None
    first, rest = math.fsum(values[:period]) / period, values[period:]
    weights = [share * (1 - share) ** i for i in range(len(rest))]
    later = math.fsum(w * v for w, v in zip(weights, reversed(rest), strict=True))
    return first * (1 - share) ** len(rest) + later


def batch(points: list[Point], n: int) -> list[float | None]:
    """Return sma, ema, wma, rsi, upper band, atr and vwap at the last bar, from all of them."""
    close = [point.close for point in points]
    changes = [after - before for before, after in pairwise(close)]
    ranges = [
        max(b.high - b.low, abs(b.high - a.close), abs(b.low - a.close))
        for a, b in pairwise(points)
    ]
    last = close[-n:] if len(close) >= n else []
    mean = np.mean(last) if last else None
    today = [point for point in points if point.session == points[-1].session]
    shares = sum(point.volume for point in today)
    gain = smoothed([max(0.0, change) for change in changes], n, 1 / n)
    loss = smoothed([max(0.0, -change) for change in changes], n, 1 / n)
    return [
        mean,
        smoothed(close, n, 2 / (n + 1)),
        np.average(last, weights=range(1, n + 1)) if last else None,
        strength(gain, loss),
        mean + 2 * np.std(last) if last else None,
        smoothed(ranges, n, 1 / n),
        sum((p.high + p.low + p.close) * p.volume / 3 for p in today) / shares if shares else None,
    ]


def strength(gain: float | None, loss: float | None) -> float | None:
    if gain is None or loss is None:
        return None
    if not loss:
        return 100 if gain else 50
    return 100 - 100 / (1 + gain / loss)


def each_bar_agrees(module, points: list[Point], n: int) -> bool:
    """Return whether feeding bar by bar gives at each what all bars up to it give at once."""
    made = [module.Sma(n), module.Ema(n), module.Wma(n), module.Rsi(n)]
    made += [module.Bollinger(n, 2.0), module.Atr(n), module.Vwap()]
    for count, point in enumerate(points, start=1):
        found = [indicator.feed(point)[0] for indicator in made]
        expected = batch(points[:count], n)
        for ours, its in zip(found, expected, strict=True):
            if (ours is None) != (its is None):
                return False
            if ours is not None and not math.isclose(ours, its, rel_tol=NEAR, abs_tol=NEAR):
                return False
    return True


@st.composite
def bars(draw) -> list[Point]:
    quarter = st.integers(4, 12).map(lambda n: n / 4)
    rows = draw(st.lists(st.tuples(quarter, quarter, quarter, st.integers(0, 2)), max_size=30))
    return [
        Point(max(row[:3]), min(row[:3]), row[1], float(row[3]), DAY + timedelta(days=n // 7))
        for n, row in enumerate(rows)
    ]


@given(bars(), st.integers(2, 6))
def test_bar_by_bar_is_all_at_once(points: list[Point], n: int) -> None:
    assert each_bar_agrees(indicators, points, n)


def test_a_crash_leaves_no_trace_in_a_moving_average() -> None:
    """A running sum would keep the rounding of the large numbers for ever."""
    points = closes([1e9 + n / 7 for n in range(50)] + [0.0123] * 20)
    assert column(indicators.Sma(20), points)[-1] == 0.0123
    assert indicators_at(points, indicators.Bollinger(20, 2.0)) == (0.0123, 0.0123, 0.0123)


def indicators_at(points, indicator) -> tuple:
    return fed(indicator, points)[-1]


BUGS = {
    "the average of one too few": ("deque(maxlen=size)", "deque(maxlen=size - 1)"),
    "the oldest weighs most": (
        "self._weights = range(1, period + 1)",
        "self._weights = range(period, 0, -1)",
    ),
    "weights of another sum": ("period * (period + 1) / 2", "period * (period - 1) / 2"),
    "Wilder's share for everybody": (
        "self._mean = Smoothed(period, 2 / (period + 1))",
        "self._mean = Smoothed(period, 1 / period)",
    ),
    "the average begins with one close": (
        "self._mean = math.fsum(self._first) / self._period",
        "self._mean = self._first[-1]",
    ),
    "the average begins a bar late": (
        "if len(self._first) == self._period:",
        "if len(self._first) > self._period:",
    ),
    "losses are gains": ("self._loss.add(max(-change, 0.0))", "self._loss.add(abs(change))"),
    "no change means strength": ("if moved else 50.0", "if moved else 100.0"),
    "the signal follows the close": ("self._signal.add(macd)", "self._signal.add(point.close)"),
    "the histogram is upside down": ("else macd - signal", "else signal - macd"),
    "a sample's deviation": (
        "(close - mean) ** 2 for close in closes) / len(closes)",
        "(close - mean) ** 2 for close in closes) / (len(closes) - 1)",
    ),
    "bands change places": (
        "return mean + reach, mean, mean - reach",
        "return mean - reach, mean, mean + reach",
    ),
    "the night does not count": (
        "max(point.high, before) - min(point.low, before)",
        "point.high - point.low",
    ),
    "the session never ends": ("if point.session != self._session:", "if self._session is None:"),
    "the typical price is the close": (
        "(point.high + point.low + point.close) / 3",
        "point.close",
    ),
    "nights are sessions": ("if point.session is None:\n            return (None,)", ""),
}


@pytest.mark.parametrize("name", BUGS)
def test_planted_bugs_are_caught(name: str) -> None:
    old, new = BUGS[name]
    source = source_of(MODULE)
    assert source.count(old) == 1, f"stale: {old!r} occurs {source.count(old)} times"
    module: ModuleType = Sandbox({MODULE: source.replace(old, new)}, (MODULE,)).load(MODULE)
    assert not (hand_worked(module) and agrees_with_talib(module, walk(1)))


def test_the_sandbox_itself_agrees() -> None:
    module = Sandbox({}, (MODULE,)).load(MODULE)
    assert hand_worked(module)
    assert agrees_with_talib(module, walk(1))
