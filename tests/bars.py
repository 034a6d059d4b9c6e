"""The bars that the pages are held to, and what a run has measured of them.

A browser test that measures one says so: `measured` keeps the figure, and fails where the bar is
missed; `tally` counts what was looked at and what was wrong with it. A run closes with a section
"bars of the pages": each bar with its figures against their limits, or "not measured in this run".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

BARS = {
    1: "a cell in sight repaints within 150 ms (p95) of the socket's message",
    2: "50 symbols x 10/s: under 300 ms of main-thread work a second, heap grows under 10 MB",
    3: "a whole order by keyboard alone; focus stays in the dialog and comes back",
    4: "390 px: no wider than the window, targets of 40 px; symbol, last, quantity, value in sight",
    5: "axe-core: no violation on any page or open dialog, in both themes",
    6: "layout shift under 0.02 on load and while prices move",
    7: "without script: forms, lists and statements work by full-page posts",
    8: "socket cut: banner within 1 s; feed still: within 5 s; back within 20 s of a restart",
    9: "two tabs agree within 1 s, and each tells once",
    10: "no CSP report, no request offsite, no error on the console of any page",
    11: "bad input: told beside the field, described, kept as typed, focus there",
    12: "no flash of the other theme; contrast of text at least 4.5",
    13: "the statement ends at the cash, cash and positions are the equity, to the cent",
}


@dataclass
class Run:
    """What was measured so far, in forms that workers can hand on.

    figures: (bar, what) -> value, limit, unit, whether it is a least; the worst value stays.
    counts: (bar, what) -> what was looked at; faults: (bar, what) -> how often something was wrong.
    """

    figures: dict[tuple[int, str], tuple[float, float, str, bool]] = field(default_factory=dict)
    counts: dict[tuple[int, str], set[str]] = field(default_factory=dict)
    faults: dict[tuple[int, str], int] = field(default_factory=dict)

    def keep(
        self, bar: int, what: str, value: float, limit: float, *, unit: str, is_least: bool
    ) -> None:
        """Keep a figure, unless a worse one of the same is known."""
        known = self.figures.get((bar, what))
        worst = min if is_least else max
        if known:
            value = worst(known[0], value)
        self.figures[bar, what] = (value, limit, unit, is_least)

    def count(self, bar: int, what: str, name: str, faults: int = 0) -> None:
        """Count one that was looked at, once however often; faults add up."""
        self.counts.setdefault((bar, what), set()).add(name)
        self.faults[bar, what] = self.faults.get((bar, what), 0) + faults

    def handed_on(self) -> list[Any]:
        """Return what `take_over` of another process takes."""
        figures = [[*key, *figure] for key, figure in self.figures.items()]
        counts = [[*key, sorted(names), self.faults[key]] for key, names in self.counts.items()]
        return [figures, counts]

    def take_over(self, handed: list[Any]) -> None:
        """Add what another process has measured."""
        figures, counts = handed
        for bar, what, value, limit, unit, is_least in figures:
            self.keep(bar, what, value, limit, unit=unit, is_least=is_least)
        for bar, what, names, faults in counts:
            for name in names:
                self.count(bar, what, name)
            self.faults[bar, what] += faults

    def lines(self) -> list[str]:
        """Return the section: each bar, and under it what was measured."""
        told = []
        for bar, words in BARS.items():
            told.append(f"{bar:2} {words}")
            found = [*self._figures(bar), *self._counts(bar)]
            told += [f"     {line}" for line in found or ["not measured in this run"]]
        return told

    def _figures(self, bar: int) -> list[str]:
        return [
            f"{what}: {value:.4g}{unit} ({'at least' if is_least else 'at most'} {limit:g}{unit})"
            + ("" if holds(value, limit, is_least=is_least) else "  MISSED")
            for (number, what), (value, limit, unit, is_least) in sorted(self.figures.items())
            if number == bar
        ]

    def _counts(self, bar: int) -> list[str]:
        told = []
        for (number, what), names in sorted(self.counts.items()):
            if number != bar:
                continue
            kinds = {name.partition(" | ")[0] for name in names}
            views = f", in {len(names)} views" if len(names) > len(kinds) else ""
            faults = self.faults[number, what]
            told.append(f"{len(kinds)} {what}{views}, {faults} wrong{'  MISSED' if faults else ''}")
        return told


RUN = Run()


def holds(value: float, limit: float, *, is_least: bool) -> bool:
    return value >= limit if is_least else value <= limit


def measured(
    bar: int,
    what: str,
    value: float,
    *,
    most: float | None = None,
    least: float | None = None,
    unit: str = "",
    slack: float = 1.0,
) -> None:
    """Keep a figure of a bar for the summary, and fail where it is beyond its limit.

    slack: how many times its limit a time may be before the test fails, because others are at work
    on the same cores; over the limit it is told as missed all the same.
    """
    is_least = most is None
    limit = least if most is None else most
    assert limit is not None, "a figure needs a limit"
    RUN.keep(bar, what, float(value), float(limit), unit=unit, is_least=is_least)
    word = "at least" if is_least else "at most"
    assert holds(value, limit * slack, is_least=is_least), (
        f"bar {bar}, {BARS[bar]}: {what} is {value:.4g}{unit}, {word} {limit:g}{unit}"
    )


def tally(bar: int, what: str, name: str, look: str = "", *, faults: int = 0) -> None:
    """Count one that was looked at, in a look; who finds faults fails the test himself."""
    RUN.count(bar, what, f"{name} | {look}" if look else name, faults)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In an xdist worker: hand what was measured to the controller, which writes the summary."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["bars"] = RUN.handed_on()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the controller: take over what a worker that is done has measured."""
    handed = getattr(node, "workeroutput", {}).get("bars")
    if handed:
        RUN.take_over(handed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say for each bar what was measured, or that this run did without it."""
    terminalreporter.write_sep("=", "bars of the pages")
    lines = RUN.lines() if RUN.figures or RUN.counts else ["not measured in this run"]
    for line in lines:
        terminalreporter.write_line(line)
