"""Open orders over a split: the table of a blackboard, and what no rounding may do."""

from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.commission import CommissionSchedule
from bengi.terms import CommissionKind, Side
from instruments.splits import Ratio
from orders import splits
from orders.rules import reservation
from portfolios.lots import Pick

CENT = Decimal("0.01")
WORDS = {
    "limit": "limit_price",
    "stop": "stop_price",
    "most": "protection_price",
    "trail": "trail_price",
    "percent": "trail_percent",
    "mark": "high_water_mark",
}

# before | ratio | after, or what cannot stand. Ticks of 0.01, whole shares.
TABLE = """
buy  10 limit 643.33              | 7:1 | buy  70 limit 91.90
buy  10 limit 644.00              | 7:1 | buy  70 limit 92.00
sell 10 limit 656.01              | 7:1 | sell 70 limit 93.72
sell 10 stop 644.05               | 7:1 | sell 70 stop 92.00
buy  10 stop 651.00 most 677.04   | 7:1 | buy  70 stop 93.00 most 96.72
buy  10 stop 651.01 most 677.06   | 7:1 | buy  70 stop 93.01 most 96.72
sell 10 stop 640.00 limit 639.99  | 7:1 | sell 70 stop 91.42 limit 91.43
buy  10 stop 640.00 limit 639.99  | 7:1 | buy  70 stop 91.43 limit 91.42
sell 10 trail 10 mark 651.26 stop 641.26 | 7:1 | sell 70 trail 1.43 mark 93.03714285 stop 91.60
buy  10 trail 10 mark 644.49 stop 654.49 | 7:1 | buy  70 trail 1.43 mark 92.07 stop 93.50
buy  10 trail 10 mark 644.47 stop 654.47 | 7:1 | buy  70 trail 1.43 mark 92.06714286 stop 93.50
sell 10 percent 1 mark 651.26 stop 644.74 | 7:1 | sell 70 percent 1 mark 93.03714285 stop 92.10
sell 10                           | 7:1 | sell 70
buy  10 most 671.40               | 7:1 | buy  70 most 95.91
buy  5  limit 10.00               | 3:2 | buy  7  limit 6.66
sell 5  limit 10.00               | 3:2 | sell 7  limit 6.67
sell 1  limit 10.00               | 3:2 | sell 1  limit 6.67
buy  1  limit 0.06                | 7:1 | nothing
sell 1  stop 0.06                 | 7:1 | nothing
sell 1  trail 0.04 mark 0.05 stop 0.01 | 2:1 | nothing
buy  1  stop 0.30 most 0.32       | 7:1 | nothing
"""


def terms_of(text, subject):
    if text.strip() == "nothing":
        return None
    side, quantity, *words = text.split()
    prices = {
        WORDS[word]: Decimal(value) for word, value in zip(words[::2], words[1::2], strict=True)
    }
    return subject.OrderTerms(Side(side), Decimal(quantity), **prices)


def ratio_of(text):
    new, old = text.strip().split(":")
    return Ratio(int(new), int(old))


def compare_with_table(line, subject):
    before, ratio, after = line.split("|")
    found = subject.split_terms(
        terms_of(before, subject), ratio_of(ratio), tick_size=CENT, quantity_step=Decimal(1)
    )
    assert found == terms_of(after, subject)


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_the_table(line):
    compare_with_table(line, splits)


def compare_named_lots(subject):
    """Named lots shrink to whole steps, and the order with them."""
    picks = (Pick(UUID(int=1), Decimal(3)), Pick(UUID(int=2), Decimal(5)))
    before = subject.OrderTerms(Side.SELL, Decimal(8), limit_price=Decimal(10), picks=picks)
    found = subject.split_terms(before, Ratio(3, 2), tick_size=CENT, quantity_step=Decimal(1))
    assert found is not None
    assert [(pick.lot_id.int, pick.quantity) for pick in found.picks] == [(1, 4), (2, 7)]
    assert found.quantity == 11  # not the 12 of the whole


