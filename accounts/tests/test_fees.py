"""Regulatory fees of US sales: golden tables at the edges of their dates, and random fills."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import fees
from accounts.fees import Sold
from accounts.tariff import RATES, SEC, TAF, PublishedRate

D = Decimal
SUBJECT = SimpleNamespace(regulatory_fees=fees.regulatory_fees, Sold=fees.Sold)

GOLDEN = """
day        | quantity | value      | SEC   | TAF
2013-10-07 |     1000 |   50000.00 |  0    |  0
2024-12-31 |     1000 |   50000.00 |  0    |  0
2025-01-01 |     1000 |   50000.00 |  0    |  0.17
2025-12-31 |     1000 |   50000.00 |  0    |  0.17
2025-12-31 |    50000 |  900000.00 |  0    |  8.30
2025-12-31 |    50001 |  900000.00 |  0    |  8.30
2026-01-01 |     1000 |   50000.00 |  0    |  0.20
2026-01-01 |    50000 |  900000.00 |  0    |  9.75
2026-01-01 |    50205 |  900000.00 |  0    |  9.79
2026-01-01 |    99999 |  900000.00 |  0    |  9.79
2026-04-03 |     1000 | 1000000.00 |  0    |  0.20
2026-04-04 |     1000 | 1000000.00 | 20.60 |  0.20
2026-04-04 |        1 |       0.01 |  0.01 |  0.01
2026-04-04 |        1 |     485.43 |  0.01 |  0.01
2026-04-04 |        1 |     485.44 |  0.02 |  0.01
2026-12-31 |    10000 |  100000.00 |  2.06 |  1.95
2027-01-01 |    10000 |  100000.00 |  2.06 |  2.32
2027-12-31 |    99999 |  100000.00 |  2.06 | 11.61
2028-01-01 |    10000 |  100000.00 |  2.06 |  2.40
2028-01-01 |    99999 |  100000.00 |  2.06 | 12.05
"""


def golden():
    for line in GOLDEN.strip().splitlines()[1:]:
        day, quantity, value, sec, taf = (cell.strip() for cell in line.split("|"))
        yield date.fromisoformat(day), D(quantity), D(value), D(sec), D(taf)


def rates_of(code):
    return [rate for rate in RATES if rate.code == code]


@pytest.mark.parametrize(("day", "quantity", "value", "sec", "taf"), list(golden()))
def test_published_rates_at_the_edges_of_their_days(day, quantity, value, sec, taf):
    """trading-rules, "Costs, dated": SEC section 31 and FINRA TAF, rounded up to the cent, once."""
    sold = [Sold(day, quantity, value)]
    assert fees.regulatory_fees(rates_of(SEC), sold, "USD") == sec
    assert fees.regulatory_fees(rates_of(TAF), sold, "USD") == taf
    assert fees.regulatory_fees(RATES, sold, "USD") == sec + taf


def test_nothing_is_owed_before_the_first_fill():
    assert fees.regulatory_fees(RATES, [], "USD") == 0
    assert fees.in_force(rates_of(TAF)[1:], date(2024, 12, 31)) is None


def test_each_share_pays_the_rate_of_its_own_day():
    """An order that sells on 2026-04-03 and -04 owes section 31 on the second day's value only."""
    sold = [Sold(date(2026, 4, 3), D(100), D(500_000)), Sold(date(2026, 4, 4), D(100), D(500_000))]
    assert fees.regulatory_fees(rates_of(SEC), sold, "USD") == D("10.30")


FIRST = date(2026, 1, 1)
games = st.tuples(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.integers(0, 4),
            st.integers(0, 3000),
            st.integers(0, 300),
            st.sampled_from([None, 1, 7, 40]),
        ),
        max_size=5,
        unique_by=lambda rate: rate[:2],
    ),
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 40), st.integers(1, 60_000)),
        min_size=1,
        max_size=6,
    ),
)
"""(rates, fills): rates as (code, day, per million in cents, per share in 1/10000, cap in cents),
fills as (day, shares, value in cents); days from FIRST on."""


def play_fees(subject, game):
    """Add fill after fill; every running total must be the one worked out in fractions."""
    given_rates, fills = game
    rates = [
        PublishedRate(
            code,
            FIRST + timedelta(days=day),
            per_million=D(per_million) / 100,
            per_share=D(per_share) / 10_000,
            cap=None if cap is None else D(cap) / 100,
        )
        for code, day, per_million, per_share, cap in given_rates
    ]
    sold = []
    for place, (day, shares, cents) in enumerate(sorted(fills), start=1):
        sold.append(subject.Sold(FIRST + timedelta(days=day), D(shares), D(cents) / 100))
        due = subject.regulatory_fees(rates, sold, "USD")
        assert Fraction(due) == by_hand(given_rates, sorted(fills)[:place])
    whole = {}
    for day, shares, cents in fills:
        there, worth = whole.get(day, (0, 0))
        whole[day] = (there + shares, worth + cents)
    together = [
        subject.Sold(FIRST + timedelta(days=day), D(shares), D(cents) / 100)
        for day, (shares, cents) in whole.items()
    ]
    assert subject.regulatory_fees(rates, together, "USD") == due, "fills change nothing"


def by_hand(rates, fills):
    """Return the fees in cents' fractions: each code's sum, capped, then up to a whole cent."""
    cents = 0
    for code in ("a", "b"):
        amount, cap = Fraction(0), None
        for day, shares, value in fills:
            counting = [rate for rate in rates if rate[0] == code and rate[1] <= day]
            if counting:
                _, _, per_million, per_share, cap = max(counting, key=lambda rate: rate[1])
                amount += Fraction(per_million * value, 100 * 1_000_000)
                amount += Fraction(per_share * shares, 100)
        cents += ceil(amount if cap is None else min(amount, cap))
    return Fraction(cents, 100)


@settings(max_examples=500, deadline=None)
@given(games)
def test_any_fills_sum_up_to_the_formula_once(game):
    play_fees(SUBJECT, game)
