"""What an alert waits for, and that the shelf in memory finds what looking at all would find."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bengi.ids import new_id
from bengi.terms import AlertKind
from instruments.splits import Ratio
from instruments.tests.factories import QUOTED_AT
from watchlists.conditions import (
    Terms,
    gives_reference,
    in_new_shares,
    is_fresh_print,
    is_met,
)
from watchlists.tests.factories import print_of
from watchlists.waiting import Shelf, Shelves, Waiting

A_SECOND = timedelta(seconds=1)


def terms(kind: str, level: str, reference: str | None = None) -> Terms:
    is_change = kind == "percent_change"
    return Terms(
        kind=AlertKind(kind),
        price=None if is_change else Decimal(level),
        percent=Decimal(level) if is_change else None,
        reference_price=None if reference is None else Decimal(reference),
        armed_at=QUOTED_AT,
    )


@pytest.mark.parametrize(
    ("kind", "level", "reference", "last", "met"),
    [
        ("above", "110", None, "109.99999999", False),
        ("above", "110", None, "110", True),
        ("above", "110", None, "500", True),
        ("below", "90", None, "90.00000001", False),
        ("below", "90", None, "90", True),
        ("below", "90", None, "0.01", True),
        ("crossing", "110", "100", "109.99", False),
        ("crossing", "110", "100", "110", True),
        ("crossing", "110", "100", "111", True),
        ("crossing", "110", "120", "110.01", False),
        ("crossing", "110", "120", "110", True),
        ("crossing", "110", "120", "100", True),
        ("crossing", "110", None, "100", False),
        ("crossing", "110", "110", "110", False),
        ("crossing", "110", "110", "111", False),
        ("percent_change", "5", None, "104.99", False),
        ("percent_change", "5", None, "105", True),
        ("percent_change", "5", None, "95", True),
        ("percent_change", "5", None, "95.01", False),
        ("percent_change", "250", None, "350", True),
    ],
)
def test_what_meets_an_alert(kind, level, reference, last, met):
    """Yesterday's close is 100."""
    assert is_met(terms(kind, level, reference), print_of("x", last)) is met


def test_a_change_needs_a_close_to_be_one_of():
    for close in (None, Decimal(0)):
        tick = print_of("x", "500", previous_close=close)
        assert not is_met(terms("percent_change", "5"), tick)


def test_prints_of_before_do_not_count():
    for kind, level, last in [
        ("above", "1", "2"),
        ("below", "3", "2"),
        ("percent_change", "1", "2"),
    ]:
        assert is_met(terms(kind, level), print_of("x", last, QUOTED_AT))
        assert not is_met(terms(kind, level), print_of("x", last, QUOTED_AT - A_SECOND))
    assert not gives_reference(terms("crossing", "3"), print_of("x", "2", QUOTED_AT - A_SECOND))


@pytest.mark.parametrize(
    ("reference", "last", "gives"),
    [(None, "100", True), (None, "110", False), ("110", "111", True), ("100", "101", False)],
)
def test_the_first_print_off_the_price_says_where_a_crossing_begins(reference, last, gives):
    assert gives_reference(terms("crossing", "110", reference), print_of("x", last)) is gives
    assert not gives_reference(terms("above", "110", reference), print_of("x", last))


@pytest.mark.parametrize(
    ("age_s", "changed", "fresh"),
    [
        (15, {}, True),
        (15.001, {}, False),
        (0, {"is_new_print": False}, False),
    ],
)
def test_old_prints_and_quotes_are_not_told_of(age_s, changed, fresh):
    tick, now = print_of("x", "1", **changed), QUOTED_AT + timedelta(seconds=age_s)
    assert is_fresh_print(tick, now, timedelta(seconds=15)) is fresh
    assert not is_fresh_print(print_of("x", None), now, timedelta(seconds=15))


def test_a_split_divides_prices_and_leaves_percents():
    later = QUOTED_AT + A_SECOND
    crossing = in_new_shares(terms("crossing", "100", "90"), Ratio(3, 1), later)
    assert (crossing.price, crossing.reference_price) == (Decimal("33.33333333"), Decimal(30))
    assert crossing.armed_at == later
    change = in_new_shares(terms("percent_change", "5"), Ratio(3, 1), later)
    assert (change.price, change.percent) == (None, Decimal(5))
    reverse = in_new_shares(terms("above", "1.5"), Ratio(1, 10), later)
    assert reverse.price == Decimal(15)
    smallest = in_new_shares(terms("below", "0.00000001"), Ratio(9, 1), later)
    assert smallest.price == Decimal("0.00000001")


# -- the shelf beside a twin that looks at every alert, in fractions ---------------------------

levels = st.integers(1, 12).map(Decimal)
alerts = st.builds(
    lambda kind, level, reference, late: msgspec.structs.replace(
        terms(kind, str(level), None if reference is None else str(reference)),
        armed_at=QUOTED_AT + late * A_SECOND,
    ),
    st.sampled_from([kind.value for kind in AlertKind]),
    levels,
    st.none() | levels,
    st.integers(0, 2),
)


def touches(one: Terms, last: Fraction, close: Fraction | None, second: int) -> bool:
    """The rules, told once more and otherwise: by signs and by a ratio."""
    if second < (one.armed_at - QUOTED_AT).total_seconds():
        return False
    if one.kind == "percent_change":
        return close is not None and abs(last / close - 1) >= Fraction(one.percent) / 100
    off = last - Fraction(one.price)
    if one.kind == "above":
        return off >= 0
    if one.kind == "below":
        return off <= 0
    begun = Fraction(one.reference_price or 0) - Fraction(one.price)
    if one.reference_price is None or begun == 0:
        return off != 0
    return begun * off <= 0


@given(
    st.lists(alerts, max_size=8),
    st.lists(st.tuples(levels, st.none() | levels, st.integers(0, 2)), max_size=8),
)
def test_the_shelf_finds_what_looking_at_every_alert_finds(waiting, prints):
    rows = [Waiting(new_id(), "x", one) for one in waiting]
    shelf, shelves = Shelf(rows), Shelves()
    shelves.fill([*rows, Waiting(new_id(), "other", terms("above", "1"))])
    for last, close, second in prints:
        tick = print_of("x", str(last), QUOTED_AT + second * A_SECOND, previous_close=close)
        told = [
            row
            for row in rows
            if touches(row.terms, Fraction(last), close and Fraction(close), second)
        ]
        assert shelf.touched_by(tick) == told == shelves.touched_by(tick)


def test_shelves_are_filled_one_by_one_or_all():
    one, two = (Waiting(new_id(), name, terms("above", "1")) for name in ("x", "y"))
    shelves = Shelves()
    shelves.fill([one, two])
    assert shelves.instruments == {"x", "y"}
    shelves.fill([], of=["x"])
    assert shelves.instruments == {"y"}
    assert shelves.touched_by(print_of("x", "5")) == []
    shelves.fill([one], of=["x"])
    assert shelves.touched_by(print_of("x", "5")) == [one]
    shelves.fill([two])
    assert shelves.instruments == {"y"}
