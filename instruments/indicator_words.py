"""Indicators by their names: what sma:20,macd:12:26:9 asks for, and how far back it looks. Pure."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bengi.money import parse_decimal
from instruments.indicators import (
    Atr,
    Bollinger,
    Ema,
    Indicator,
    Macd,
    Rsi,
    Sma,
    Vwap,
    Wma,
)

INDICATORS_MAX = 8
PERIOD_MIN, PERIOD_MAX = 2, 200
WIDTH_MAX = 10
"""Most standard deviations that a Bollinger band may be wide."""

FORGOTTEN = 1e-10
"""Weight in a value of all that came before the bars that are read for it."""

SESSION = 0
"""Instead of a number of bars: all bars of the session."""

_FORMS = {
    "sma": "sma:20",
    "ema": "ema:20",
    "wma": "wma:20",
    "vwap": "vwap",
    "rsi": "rsi:14",
    "macd": "macd:12:26:9",
    "bollinger": "bollinger:20:2",
    "atr": "atr:14",
}
EXAMPLES = tuple(_FORMS.values())
_OUTPUTS = {"macd": ("", ":signal", ":histogram"), "bollinger": (":upper", ":middle", ":lower")}


class BadIndicator(ValueError):
    """What was asked for is no indicator; says what would be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One indicator: name as it was asked for, how to make it, and how many bars it looks back.

    look_back: how many bars before one have a say in its value, SESSION for those of the session.
    """

    name: str
    kind: str
    make: Callable[[], Indicator]
    look_back: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its values."""
        return tuple(self.name + ending for ending in _OUTPUTS.get(self.kind, ("",)))


def read_indicators(text: str) -> list[Asked]:
    """Return the indicators that text names, in its order. Raises BadIndicator."""
    words = text.split(",")
    if len(words) > INDICATORS_MAX:
        raise BadIndicator(f"Ask for at most {INDICATORS_MAX} indicators at once.")
    twice = next((word for place, word in enumerate(words) if word in words[:place]), None)
    if twice is not None:
        raise BadIndicator(f"{twice} is there twice.")
    return [_read(word) for word in words]


def _read(word: str) -> Asked:
    kind, *numbers = word.split(":")
    if kind not in _FORMS:
        raise BadIndicator(f"{word!r} is none of: {', '.join(EXAMPLES)}.")
    if len(numbers) != _FORMS[kind].count(":"):
        raise BadIndicator(f"{word!r} must be of the form {_FORMS[kind]}.")
    make, look_back = _MAKERS[kind](word, numbers)
    return Asked(word, kind, make, look_back)


_Made = tuple[Callable[[], Indicator], int]


def _windowed(cls: Callable[[int], Indicator]) -> Callable[[str, Sequence[str]], _Made]:
    def made(word: str, numbers: Sequence[str]) -> _Made:
        period = _period(word, numbers[0])
        return lambda: cls(period), period - 1

    return made


def _fading(
    cls: Callable[[int], Indicator], share: Callable[[int], float], extra: int
) -> Callable[[str, Sequence[str]], _Made]:
    """Return a maker of what never quite forgets: share of the newest, extra bars before it."""

    def made(word: str, numbers: Sequence[str]) -> _Made:
        period = _period(word, numbers[0])
        return lambda: cls(period), extra + _memory(period, share(period))

    return made


def _macd(word: str, numbers: Sequence[str]) -> _Made:
    fast, slow, signal = (_period(word, number) for number in numbers)
    if fast >= slow:
        raise BadIndicator(f"{word!r}: the first period must be shorter than the second.")
    look_back = _memory(slow, _ema_share(slow)) + _memory(signal, _ema_share(signal))
    return lambda: Macd(fast, slow, signal), look_back


def _bollinger(word: str, numbers: Sequence[str]) -> _Made:
    period, width = _period(word, numbers[0]), _width(word, numbers[1])
    return lambda: Bollinger(period, float(width)), period - 1


def _vwap(_: str, __: Sequence[str]) -> _Made:
    return Vwap, SESSION


def _ema_share(period: int) -> float:
    return 2 / (period + 1)


def _wilder_share(period: int) -> float:
    return 1 / period


def _memory(period: int, share: float) -> int:
    """Return after how many bars what came before them weighs no more than FORGOTTEN."""
    return period + math.ceil(math.log(FORGOTTEN) / math.log1p(-share))


_MAKERS: dict[str, Callable[[str, Sequence[str]], _Made]] = {
    "sma": _windowed(Sma),
    "ema": _fading(Ema, _ema_share, 0),
    "wma": _windowed(Wma),
    "vwap": _vwap,
    "rsi": _fading(Rsi, _wilder_share, 1),
    "macd": _macd,
    "bollinger": _bollinger,
    "atr": _fading(Atr, _wilder_share, 1),
}


def _period(word: str, text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text) or not PERIOD_MIN <= int(text) <= PERIOD_MAX:
        raise BadIndicator(f"{word!r}: a period is a number from {PERIOD_MIN} to {PERIOD_MAX}.")
    return int(text)


def _width(word: str, text: str) -> Decimal:
    try:
        width = parse_decimal(text, digits=2)
    except ValueError:
        width = Decimal(0)
    if not 0 < width <= WIDTH_MAX:
        raise BadIndicator(f"{word!r}: a width is a number above 0, at most {WIDTH_MAX}.")
    return width
