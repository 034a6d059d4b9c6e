"""What can be asked for, what is said of the rest, and how far back each looks."""

import math

import pytest

from instruments import indicator_words
from instruments.indicator_words import FORGOTTEN, SESSION, BadIndicator, read_indicators
from instruments.indicators import Point

ASKED = "sma:20,ema:50,wma:9,vwap,rsi:14,macd:12:26:9,bollinger:20:2.5,atr:14"


def test_what_can_be_asked_for() -> None:
    asked = read_indicators(ASKED)
    assert [name for each in asked for name in each.columns] == [
        *("sma:20", "ema:50", "wma:9", "vwap", "rsi:14"),
        *("macd:12:26:9", "macd:12:26:9:signal", "macd:12:26:9:histogram"),
        *("bollinger:20:2.5:upper", "bollinger:20:2.5:middle", "bollinger:20:2.5:lower"),
        "atr:14",
    ]
    point = Point(10, 9, 9.5, 1)
    assert [len(each.make().feed(point)) for each in asked] == [1, 1, 1, 1, 1, 3, 3, 1]


# what is asked for | what is said
REFUSED = """
sma           | must be of the form sma:20
sma:          | a period is a number from 2 to 200
sma:0         | a period is a number
sma:1         | a period is a number
sma:201       | a period is a number
sma:020       | a period is a number
sma:-5        | a period is a number
sma:2.0       | a period is a number
sma:２０      | a period is a number
sma:99999999  | a period is a number
sma:20:5      | must be of the form sma:20
SMA:20        | is none of: sma:20, ema:20
sma :20       | is none of
stoch:14      | is none of
vwap:20       | must be of the form vwap
macd:26:12:9  | the first period must be shorter
macd:12:12:9  | the first period must be shorter
macd:12:26    | must be of the form macd:12:26:9
bollinger:20:0      | a width is a number above 0
bollinger:20:11     | a width is a number above 0, at most 10
bollinger:20:1e1    | a width is a number
bollinger:20:-2     | a width is a number
bollinger:20:nan    | a width is a number
bollinger:20        | must be of the form bollinger:20:2
sma:20,sma:20       | sma:20 is there twice
sma:20,             | '' is none of
,                   | is there twice
sma:2,sma:3,sma:4,sma:5,sma:6,sma:7,sma:8,sma:9,sma:10 | at most 8
"""


@pytest.mark.parametrize("row", REFUSED.strip().splitlines())
def test_what_is_refused_and_why(row: str) -> None:
    text, _, words = (part.strip() for part in row.partition("|"))
    with pytest.raises(BadIndicator) as refused:
        read_indicators(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 200 or text.count(",") > 5


def test_an_empty_word_is_none() -> None:
    with pytest.raises(BadIndicator):
        read_indicators("")


@pytest.mark.parametrize(
    ("text", "bars"), [("sma:20", 19), ("wma:2", 1), ("bollinger:20:2", 19), ("vwap", SESSION)]
)
def test_how_far_a_window_reaches(text: str, bars: int) -> None:
    assert read_indicators(text)[0].look_back == bars


@pytest.mark.parametrize("period", [2, 14, 50, 200])
@pytest.mark.parametrize(("kind", "share"), [("ema", "2 / (n + 1)"), ("rsi", "1 / n")])
def test_what_came_before_is_forgotten(kind: str, share: str, period: int) -> None:
    weight = {"2 / (n + 1)": 2 / (period + 1), "1 / n": 1 / period}[share]
    bars = read_indicators(f"{kind}:{period}")[0].look_back - period
    assert (1 - weight) ** bars <= FORGOTTEN * (1 + 1e-9)
    assert (1 - weight) ** (bars - 3) > FORGOTTEN


@pytest.mark.parametrize(
    "text",
    [*ASKED.replace("vwap,", "").split(","), "ema:200", "rsi:200", "atr:200", "macd:100:200:200"],
)
def test_a_past_ten_times_as_high_does_not_show(text: str) -> None:
    asked = read_indicators(text)[0]
    read = [point(n, 100.0) for n in range(asked.look_back + 1)]
    past = [point(n, 1000.0) for n in range(300)]
    without, with_past = (last_of(asked.make(), points) for points in (read, past + read))
    for value, other in zip(without, with_past, strict=True):
        assert value is not None
        assert math.isclose(value, other, rel_tol=1e-7, abs_tol=1e-6)


def last_of(indicator, points: list[Point]):
    return [indicator.feed(each) for each in points][-1]


def point(n: int, level: float) -> Point:
    close = level + 5 * math.sin(n) + n % 7
    return Point(close + 1, close - 1, close, 100)


def test_no_look_back_is_longer_than_what_may_be_read() -> None:
    longest = read_indicators(f"macd:199:{indicator_words.PERIOD_MAX}:200")[0].look_back
    assert longest < 5100