def test_named_lots_add_up_to_their_order():
    compare_named_lots(splits)


def test_a_reverse_split_adjusts_nothing():
    with pytest.raises(AssertionError):
        splits.split_terms(
            splits.OrderTerms(Side.SELL, Decimal(8)),
            Ratio(1, 10),
            tick_size=CENT,
            quantity_step=Decimal(1),
        )


prices = st.integers(1, 20_000).map(lambda cents: Decimal(cents) / 100)
ratios = st.sampled_from([Ratio(7, 1), Ratio(2, 1), Ratio(3, 2), Ratio(5, 3), Ratio(11, 10)])


@st.composite
def cases(draw):
    side = draw(st.sampled_from(list(Side)))
    limit, stop = draw(st.none() | prices), draw(st.none() | prices)
    most = draw(prices) if side is Side.BUY and limit is None else None
    quantity = draw(st.integers(1, 50).map(Decimal))
    return side, quantity, limit, stop, most, draw(ratios)


def compare_with_fractions(case, subject):
    """Nobody pays more, gets less or fires nearer than before, and by less than a tick."""
    side, quantity, limit, stop, most, ratio = case
    before = subject.OrderTerms(side, quantity, limit, stop, most)
    found = subject.split_terms(before, ratio, tick_size=CENT, quantity_step=Decimal(1))
    factor = Fraction(ratio.new, ratio.old)
    if found is None:
        told = [Fraction(price) / factor for price in (limit, stop, most) if price is not None]
        is_too_cheap = min(told) < Fraction(CENT)
        assert is_too_cheap or Fraction(stop) / factor > Fraction(most) / factor - 2 * Fraction(
            CENT
        )
        return
    assert 0 <= Fraction(quantity) * factor - Fraction(found.quantity) < 1
    for old, new, up in (
        (limit, found.limit_price, side is Side.SELL),
        (stop, found.stop_price, side is Side.BUY),
        (most, found.protection_price, False),
    ):
        if old is None:
            assert new is None
            continue
        moved = Fraction(new) - Fraction(old) / factor
        assert 0 <= (moved if up else -moved) < Fraction(CENT)
        assert new % CENT == 0


@given(cases())
def test_rounding_harms_nobody(case):
    compare_with_fractions(case, splits)


PER_SHARE = CommissionSchedule(
    CommissionKind.PER_SHARE,
    per_share=Decimal("0.005"),
    minimum=Decimal(1),
    maximum_rate=Decimal("0.01"),
)


def compare_affordable(case, subject):
    """By trying every size: the most whose reservation is within the cash."""
    price, quantity, cash = case
    found = subject.affordable_quantity(
        PER_SHARE, price, quantity, "USD", cash=cash, quantity_step=Decimal(1)
    )
    fits = [
        Decimal(n)
        for n in range(1, int(quantity) + 1)
        if reservation(PER_SHARE, price, Decimal(n), "USD") <= cash
    ]
    assert found == max(fits, default=0)


affordable_cases = st.tuples(
    st.integers(1, 500).map(lambda cents: Decimal(cents) / 100),
    st.integers(1, 60).map(Decimal),
    st.integers(0, 20_000).map(lambda cents: Decimal(cents) / 100),
)


@given(affordable_cases)
def test_an_order_wants_as_much_as_it_can_pay(case):
    compare_affordable(case, splits)


@given(cases())
def test_what_a_buy_reserved_is_enough_without_commission(case):
    """Price down and size down: the value reserved before covers the order in new shares."""
    side, quantity, limit, _, _, ratio = case
    assume(side is Side.BUY and limit is not None)
    before = splits.OrderTerms(side, quantity, limit)
    found = splits.split_terms(before, ratio, tick_size=CENT, quantity_step=Decimal(1))
    if found is not None:
        assert found.limit_price * found.quantity <= limit * quantity


def test_every_term_is_told_in_the_table():
    assert {field.name for field in fields(splits.OrderTerms)} == {
        *WORDS.values(),
        "side",
        "quantity",
        "picks",
    }
