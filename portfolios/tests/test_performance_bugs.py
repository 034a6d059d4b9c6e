"""Bugs planted in the arithmetic of performance: the tables and the oracles must catch all."""

import inspect

import pytest
from hypothesis import Phase, settings

from portfolios.tests import test_analytics as checks
from trades.tests.sandbox import Bug, Sandbox

FAMILY = ("portfolios.analytics",)
CURVE = "portfolios.analytics.curve"
RETURNS = "portfolios.analytics.returns"
MONEY = "portfolios.analytics.money_weighted"
BESIDE = "portfolios.analytics.benchmark"
PERIODS = "portfolios.analytics.periods"

BUGS = [
    Bug(
        "deposits earn nothing on their day",
        CURVE,
        "at_work = before.equity + point.deposited",
        "at_work = before.equity",
    ),
    Bug(
        "withdrawals are losses",
        CURVE,
        "WIDE.divide(point.equity + point.withdrawn, at_work)",
        "WIDE.divide(point.equity, at_work)",
    ),
    Bug(
        "withdrawals leave at the start",
        CURVE,
        "+ point.deposited\n    if at_work",
        "+ point.deposited - point.withdrawn\n    if at_work",
    ),
    Bug("daily returns are added", CURVE, "WIDE.multiply(index, _factor(", "(index - 1 + _factor("),
    Bug(
        "a day without a price loses flows",
        CURVE,
        "Known(point.date, point.equity, deposited, withdrawn)",
        "Known(point.date, point.equity, point.deposited, point.withdrawn)",
    ),
    Bug("flows count twice", CURVE, "            deposited = withdrawn = ZERO\n", ""),
    Bug("the gain counts deposits", CURVE, "points[0].equity - moved", "points[0].equity"),
    Bug(
        "a fall is below the start",
        RETURNS,
        "        if each.index > peak.index:\n            peak = each\n",
        "",
    ),
    Bug(
        "a fall is made good below its peak",
        RETURNS,
        "each.index >= peak.index)",
        "each.index > trough.index)",
    ),
    Bug("the last of the deepest", RETURNS, "depth < deepest[0]", "depth > deepest[0]"),
    Bug(
        "a month starts at its first day's end", RETURNS, "        before = end\n", "        pass\n"
    ),
    Bug("part of a month is the whole", RETURNS, "(end.date + timedelta(days=1)).day == 1", "True"),
    Bug("a year has 360 days", MONEY, "YEAR_DAYS = 365", "YEAR_DAYS = 360"),
    Bug(
        "deposits come at the end of their day",
        MONEY,
        "Flow(before.date, -point.deposited)",
        "Flow(point.date, -point.deposited)",
    ),
    Bug(
        "the start is no flow",
        MONEY,
        "flows = [Flow(points[0].date, -points[0].equity)]",
        "flows = [Flow(points[0].date, -points[0].deposited)]",
    ),
    Bug(
        "flows of one day replace each other",
        MONEY,
        "by_day.get(flow.date, Decimal(0)) + flow.amount",
        "flow.amount",
    ),
    Bug(
        "the first of several rates will do",
        MONEY,
        "    if len(changes) != 1:",
        "    if not changes:",
    ),
    Bug("all lost is no rate", MONEY, "NoRate.NOTHING_LEFT)", "NoRate.NO_RATE)"),
    Bug(
        "the wrong half", MONEY, "(total(middle) >= 0) == is_low", "(total(middle) >= 0) != is_low"
    ),
    Bug(
        "deposits buy at the price they make",
        BESIDE,
        "Fraction(point.deposited) / price_before",
        "Fraction(point.deposited) / price",
    ),
    Bug(
        "what goes out stays in",
        BESIDE,
        "            shares -= Fraction(point.withdrawn) / price\n",
        "",
    ),
    Bug(
        "an index of the day before",
        BESIDE,
        "price / first, shares",
        "price / (price_before or first), shares",
    ),
    Bug("a week has eight days", PERIODS, "timedelta(days=6)", "timedelta(days=7)"),
    Bug(
        "months have no last day",
        PERIODS,
        "min(day.day, monthrange(year, month + 1)[1])",
        "min(day.day, 28)",
    ),
]


UNSHRUNK = settings(phases=[Phase.generate], derandomize=True, database=None, deadline=None)


def run(test):
    """Run a test with each of the rows it is given, if it is given any."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        return test()
    names, rows = marks[0].args
    for row in rows:
        test(**dict(zip(names, row, strict=True)))
    return None


def check(sandbox, monkeypatch):
    """Run all that test_analytics holds on the sandbox's copies; those by hand first."""
    for name, thing in vars(checks).copy().items():
        module = getattr(thing, "__module__", "") or ""
        if module.startswith(FAMILY) and not name.startswith("_"):
            monkeypatch.setattr(checks, name, getattr(sandbox.load(module), name))
    tests = [thing for name, thing in vars(checks).items() if name.startswith("test_")]
    tests.sort(key=lambda test: hasattr(test, "hypothesis"))
    for test in tests:
        if hasattr(test, "hypothesis"):  # the first failure will do, it need not be the smallest
            monkeypatch.setattr(test, "_hypothesis_internal_use_settings", UNSHRUNK)
        run(test)


def test_the_rules_as_they_are_pass(monkeypatch):
    check(Sandbox(family=FAMILY), monkeypatch)


def test_all_of_the_checks_are_run():
    tests = [name for name in vars(checks) if name.startswith("test_")]
    assert len(tests) > 20
    assert all(inspect.isfunction(getattr(checks, name)) for name in tests)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_caught(bug, monkeypatch):
    with pytest.raises((AssertionError, ZeroDivisionError)):
        check(Sandbox(bug.planted(), family=FAMILY), monkeypatch)
