"""Commission: the published examples, and random fills against fractions worked out by hand."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import commission
from accounts.commission import CommissionSchedule, Tier, commission_due
from accounts.tariff import SCHEDULES
from bengi.terms import CommissionKind

SUBJECT = SimpleNamespace(
    CommissionSchedule=CommissionSchedule,
    Tier=Tier,
    commission_due=commission_due,
)
UNITS = {"USD": Fraction(1, 100), "JPY": Fraction(1), "KWD": Fraction(1, 1000)}
FLAT = CommissionSchedule(CommissionKind.FLAT_RATE, rate=Decimal("0.001"))
PER_SHARE = CommissionSchedule(
    CommissionKind.PER_SHARE,
    per_share=Decimal("0.005"),
    minimum=Decimal("1.00"),
    maximum_rate=Decimal("0.01"),
)

orders = st.tuples(
    st.sampled_from(sorted(UNITS)),
    st.sampled_from([kind.value for kind in CommissionKind]),
    st.integers(0, 40),
    st.integers(0, 300),
    st.integers(0, 200),
    st.sampled_from([None, 5, 10, 100]),
    st.integers(1, 2000),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 100)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 300)), max_size=3),
    st.integers(0, 250),
)
"""(currency, kind, rate, per share, minimum, maximum rate, price bound, fills, tiers, volume).

Rates in 1/10000 and 1/1000 of value, amounts in cents, fills as (tenths of a share, percent off
the bound), tiers as (shares more than the tier before, per share); the last has no end.
"""


def fill_order(subject, case):
    """Fill the order step by step; check every running total and the bound on all of them."""
    currency, kind, rate, per_share, minimum, maximum, bound_cents, fills, tiers, volume = case
    ends = list(accumulate(width for width, _ in tiers))
    schedule = subject.CommissionSchedule(
        kind=CommissionKind(kind),
        rate=Decimal(rate) / 10_000,
        per_share=Decimal(per_share) / 1000,
        minimum=Decimal(minimum) / 100,
        maximum_rate=None if maximum is None else Decimal(maximum) / 1000,
        tiers=tuple(
            subject.Tier(None if place == len(tiers) - 1 else Decimal(end), Decimal(price) / 1000)
            for place, (end, (_, price)) in enumerate(zip(ends, tiers, strict=True))
        ),
        month_volume=Decimal(volume),
    )
    bound = Decimal(bound_cents) / 100
    quantity = value = paid = Decimal(0)
    for tenths, percent_off in fills:
        quantity += Decimal(tenths) / 10
        value += Decimal(tenths) / 10 * bound * (100 - percent_off) / 100
        due = subject.commission_due(schedule, quantity, value, currency)
        assert Fraction(due) == by_hand(case, Fraction(quantity), Fraction(value))
        assert due >= paid, "a fill never pays a negative commission"
        paid = due
    assert paid <= subject.commission_due(schedule, quantity, quantity * bound, currency)


def by_hand(case, quantity, value):
    """Return the commission in fractions, rounded half to even."""
    currency, kind, rate, per_share, minimum, maximum, _, _, tiers, volume = case
    amount = Fraction(0)
    if kind == "flat_rate":
        amount = value * rate / 10_000
    elif kind != "zero":
        amount = quantity * per_share / 1000
        if kind == "custom":
            amount += value * rate / 10_000
        elif kind == "tiered":
            amount = tier_by_tier(tiers, Fraction(volume), quantity)
        amount = max(amount, Fraction(minimum, 100))
        if maximum is not None and amount > value * maximum / 1000:
            amount = value * maximum / 1000
    count = amount / UNITS[currency]
    return round(count) * UNITS[currency]


def tier_by_tier(tiers, volume, quantity):
    """Walk through the tiers from the month's volume on, share by share where they meet."""
    amount, start = Fraction(0), Fraction(0)
    for place, (width, price) in enumerate(tiers):
        end = volume + quantity if place == len(tiers) - 1 else start + width
        shares = min(end, volume + quantity) - max(start, volume)
        amount += max(shares, Fraction(0)) * price / 1000
        start = end
    return amount


@settings(max_examples=2000, deadline=None)
@given(orders)
def test_running_commission_agrees_with_fractions(case):
    fill_order(SUBJECT, case)


