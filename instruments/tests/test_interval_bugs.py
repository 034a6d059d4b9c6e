"""Bugs planted in intervals, gaps and backfilling: the tables of their tests must catch each."""

from types import ModuleType

import pytest

from instruments.intervals import Grid
from instruments.tests.test_intervals import (
    SLOTS,
    STARTS,
    _known,  # noqa: F401 - a fixture
    at,
    bar,
    rows,
    slots_are_right,
    start_is_right,
)
from trades.tests.sandbox import Sandbox, changed

INTERVALS, GAPS = "instruments.intervals", "instruments.gaps"


def intervals_agree(module: ModuleType) -> bool:
    parts = [
        bar("2026-11-24 14:00", prices="10 12 9 11", volume=100),
        bar("2026-11-24 15:00", prices="11 11.5 8 9", volume=50),
    ]
    folded = module.Grid("2h", "XNYS", "exchange").fold(parts)
    tokyo = module.Grid("30min", "XTKS", "exchange").starts_on(at("2026-11-24 00:00").date())
    return (
        all(start_is_right(module, row) for row in rows(STARTS))
        and folded == [bar("2026-11-24 14:00", "2h", "10 12 8 9", 150)]
        and parts[0].volume == 100
        and [f"{start:%H:%M}" for start in tokyo[4:]]
        == ["02:00", "03:30", "04:00", "04:30", "05:00", "05:30", "06:00"]
        and module.Grid("1h", "XNYS", "exchange").starts_on(at("2026-11-26 00:00").date()) == []
    )


def gaps_agree(module: ModuleType) -> bool:
    def newest(
        interval: str, end: str, start: str = "2020-01-01 00:00", limit: int = 3
    ) -> list[str]:
        grid = Grid(interval, "XNYS", "exchange")
        bounds = {"start": at(start), "end": at(end), "limit": limit}
        return [
            f"{each:%m-%d %H}".removesuffix(" 00")
            for each in module.slots(grid, "XNYS", "exchange", **bounds)
        ]

    there = [bar("2026-11-24 15:00", prices="9 12 8 11", volume=10)]
    starts = [at(f"2026-11-24 {hour}:00") for hour in (14, 15, 16)]
    before = bar("2026-11-23 20:00", prices="5 8 5 7")
    return (
        all(slots_are_right(module, row) for row in rows(SLOTS))
        and newest("1day", "2026-11-27 14:00") == ["11-23", "11-24", "11-25"]
        and newest("1h", "2026-11-24 19:30", limit=2) == ["11-24 18", "11-24 19"]
        and newest("1week", "2026-11-27 15:00") == ["11-09", "11-16", "11-23"]
        and newest("1week", "2026-11-27 15:00", "2026-11-16 00:00", 9) == ["11-16", "11-23"]
        and module.fill(there, starts, "1h", before)
        == [
            bar("2026-11-24 14:00", prices="7 7 7 7", volume=0),
            *there,
            bar("2026-11-24 16:00", prices="11 11 11 11", volume=0),
        ]
        and len(module.fill(there, starts, "1h", None)) == 2
    )


BUGS = {
    "bars are cut along UTC": (
        INTERVALS,
        "anchor + (moment - anchor) // length * length",
        "moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % length",
    ),
    "the evening goes on with the session": (INTERVALS, "return opens, closes", "return (opens,)"),
    "a week begins on Sunday": (
        INTERVALS,
        "day -= day.weekday() * _DAY",
        "day -= (day.weekday() + 1) % 7 * _DAY",
    ),
    "a month is labelled with its first session": (
        INTERVALS,
        "day = day.replace(day=1)",
        "day = max(day.replace(day=1), day - 20 * _DAY)",
    ),
    "nobody eats": (INTERVALS, "begins <= start and end <= ends", "False"),
    "everybody eats early": (INTERVALS, "begins <= start and end <= ends", "begins <= end"),
    "the session has one bar more": (
        INTERVALS,
        "while start < session.closes_at:",
        "while start <= session.closes_at:",
    ),
    "bars begin with the opening itself": (
        INTERVALS,
        "opens = bar_start(self.source, session.opens_at, day)",
        "opens = session.opens_at",
    ),
    "folding grows what it was given": (
        INTERVALS,
        "bars.append(msgspec.structs.replace(part, **named))",
        "(setattr(part, 'interval', self.interval), bars.append(part))",
    ),
    "what has not opened is a gap": (GAPS, "and session.opens_at < end", ""),
    "a bar may begin at the end": (GAPS, "if each < end and", "if each <= end and"),
    "weeks come once a day": (GAPS, " and each not in found[-1:]", ""),
    "the oldest are kept": (GAPS, "return inside[:limit][::-1]", "return inside[::-1][:limit]"),
    "start does not count": (GAPS, " if each >= start]", "]"),
    "looking back ends a day early": (
        GAPS,
        "grid.label(day) + 2 * _DAY < start",
        "grid.label(day) - 9 * _DAY < start",
    ),
    "a gap repeats the open": (GAPS, "close = last.close", "close = last.open"),
    "a gap has volume": (GAPS, "close, Decimal(0)", "close, last.volume"),
    "a gap repeats what was before all gaps": (GAPS, "            last = bar\n", ""),
}


@pytest.mark.parametrize("name", BUGS)
def test_planted_bugs_are_caught(name: str) -> None:
    module, old, new = BUGS[name]
    planted = Sandbox({module: changed(module, old, new)}, (module,)).load(module)
    agrees = intervals_agree if module == INTERVALS else gaps_agree
    assert not agrees(planted)


def test_without_a_bug_they_agree() -> None:
    assert intervals_agree(Sandbox({}, (INTERVALS,)).load(INTERVALS))
    assert gaps_agree(Sandbox({}, (GAPS,)).load(GAPS))
