"""Settled and unsettled cash: trading-rules.md, "Cash, settlement, lots", as golden tables."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.settlement import Proceeds, cash_state, is_in_good_faith, pay

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def proceeds(*rows):
    """Read "left@days": 300@1 settles a day from now, 300@0 right now."""
    found = []
    for number, row in enumerate(rows):
        left, days = row.split("@")
        found.append(Proceeds(UUID(int=number), Decimal(left), NOW + int(days) * DAY))
    return found


# cash, reserved, proceeds -> settled, unsettled, buying power, withdrawable
STATES = """
1000   0    -             | 1000 0    1000 1000
1000   0    300@1         | 700  300  1000 700
1000   200  300@1         | 700  300  800  500
1000   800  300@1         | 700  300  200  0
1000   0    300@0         | 1000 0    1000 1000
1000   0    300@-1        | 1000 0    1000 1000
1000   0    300@1 200@2   | 500  500  1000 500
200    0    300@1         | 0    200  200  0
0      0    -             | 0    0    0    0
0.03   0.01 0.01@1        | 0.02 0.01 0.02 0.01
"""

# cost, cash before, proceeds -> what each of them pays
PAYMENTS = """
100    1000  300@1           | -
700    1000  300@1           | -
701    1000  300@1           | 1@1
1000   1000  300@1           | 300@1
900    1000  300@2 400@1     | 200@2 400@1
600    1000  300@2 400@1     | 300@1
1000   1000  300@0           | -
1000   1000  300@0 400@1     | 400@1
0      0     -               | -
0.02   0.03  0.02@1          | 0.01@1
50     200   300@1           | 50@1
"""


def table(text):
    rows = [line.split("|") for line in text.strip().splitlines()]
    return [pytest.param(given_.split(), expected.split()) for given_, expected in rows]


@pytest.mark.parametrize(("given_", "expected"), table(STATES))
def test_settled_and_withdrawable(given_, expected):
    compare_state(given_, expected, cash_state)


def compare_state(given_, expected, cash_state):
    cash, reserved, *rows = given_
    waiting = [] if rows == ["-"] else proceeds(*rows)
    state = cash_state(Decimal(cash), Decimal(reserved), waiting, NOW)
    told = (state.settled, state.unsettled, state.buying_power, state.withdrawable)
    assert told == tuple(map(Decimal, expected))


@pytest.mark.parametrize(("given_", "expected"), table(PAYMENTS))
def test_settled_cash_pays_first_then_what_settles_soonest(given_, expected):
    compare_payment(given_, expected, pay)


def compare_payment(given_, expected, pay):
    cost, cash, *rows = given_
    waiting = [] if rows == ["-"] else proceeds(*rows)
    days = {each.id: (each.settles_at - NOW).days for each in waiting}
    parts = pay(Decimal(cost), Decimal(cash), waiting, NOW)
    told = sorted(f"{part.amount}@{days[part.id]}" for part in parts)
    assert told == sorted([] if expected == ["-"] else expected)


amounts = st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 3)), max_size=5)


@given(st.integers(0, 30), st.integers(0, 30), amounts)
def test_paying_keeps_settled_cash_and_proceeds_in_step(cash, cost, rows):
    """What is paid leaves either settled cash or proceeds, never more of either than is there."""
    cost = min(cost, cash)
    waiting = proceeds(*(f"{left}@{days}" for left, days in rows))
    open_sum = sum(left for left, days in rows if days > 0)
    unsettled = min(cash, open_sum)
    parts = pay(Decimal(cost), Decimal(cash), waiting, NOW)
    taken = sum(part.amount for part in parts)
    assert taken == max(0, cost - (cash - unsettled))
    left = {each.id: each for each in waiting}
    assert all(0 < part.amount <= left[part.id].left for part in parts)
    assert len({part.id for part in parts}) == len(parts)
    after = cash_state(
        Decimal(cash - cost),
        Decimal(0),
        [
            Proceeds(e.id, e.left - sum(p.amount for p in parts if p.id == e.id), e.settles_at)
            for e in waiting
        ],
        NOW,
    )
    assert after.settled >= 0
    if open_sum <= cash:
        assert after.settled == max(0, cash - open_sum - cost)


# sold after hours, paid with proceeds that settle after hours -> in good faith?
FAITH = """
1   -      | yes
1   24     | no
24  24     | yes
25  24     | yes
25  24 48  | no
48  24 48  | yes
"""


@pytest.mark.parametrize(("given_", "expected"), table(FAITH))
def test_selling_before_the_proceeds_settle_is_a_violation(given_, expected):
    compare_faith(given_, expected, is_in_good_faith)


def compare_faith(given_, expected, is_in_good_faith):
    sold, *paid = given_
    hours = [timedelta(hours=int(each)) for each in paid if each != "-"]
    is_good = is_in_good_faith(NOW + timedelta(hours=int(sold)), [NOW + each for each in hours])
    assert is_good == (expected == ["yes"])
