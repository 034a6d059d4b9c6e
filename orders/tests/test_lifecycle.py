"""The table of legal steps, against the same table written down a second time, as a matrix."""

from itertools import product
from types import SimpleNamespace

import pytest

from bengi.terms import OrderStatus
from orders import lifecycle

SUBJECT = SimpleNamespace(
    may=lifecycle.may, check=lifecycle.check, OPEN=lifecycle.OPEN, CLOSED=lifecycle.CLOSED
)

COLUMNS = [
    *("accepted", "new", "held", "partially_filled", "pending_cancel", "pending_replace"),
    *("filled", "canceled", "expired", "replaced", "rejected"),
]
MATRIX = """
    accepted          . x . x x x  x x x . x
    new               . . . x x x  x x x . .
    held              x . . . x x  . x x . x
    partially_filled  . . . x x x  x x x . .
    pending_cancel    . . . . x .  x x x . .
    pending_replace   x x x x x x  x x x x .
    filled            . . . . . .  . . . . .
    canceled          . . . . . .  . . . . .
    expired           . . . . . .  . . . . .
    replaced          . . . . . .  . . . . .
    rejected          . . . . . .  . . . . .
"""


def compare(subject):
    """Try every step there could be."""
    rows = [line.split() for line in MATRIX.strip().splitlines()]
    marks = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}
    assert set(marks) == {status.value for status in OrderStatus}
    for before, after in product(OrderStatus, OrderStatus):
        assert subject.may(before, after) == (marks[before][after] == "x"), (before, after)
    assert {status.value for status in subject.OPEN} == set(COLUMNS[:6])
    assert {status.value for status in subject.CLOSED} == set(COLUMNS[6:])


def test_every_step_is_in_the_table():
    compare(SUBJECT)


def test_check_lets_a_legal_step_pass():
    lifecycle.check(OrderStatus.ACCEPTED, OrderStatus.FILLED)


@pytest.mark.parametrize("after", list(OrderStatus))
@pytest.mark.parametrize("before", sorted(lifecycle.CLOSED))
def test_closed_is_final(before, after):
    with pytest.raises(AssertionError, match=f"from {before} to {after}"):
        lifecycle.check(before, after)
