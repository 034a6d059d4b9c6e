"""Returns, falls and comparisons: by hand, and against a fund's unit prices."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portfolios.analytics.benchmark import beside, returned
from portfolios.analytics.curve import Grown, Known, Point, ended_with, gain, growth, known
from portfolios.analytics.money_weighted import Flow, NoRate, money_weighted, rate_of
from portfolios.analytics.periods import PERIODS, first_day
from portfolios.analytics.returns import by_month, deepest_fall, time_weighted
from portfolios.tests.naive_performance import (
    deepest,
    grown,
    held_beside,
    unit_prices,
    worth_at_the_end,
)

D = Decimal
START = date(2025, 12, 30)
TINY = Fraction(1, 10**20)

amounts = st.integers(0, 40).map(lambda n: D(n) * 25)
earned = st.integers(1, 40).map(lambda n: D(n) * 25)
rows = st.tuples(earned, st.one_of(st.just(D(0)), amounts), st.just(D(0)) | amounts)
stories = st.lists(rows, min_size=2, max_size=40)


def curve(days, start=START):
    """(equity, deposited, withdrawn) by day, the first one without flows."""
    return [
        Known(start + timedelta(days=n), D(e), D(i) if n else D(0), D(o) if n else D(0))
        for n, (e, i, o) in enumerate(days)
    ]


def indexed(*values, start=START):
    return [Grown(start + timedelta(days=n), D(value)) for n, value in enumerate(values)]


def near(one, other, least=TINY):
    return abs(Fraction(one) - Fraction(other)) <= least * max(1, abs(Fraction(other)))


def test_deposits_and_withdrawals_earn_nothing():
    """1,000 become 1,100; 900 more come in the day that makes 5 %; 500 go out on one of 2 %."""
    points = curve([(1000, 0, 0), (1100, 0, 0), (2100, 900, 0), (1642, 0, 500)])
    assert [each.index for each in growth(points)] == [1, D("1.1"), D("1.155"), D("1.1781")]
    assert time_weighted(growth(points)) == D("0.1781")
    assert gain(points) == 100 + 100 + 42


def test_the_first_deposit_earns_from_its_first_day():
    assert time_weighted(growth(curve([(0, 0, 0), (1010, 1000, 0)]))) == D("0.01")


def test_all_can_be_taken_out_on_a_day_that_earned():
    points = curve([(100, 0, 0), (0, 0, 110), (0, 0, 0), (55, 50, 0)])
    assert time_weighted(growth(points)) == D("0.21")


@given(stories)
def test_growth_is_what_a_unit_of_a_fund_costs(days):
    days = [(days[0][0], D(0), D(0)), *days[1:]]
    ours = [each.index for each in growth(curve(days))]
    theirs = unit_prices(days)
    assert all(near(a, b) for a, b in zip(ours, theirs, strict=True))


@given(stories, st.integers(0, 39))
def test_what_comes_and_goes_at_once_changes_no_return(days, place):
    """In and out again on a day on which nothing is earned: the index stays."""
    points = curve(days)
    at = 1 + place % (len(points) - 1)
    before = points[at - 1]
    quiet = Known(points[at].date, before.equity, D(0), D(0))
    through = Known(points[at].date, before.equity, D(700), D(700))
    one, other = (growth([*points[:at], each])[-1].index for each in (quiet, through))
    assert one == other


def test_days_that_are_not_known_hand_on_what_came():
    points = [
        Point(START, D(100)),
        Point(START + timedelta(days=1), None, deposited=D(50)),
        Point(START + timedelta(days=2), D(165), withdrawn=D(10)),
        Point(START + timedelta(days=3), D(166)),
        Point(START + timedelta(days=3), None, withdrawn=D(5)),
    ]
    days = [START + timedelta(days=n) for n in (0, 2, 3)]
    assert known(points) == [
        Known(days[0], D(100), D(0), D(0)),
        Known(days[1], D(165), D(50), D(10)),
        Known(days[2], D(166), D(0), D(0)),
    ]
    assert ended_with(points, D(1))[-1] == Point(START + timedelta(days=3), D(1), withdrawn=D(5))


def test_months_are_told_apart_and_whole_or_not():
    """From the end of 30 December: its last day, a whole January, a day of February."""
    values = [D(1), *[D("1.02")] * 32, D("1.071")]
    months = by_month(indexed(*values))
    assert [(m.year, m.month, m.rate, m.is_whole) for m in months] == [
        (2025, 12, D("0.02"), False),
        (2026, 1, D(0), True),
        (2026, 2, D("0.05"), False),
    ]


@given(st.lists(earned, min_size=2, max_size=120))
def test_months_multiply_to_the_whole(values):
    grown_ = indexed(*values)
    whole = prod((1 + Fraction(month.rate) for month in by_month(grown_)), start=Fraction(1))
    assert near(whole - 1, time_weighted(grown_))


def test_a_fall_is_below_its_peak_until_it_is_made_good():
    fall = deepest_fall(indexed(100, 120, 90, 96, 120, 119))
    assert fall is not None
    assert fall.depth == D("-0.25")
    days = [(day - START).days for day in (fall.peak_on, fall.trough_on, fall.recovered_on)]
    assert days == [1, 2, 4]
    still = deepest_fall(indexed(100, 80, 99))
    assert still is not None
    assert still.recovered_on is None
    assert deepest_fall(indexed(1, 1, 2)) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_the_deepest_fall_is_the_deepest_of_all_pairs(values):
    fall = deepest_fall(indexed(*values))
    assert near(0 if fall is None else fall.depth, deepest(values))
    if fall is not None:
        named = dict(zip((START + timedelta(days=n) for n in range(99)), values, strict=False))
        assert near(fall.depth, Fraction(named[fall.trough_on], named[fall.peak_on]) - 1)
        after = [named[day] for day in named if day > fall.trough_on]
        assert (fall.recovered_on is None) == all(v < named[fall.peak_on] for v in after)


def flows(*rows):
    return [Flow(START + timedelta(days=days), D(amount)) for days, amount in rows]


def test_a_year_is_365_days():
    """1,000 that are 1,100 after a year earned 10 %; after two years 4.88 % a year."""
    one = rate_of(flows((0, -1000), (365, 1100)))
    assert (one.rate, one.xirr, one.no_rate) == (D("0.1"), D("0.1"), None)
    two = rate_of(flows((0, -1000), (730, 1100)))
    assert two.rate == D("0.1")
    assert two.xirr == D("0.0488088482")  # the square root of 1.1


def test_when_money_came_counts():
    """500 at the start and 500 half way (91 of 182 days), 1,060 at the end."""
    told = rate_of(flows((0, -500), (91, -500), (182, 1060)))
    half = (-500 + (500**2 + 4 * 500 * 1060) ** 0.5) / 1000  # 500 x^2 + 500 x = 1060
    assert told.rate is not None
    assert abs(float(told.rate) - (half**2 - 1)) < 1e-9


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], NoRate.TOO_SHORT),
        ([(0, -5), (0, 7)], NoRate.TOO_SHORT),
        ([(0, 5), (9, 7)], NoRate.NOTHING_PUT_IN),
        ([(0, -5), (9, 0)], NoRate.NOTHING_LEFT),
        ([(0, -100), (1, 230), (2, -132)], NoRate.SEVERAL_RATES),  # 10 % and 20 % a day
        ([(0, -100), (1, 100), (2, -100)], NoRate.NO_RATE),
        ([(0, "-0.0000001"), (9, 700)], NoRate.NO_RATE),
    ],
)
def test_there_is_not_always_a_rate(rows, why):
    told = rate_of(flows(*rows))
    assert (told.rate, told.xirr, told.no_rate) == (None, None, why)


def test_a_short_span_has_no_absurd_year():
    told = rate_of(flows((0, -100), (1, 110)))
    assert (told.rate, told.xirr, told.no_rate) == (D("0.1"), None, None)


deposits = st.lists(st.tuples(st.integers(0, 700), st.integers(1, 90)), min_size=1, max_size=12)


@given(deposits, st.integers(-60, 150).map(lambda n: n / 100))
def test_the_rate_that_money_grew_at_is_found(put_in, yearly):
    end = grown(put_in, yearly, 800)
    told = rate_of(flows(*((day, -n) for day, n in put_in), (800, round(D(end), 8))))
    assert told.xirr is not None
    assert abs(float(told.xirr) - yearly) < 1e-6


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(-90, 90)), min_size=2, max_size=10))
def test_at_the_rate_all_flows_are_worth_nothing(given_):
    told = rate_of(flows(*given_))
    assume(told.rate is not None)
    days = [day for day, _ in given_]
    span = max(days) - min(days)
    left = [((max(days) - day) / span, amount) for day, amount in given_]
    assert abs(worth_at_the_end(left, told.rate)) <= 1e-3 * worth_at_the_end(
        [(share, abs(amount)) for share, amount in left], told.rate
    )


def test_what_comes_on_a_day_is_at_work_on_it():
    """1,000 and 500 at once, 1,650 after two days; 300 taken at the end of the first of them."""
    assert money_weighted(curve([(1000, 0, 0), (1500, 500, 0), (1650, 0, 0)])).rate == D("0.1")
    told = money_weighted(curve([(1000, 0, 0), (800, 0, 300), (880, 0, 0)]))
    assert told.rate is not None
    root = (300 + (300**2 + 4 * 1000 * 880) ** 0.5) / 2000  # 1000 x^2 = 300 x + 880
    assert abs(float(told.rate) - (root**2 - 1)) < 1e-9


@given(st.lists(earned, min_size=2, max_size=30))
def test_without_flows_both_returns_are_one(values):
    points = curve([(value, 0, 0) for value in values])
    ours, theirs = money_weighted(points).rate, time_weighted(growth(points))
    assert ours is not None
    assert near(ours, theirs, Fraction(1, 10**8))


def test_one_point_is_too_few():
    assert money_weighted(curve([(5, 0, 0)])).no_rate == NoRate.TOO_SHORT
    assert time_weighted(growth(curve([(5, 0, 0)]))) is None
    assert by_month(growth(curve([(5, 0, 0)]))) == []
    assert (gain([]), known([]), deepest_fall([]), by_month([])) == (0, [], None, [])


@given(stories, st.lists(st.integers(1, 50), min_size=40, max_size=40))
def test_the_comparison_holds_shares_of_the_same_money(days, prices):
    points = curve(days)
    by_day = {p.date: Fraction(price) for p, price in zip(points, prices, strict=False)}
    told = beside(points, by_day)
    clean = [(p.equity, p.deposited, p.withdrawn) for p in points]
    assert [each.value for each in told] == held_beside(clean, [by_day[p.date] for p in points])
    assert [each.index for each in told] == [by_day[p.date] / prices[0] for p in points]
    change = returned(told)
    assert change is not None
    assert near(change, Fraction(prices[len(points) - 1], prices[0]) - 1)


def test_a_comparison_starts_where_its_price_does():
    points = curve([(100, 0, 0), (200, 100, 0), (250, 0, 0)])
    told = beside(points, {points[1].date: Fraction(10), points[2].date: Fraction(11)})
    assert [(each.index, each.value) for each in told] == [
        (None, None),
        (1, 200),
        (Fraction(11, 10), 220),
    ]
    assert returned(told) == D("0.1")
    assert returned(told[:2]) is None


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("1W", "2026-03-25"),
        ("1M", "2026-03-01"),  # of 28 February's end
        ("3M", "2026-01-01"),
        ("6M", "2025-10-01"),
        ("YTD", "2026-01-01"),
        ("1Y", "2025-04-01"),
    ],
)
def test_periods_end_today(period, first):
    assert first_day(period, date(2026, 3, 31)) == date.fromisoformat(first)


def test_all_has_no_first_day_and_leap_days_are_days():
    assert first_day("All", START) is None
    assert first_day("1Y", date(2028, 2, 29)) == date(2027, 3, 1)
    assert {first_day(each, START) is None for each in PERIODS} == {True, False}
