"""Technical indicators: feed one bar, get one value. Pure.

Each keeps only what it needs for the next value, so it can be fed for ever; a value is None until
there are bars enough. They are in floats: what analysts read, never what is booked. Definitions
are the textbook ones, with TA-Lib's starts: an exponential average begins with the simple one of
its first period, Wilder's (1978) averages with that of the first period of changes, and a true
range needs a close before it.
"""

import math
from collections import deque
from collections.abc import Sequence
from datetime import date
from operator import mul
from typing import Protocol

import msgspec

Values = tuple[float | None, ...]
"""One value for each of an indicator's outputs."""


class Point(msgspec.Struct, frozen=True):
    """A bar as indicators see it; session is the day of the session it is in, None outside."""

    high: float
    low: float
    close: float
    volume: float = 0.0
    session: date | None = None


class Indicator(Protocol):
    """What can be fed bars, oldest first."""

    def feed(self, point: Point) -> Values:
        """Take the next bar in and return the values at it."""
        ...


class Sma:
    """Simple moving average: the mean of the last period closes."""

    def __init__(self, period: int) -> None:
        self._window = Window(period)

    def feed(self, point: Point) -> Values:
        closes = self._window.add(point.close)
        return (math.fsum(closes) / len(closes) if closes else None,)


class Ema:
    """Exponential moving average: the newest close weighs 2 / (period + 1)."""

    def __init__(self, period: int) -> None:
        self._mean = Smoothed(period, 2 / (period + 1))

    def feed(self, point: Point) -> Values:
        return (self._mean.add(point.close),)


class Wma:
    """Weighted moving average: the newest close weighs period, the one before one less, ..."""

    def __init__(self, period: int) -> None:
        self._window = Window(period)
        self._weights = range(1, period + 1)
        self._whole = period * (period + 1) / 2

    def feed(self, point: Point) -> Values:
        closes = self._window.add(point.close)
        return (math.fsum(map(mul, self._weights, closes)) / self._whole if closes else None,)


class Vwap:
    """Volume-weighted average of the typical prices (high + low + close) / 3 since the opening.

    None outside of sessions, and until something has traded in one.
    """

    def __init__(self) -> None:
        self._session: date | None = None
        self._value = self._volume = 0.0

    def feed(self, point: Point) -> Values:
        if point.session != self._session:
            self._session, self._value, self._volume = point.session, 0.0, 0.0
        if point.session is None:
            return (None,)
        typical = (point.high + point.low + point.close) / 3
        self._value += typical * point.volume
        self._volume += point.volume
        return (self._value / self._volume if self._volume else None,)


class Rsi:
    """Wilder's relative strength index: 100 x mean gain / (mean gain + mean loss).

    50 while the price has not moved at all.
    """

    def __init__(self, period: int) -> None:
        self._gain, self._loss = Smoothed(period, 1 / period), Smoothed(period, 1 / period)
        self._close: float | None = None

    def feed(self, point: Point) -> Values:
        before, self._close = self._close, point.close
        if before is None:
            return (None,)
        change = point.close - before
        gain, loss = self._gain.add(max(change, 0.0)), self._loss.add(max(-change, 0.0))
        if gain is None or loss is None:
            return (None,)
        moved = gain + loss
        return (100 * gain / moved if moved else 50.0,)


class Macd:
    """The fast less the slow exponential average; signal, an average of that; their difference."""

    def __init__(self, fast: int, slow: int, signal: int) -> None:
        self._fast, self._slow = Smoothed(fast, 2 / (fast + 1)), Smoothed(slow, 2 / (slow + 1))
        self._signal = Smoothed(signal, 2 / (signal + 1))

    def feed(self, point: Point) -> Values:
        fast, slow = self._fast.add(point.close), self._slow.add(point.close)
        if fast is None or slow is None:
            return None, None, None
        macd = fast - slow
        signal = self._signal.add(macd)
        return macd, signal, None if signal is None else macd - signal


class Bollinger:
    """The mean of the last period closes, and width standard deviations (of all) around it."""

    def __init__(self, period: int, width: float) -> None:
        self._window, self._width = Window(period), width

    def feed(self, point: Point) -> Values:
        closes = self._window.add(point.close)
        if not closes:
            return None, None, None
        mean = math.fsum(closes) / len(closes)
        variance = math.fsum((close - mean) ** 2 for close in closes) / len(closes)
        reach = self._width * math.sqrt(variance)
        return mean + reach, mean, mean - reach


class Atr:
    """Wilder's average true range: of the bar itself, or from the close before if that is more."""

    def __init__(self, period: int) -> None:
        self._mean = Smoothed(period, 1 / period)
        self._close: float | None = None

    def feed(self, point: Point) -> Values:
        before, self._close = self._close, point.close
        if before is None:
            return (None,)
        return (self._mean.add(max(point.high, before) - min(point.low, before)),)


class Window:
    """The last size values."""

    def __init__(self, size: int) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def add(self, value: float) -> Sequence[float]:
        """Take a value in; return the last size ones, oldest first, nothing while they are less."""
        self._values.append(value)
        return self._values if len(self._values) == self._values.maxlen else ()


class Smoothed:
    """A mean that moves by share of the way to each new value, from that of the first period on."""

    def __init__(self, period: int, share: float) -> None:
        self._first: list[float] = []
        self._period, self._share = period, share
        self._mean: float | None = None

    def add(self, value: float) -> float | None:
        """Take a value in and return the mean, None until there have been period of them."""
        if self._mean is not None:
            self._mean += self._share * (value - self._mean)
            return self._mean
        self._first.append(value)
        if len(self._first) == self._period:
            self._mean = math.fsum(self._first) / self._period
            self._first.clear()
        return self._mean
