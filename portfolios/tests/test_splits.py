"""Splits of holdings: tables worked out by hand, and exact fractions as an oracle."""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bengi.terms import CostBasisMethod
from instruments.splits import Ratio
from portfolios import splits
from portfolios.lots import OpenLot, close_lots

QUANTUM = Fraction(1, 10**8)

# lots as left/bought@cost | ratio | step | holding | excess | lots as left@cost afterwards
TABLE = """
100/100@64557.00                  | 7:1   | 1    | 700  | 0          | 700@64557.00
30/30@19400.50 70/100@45000.00    | 7:1   | 1    | 700  | 0          | 210@19400.50 490@45000.00
5/5@50.00                         | 3:2   | 1    | 7    | 0.5        | 7.5@50.00
5/5@50.00 5/5@70.00               | 3:2   | 1    | 15   | 0          | 7.5@50.00 7.5@70.00
105/105@210.00                    | 1:10  | 1    | 10   | 0.5        | 10.5@210.00
9/9@18.00                         | 1:10  | 1    | 0    | 0.9        | 0.9@18.00
1/1@1 1/1@2 1/1@3 | 1:3 | 1 | 1 | 0 | 0.33333333@1 0.33333333@2 0.33333334@3
2/2@9.99                          | 1:3   | 1    | 0    | 0.66666666 | 0.66666666@9.99
0.5/0.5@10.00                     | 5:4   | 0.1  | 0.6  | 0.025      | 0.625@10.00
0.00000004/0.00000004@0.01 1/1@7.00 | 1:10 | 0.00000001 | 0.1 | 0 | 0@0 0.1@7.01
"""


def parse(text):
    lots = []
    for place, word in enumerate(text.split()):
        shares, cost = word.split("@")
        left, bought = shares.split("/")
        lots.append((UUID(int=place), Decimal(bought), Decimal(left), Decimal(cost)))
    return lots


def ratio_of(text):
    new, old = text.strip().split(":")
    return Ratio(int(new), int(old))


def compare_with_table(line, subject):
    held, ratio, step, quantity, excess, after = (part.strip() for part in line.split("|"))
    lots = [subject.HeldLot(*values) for values in parse(held)]
    found = subject.split_holding(lots, ratio_of(ratio), Decimal(step))
    assert (found.quantity, found.excess) == (Decimal(quantity), Decimal(excess))
    told = [(new.left, lot.cost + new.shift) for lot, new in zip(lots, found.lots, strict=True)]
    assert told == [tuple(Decimal(part) for part in word.split("@")) for word in after.split()]


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_the_table(line):
    compare_with_table(line, splits)


FRACTIONS = """
0.5  | 92.2242857142 | USD | 46.11
0.9  | 20            | USD | 18.00
1/3  | 0.03          | USD | 0.01
1/2  | 0.01          | USD | 0.00
1/2  | 0.03          | USD | 0.02
2/3  | 1000          | JPY | 667
"""


def compare_cash(line, subject):
    fraction, price, currency, cash = (part.strip() for part in line.split("|"))
    found = subject.cash_in_lieu(Fraction(fraction), Fraction(price), currency)
    assert found == Decimal(cash)


@pytest.mark.parametrize("line", FRACTIONS.strip().splitlines())
def test_cash_in_lieu_is_rounded_once_to_the_even_cent(line):
    compare_cash(line, splits)


amounts = st.integers(0, 20_000).map(lambda cents: Decimal(cents) / 100)
steps = st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.001")])
ratios = st.sampled_from(
    [Ratio(*pair) for pair in [(7, 1), (2, 1), (3, 2), (5, 4), (4, 3), (1, 7), (1, 3), (2, 5)]]
)


@st.composite
def holdings(draw):
    """Return lots in whole steps, some partly sold, and a ratio."""
    step = draw(steps)
    lots = []
    for place in range(draw(st.integers(1, 6))):
        left, sold = draw(st.integers(1, 9)), draw(st.integers(0, 3))
        lots.append((UUID(int=place), step * (left + sold), step * left, draw(amounts)))
    return lots, draw(ratios), step


