"""What is measured of the pages reaches the summary, from workers too, and a missed bar fails."""

import json

import pytest

from tests import bars
from tests.bars import BARS, Run


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(bars, "RUN", Run())
    return bars.RUN


def lines_of(run, bar):
    """The lines under a bar."""
    lines = run.lines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"{bar:2} "))
    rest = lines[start + 1 :]
    return [line.strip() for line in rest[: [*map(is_title, rest), True].index(True)]]


def is_title(line):
    return not line.startswith("     ")


def test_every_bar_has_a_line_measured_or_not(run):
    assert list(BARS) == list(range(1, 14))
    assert sum(map(is_title, run.lines())) == 13
    for bar in BARS:
        assert lines_of(run, bar) == ["not measured in this run"]


def test_the_worst_figure_stays(run):
    for value in (40, 95, 60):
        bars.measured(1, "p95", value, most=150, unit=" ms")
    for value in (48, 44, 90):
        bars.measured(4, "least target", value, least=40, unit=" px")
    assert lines_of(run, 1) == ["p95: 95 ms (at most 150 ms)"]
    assert lines_of(run, 4) == ["least target: 44 px (at least 40 px)"]


@pytest.mark.parametrize(("value", "limits"), [(150.1, {"most": 150}), (39, {"least": 40})])
def test_a_missed_bar_fails_and_is_told(run, value, limits):
    with pytest.raises(AssertionError, match="bar 4, 390 px"):
        bars.measured(4, "it", value, **limits)
    (line,) = lines_of(run, 4)
    assert line.endswith("MISSED")


def test_a_busy_machine_may_take_longer_and_is_told(run):
    bars.measured(2, "work", 400, most=300, unit=" ms", slack=2.0)
    assert lines_of(run, 2) == ["work: 400 ms (at most 300 ms)  MISSED"]
    with pytest.raises(AssertionError):
        bars.measured(2, "work", 601, most=300, unit=" ms", slack=2.0)


def test_things_are_counted_once_and_faults_add_up(run):
    for look in ("dark", "light", "dark"):
        bars.tally(5, "pages", "orders", look)
    bars.tally(5, "pages", "fills", "dark")
    assert lines_of(run, 5) == ["2 pages, in 3 views, 0 wrong"]
    bars.tally(5, "pages", "fills", "dark", faults=2)
    assert lines_of(run, 5) == ["2 pages, in 3 views, 2 wrong  MISSED"]


def test_what_workers_measured_comes_together(run):
    one, other = Run(), Run()
    for worker, value, page in ((one, 70, "orders"), (other, 20, "fills")):
        worker.keep(1, "p95", value, 150, unit=" ms", is_least=False)
        worker.count(10, "pages", page, faults=1)
        worker.count(10, "pages", "trade")
        run.take_over(json.loads(json.dumps(worker.handed_on())))
    assert lines_of(run, 1) == ["p95: 70 ms (at most 150 ms)"]
    assert lines_of(run, 10) == ["3 pages, 2 wrong  MISSED"]