@pytest.mark.parametrize(
    ("schedule", "quantity", "value", "due"),
    [
        (CommissionSchedule(CommissionKind.ZERO), "100", "10000.00", "0"),
        (FLAT, "100", "10000.00", "10.00"),
        (FLAT, "1", "12.50", "0.01"),
        (FLAT, "1", "25.00", "0.02"),
        (FLAT, "1", "35.00", "0.04"),
        (PER_SHARE, "1000", "50000.00", "5.00"),
        (PER_SHARE, "100", "5000.00", "1.00"),
        (PER_SHARE, "100", "50.00", "0.50"),
        (PER_SHARE, "1000", "250.00", "2.50"),
        (PER_SHARE, "0", "0", "0"),
    ],
)
def test_published_examples(schedule, quantity, value, due):
    assert commission_due(schedule, Decimal(quantity), Decimal(value), "USD") == Decimal(due)


def published(code, month_volume="0"):
    (schedule,) = [each for each in SCHEDULES if each.code == code]
    row = replace(schedule, tiers=[list(tier) for tier in schedule.tiers])
    return CommissionSchedule.of(row, Decimal(month_volume))


@pytest.mark.parametrize(
    ("code", "month_volume", "quantity", "value", "due"),
    [
        ("zero", "0", "100", "10000.00", "0"),
        ("flat-rate", "0", "100", "10000.00", "10.00"),
        ("per-share", "0", "1000", "50000.00", "5.00"),
        ("per-share", "0", "100", "5000.00", "1.00"),
        ("per-share", "0", "100", "50.00", "0.50"),
        ("tiered", "0", "1000", "50000.00", "3.50"),
        ("tiered", "0", "10", "5000.00", "0.35"),
        ("tiered", "0", "10", "20.00", "0.20"),
        ("tiered", "299000", "1000", "50000.00", "3.50"),
        ("tiered", "299500", "1000", "50000.00", "2.75"),
        ("tiered", "300000", "1000", "50000.00", "2.00"),
        ("tiered", "3000000", "1000", "50000.00", "1.50"),
        ("tiered", "20000000", "1000", "50000.00", "1.00"),
        ("tiered", "100000000", "1000", "50000.00", "0.50"),
    ],
)
def test_schedules_on_offer(code, month_volume, quantity, value, due):
    """trading-rules, "Costs, dated": zero, flat, per share and tiered, at the edges of tiers."""
    schedule = published(code, month_volume)
    assert commission_due(schedule, Decimal(quantity), Decimal(value), "USD") == Decimal(due)


@pytest.mark.parametrize(
    ("code", "month_volume", "price"),
    [("per-share", "7", "0.005"), ("tiered", "299999", "0.0035"), ("tiered", "300000", "0.002")],
)
def test_the_next_share_costs_the_price_of_its_tier(code, month_volume, price):
    assert published(code, month_volume).next_per_share == Decimal(price)


def test_tiers_are_read_strictly():
    rows = [["100", "0.01"], ["250.5", "0.005"], [None, "0"]]
    assert [tier.up_to for tier in commission.read_tiers(rows)] == [100, Decimal("250.5"), None]
    for wrong in (
        None,
        [],
        [["100", "0.01"]],
        [[None, "0.01"], [None, "0.005"]],
        [["200", "0.01"], ["100", "0.005"], [None, "0"]],
        [["1e2", "0.01"], [None, "0"]],
        [[None, "-1"]],
        ["ab"],
    ):
        with pytest.raises(ValueError):
            commission.read_tiers(wrong)


def test_yen_have_no_cents():
    assert commission_due(FLAT, Decimal(1), Decimal(2500), "JPY") == 2
    assert commission_due(FLAT, Decimal(1), Decimal(3500), "JPY") == 4


def test_the_minimum_is_paid_once_per_order():
    first = commission_due(PER_SHARE, Decimal(10), Decimal(500), "USD")
    second = commission_due(PER_SHARE, Decimal(20), Decimal(1000), "USD")
    assert (first, second - first) == (Decimal("1.00"), Decimal(0))


def test_a_schedule_is_read_from_anything_with_its_numbers():
    row = SimpleNamespace(
        kind="per_share",
        rate=Decimal(0),
        per_share=Decimal("0.005"),
        minimum=Decimal("1.00"),
        maximum_rate=Decimal("0.01"),
        tiers=[["100", "0.01"], [None, "0.005"]],
    )
    tiers = (Tier(Decimal(100), Decimal("0.01")), Tier(None, Decimal("0.005")))
    expected = replace(PER_SHARE, tiers=tiers, month_volume=Decimal(7))
    assert CommissionSchedule.of(row, Decimal(7)) == expected


def test_negative_numbers_are_a_bug():
    with pytest.raises(AssertionError):
        CommissionSchedule(CommissionKind.FLAT_RATE, rate=Decimal("-0.001"))
    with pytest.raises(AssertionError):
        commission.commission_due(FLAT, Decimal(1), Decimal(-1), "USD")
