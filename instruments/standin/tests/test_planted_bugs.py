"""Bugs planted in credits and bars of the stand-in: table and twin must catch all of them."""

import pytest
from hypothesis import Phase, given, settings

from instruments.standin.tests.test_credits import compare_with_table
from instruments.standin.tests.test_history import CASES, compare_with_twin
from trades.tests.sandbox import Bug, Sandbox

CREDITS, HISTORY = "instruments.standin.credits", "instruments.standin.history"

BUGS = [
    Bug(
        "the minute's last credit is refused",
        CREDITS,
        "if self._in_minute + cost > ",
        "if self._in_minute + cost >= ",
    ),
    Bug("the day's last credit is refused", CREDITS, "+ cost > per_day", "+ cost >= per_day"),
    Bug("a day has no end", CREDITS, "per_day is not None and", "False and"),
    Bug(
        "what was used is told without the request",
        CREDITS,
        "out_of_minute(self._in_minute + cost, ",
        "out_of_minute(self._in_minute, ",
    ),
    Bug("the minute does not end", CREDITS, "if minute != self._minute:", "if not self._minute:"),
    Bug("the day does not end", CREDITS, "if day != self._day:", "if not self._in_day:"),
    Bug("the day begins with every minute", CREDITS, "if day != self._day:", "if True:"),
    Bug("requests cost one", CREDITS, "self._in_minute += cost", "self._in_minute += 1"),
    Bug(
        "a minute is too short",
        CREDITS,
        "int(wall.timestamp()) // 60",
        "int(wall.timestamp()) // 30",
    ),
    Bug("hours begin with the clock's", HISTORY, "since_s - since_s % width_s", "since_s - 1800"),
    Bug("a bar keeps its first close", HISTORY, "self.close = later.close", "pass"),
    Bug("a bar counts what traded last", HISTORY, "self.volume += later", "self.volume = later"),
    Bug("the low is the newest", HISTORY, "min(self.low, later.low)", "later.low"),
    Bug(
        "asking makes the minutes grow",
        HISTORY,
        "msgspec.structs.replace(bar, starts_at=start)",
        "bar",
    ),
]


def check(sandbox):
    """Run every comparison on the sandbox's own copies."""
    compare_with_table(sandbox.load(CREDITS).Meter)
    kind = sandbox.load(HISTORY).History

    @settings(max_examples=100, database=None, phases=[Phase.generate], derandomize=True)
    @given(*CASES)
    def twin(prints, interval):
        compare_with_twin(prints, interval, kind)

    twin()


def test_credits_and_bars_as_they_are_pass():
    check(Sandbox(family=(CREDITS, HISTORY)))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_caught(bug):
    with pytest.raises(AssertionError):
        check(Sandbox(bug.planted(), (CREDITS, HISTORY)))
