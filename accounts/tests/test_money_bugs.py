"""Bugs planted in the rules of money: tables and fractions must catch every one of them."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from accounts.tests.test_conversions import (
    TABLE,
    cases,
    compare_with_fractions,
    compare_with_table,
)
from accounts.tests.test_settlement import (
    FAITH,
    PAYMENTS,
    STATES,
    compare_faith,
    compare_payment,
    compare_state,
)
from trades.tests.sandbox import Bug, Sandbox

FX, SETTLEMENT = "accounts.fx", "accounts.settlement"


BUGS = [
    Bug(
        "the customer's amount is rounded half to even",
        FX,
        "import QUANTUM, round_down_money",
        "import QUANTUM, round_money as round_down_money",
    ),
    Bug("a rate the other way round is multiplied", FX, "_EXACT.divide(", "_EXACT.multiply("),
    Bug("a quotient is rounded, not cut off", FX, "rounding=ROUND_DOWN)", "rounding='ROUND_UP')"),
    Bug("what rounding leaves is lost", FX, "value - booked)", "value - value)"),
    Bug(
        "cash settles a moment late",
        SETTLEMENT,
        "if each.settles_at > now), Z",
        "if each.settles_at >= now), Z",
    ),
    Bug("what is held can be withdrawn", SETTLEMENT, "settled - reserved)", "settled)"),
    Bug("unsettled cash can be withdrawn", SETTLEMENT, "max(ZERO, settled -", "max(ZERO, cash -"),
    Bug("proceeds pay before settled cash", SETTLEMENT, "missing = cost -", "missing = cost or"),
    Bug(
        "the proceeds that settle last pay first",
        SETTLEMENT,
        "key=lambda each: (each.settles_at, each.id),",
        "key=lambda each: (each.settles_at, each.id), reverse=True,",
    ),
    Bug("proceeds pay more than is left", SETTLEMENT, "min(each.left, missing)", "missing"),
    Bug("any settled proceeds are good faith", SETTLEMENT, "return all(", "return any("),
    Bug(
        "settling when sold is too late",
        SETTLEMENT,
        "settles_at <= sold_at",
        "settles_at < sold_at",
    ),
]


def rows(text):
    return [[part.split() for part in line.split("|")] for line in text.strip().splitlines()]


def check(sandbox):
    """Run every comparison on the sandbox's own copy of the rules."""
    fx, settlement = sandbox.load(FX), sandbox.load(SETTLEMENT)
    for line in TABLE.strip().splitlines():
        compare_with_table(line, fx.exchange)
    for given_, expected in rows(STATES):
        compare_state(given_, expected, settlement.cash_state)
    for given_, expected in rows(PAYMENTS):
        compare_payment(given_, expected, settlement.pay)
    for given_, expected in rows(FAITH):
        compare_faith(given_, expected, settlement.is_in_good_faith)

    @settings(max_examples=200, database=None, phases=[Phase.generate], derandomize=True)
    @given(st.tuples(*cases))
    def fractions(case):
        compare_with_fractions(case, fx.exchange)

    fractions()


def test_the_rules_as_they_are_pass():
    check(Sandbox())


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_caught(bug):
    with pytest.raises((AssertionError, ZeroDivisionError)):
        check(Sandbox(bug.planted()))