def compare_with_fractions(case, subject):
    """Shares are the exact product, cut once for the holding; cost is what it was."""
    values, ratio, step = case
    lots = [subject.HeldLot(*each) for each in values]
    found = subject.split_holding(lots, ratio, step)
    exact = [Fraction(left) * ratio.new / ratio.old for _, _, left, _ in values]
    whole = sum(exact)
    assert Fraction(found.quantity) == whole // Fraction(step) * Fraction(step)
    assert found.fraction == whole - Fraction(found.quantity)
    assert Fraction(found.excess) == found.fraction // QUANTUM * QUANTUM
    assert sum(new.left for new in found.lots) == found.quantity + found.excess
    assert sum(lot.cost + new.shift for lot, new in zip(lots, found.lots, strict=True)) == sum(
        cost for *_, cost in values
    )
    for lot, new, share in zip(lots, found.lots, exact, strict=True):
        assert abs(Fraction(new.left) - share) <= QUANTUM
        assert new.left <= new.quantity
        assert (new.left == new.quantity) == (lot.left == lot.quantity)
        bought = Fraction(lot.quantity) * ratio.new / ratio.old
        assert abs(Fraction(new.quantity) - bought) <= QUANTUM


@given(holdings())
def test_a_split_is_the_exact_product_cut_once(case):
    compare_with_fractions(case, splits)


def chain(case, subject):
    """Split again and again; after each, what is left over is closed for what it is worth."""
    values, chosen, method, step = case
    lots = {each[0]: list(each[1:]) for each in values}  # bought, left, cost
    cost = sum(each[3] for each in values)
    oracle = sum((Fraction(each[2]) for each in values), Fraction(0))
    closed = Decimal(0)
    for ratio in chosen:
        open_ids = [key for key, lot in lots.items() if lot[1]]
        held = [subject.HeldLot(key, *lots[key]) for key in open_ids]
        if not held:
            break
        found = subject.split_holding(held, ratio, step)
        for new in found.lots:
            lots[new.id] = [new.quantity, new.left, lots[new.id][2] + new.shift]
        if found.excess:
            there = [OpenLot(key, lot[1], lot[2]) for key, lot in lots.items() if lot[1]]
            sale = close_lots(method, there, found.excess, Decimal(0), "USD")
            for key, shift in sale.shifts.items():
                lots[key][2] += shift
            for closing in sale.closings:
                lots[closing.lot_id][1] -= closing.quantity
                lots[closing.lot_id][2] -= closing.cost
                closed += closing.cost
        oracle = oracle * ratio.new / ratio.old // Fraction(step) * Fraction(step)
        assert sum(Fraction(lot[1]) for lot in lots.values()) == oracle
        assert sum(lot[2] for lot in lots.values()) + closed == cost
        assert all(lot[1] or not lot[2] for lot in lots.values())


chains = st.tuples(
    st.lists(st.tuples(st.integers(1, 40), amounts), min_size=1, max_size=4).map(
        lambda lots: [
            (UUID(int=n), Decimal(shares), Decimal(shares), cost)
            for n, (shares, cost) in enumerate(lots)
        ]
    ),
    st.lists(ratios, min_size=1, max_size=5),
    st.sampled_from(list(CostBasisMethod)),
    st.just(Decimal(1)),
)


@given(chains)
def test_a_chain_of_splits_neither_makes_nor_loses_a_cent(case):
    chain(case, splits)


def test_the_example_of_the_issue_comes_out_exactly():
    """A 3:2 after a 1:7 after a 7:1: 100 shares are 700, 100, 150, and cost what they did."""
    lots = [splits.HeldLot(UUID(int=1), Decimal(100), Decimal(100), Decimal("64557.01"))]
    for ratio, after in ((Ratio(7, 1), 700), (Ratio(1, 7), 100), (Ratio(3, 2), 150)):
        found = splits.split_holding(lots, ratio, Decimal(1))
        assert (found.quantity, found.excess) == (after, 0)
        (new,) = found.lots
        lots = [splits.HeldLot(new.id, new.quantity, new.left, lots[0].cost + new.shift)]
    assert lots[0].cost == Decimal("64557.01")
