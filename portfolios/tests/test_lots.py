"""Closing lots: the worked example, the edges, and random sales against the naive queue."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bengi.terms import CostBasisMethod
from portfolios import lots
from portfolios.tests.naive_lots import NaiveLot, naive_sale

SUBJECT = SimpleNamespace(
    OpenLot=lots.OpenLot, close_lots=lots.close_lots, NotEnoughShares=lots.NotEnoughShares
)
UNITS = {"USD": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}
METHODS = [CostBasisMethod.FIFO, CostBasisMethod.LIFO, CostBasisMethod.HIFO]

_cents = st.integers(0, 3000)
sales = st.tuples(
    st.sampled_from(sorted(UNITS)),
    st.lists(st.tuples(st.integers(0, 8), _cents), min_size=1, max_size=5),
    st.lists(
        st.tuples(
            st.integers(1, 12),
            st.integers(-200, 6000),
            st.sampled_from([*METHODS, CostBasisMethod.AVERAGE]),
        ),
        min_size=1,
        max_size=5,
    ),
)
"""(currency, lots as (half shares, minor units), sales as (half shares, minor units, method))."""


@dataclass
class Held:
    """An open lot as the books keep it between sales."""

    quantity: Decimal
    cost: Decimal
    sold_quantity: Decimal = Decimal(0)
    sold_cost: Decimal = Decimal(0)

    def close(self, quantity, cost):
        self.quantity -= quantity
        self.cost -= cost
        self.sold_quantity += quantity
        self.sold_cost += cost

    def average(self):
        """Start anew: the lot's cost is its share of the whole holding's now."""
        self.sold_quantity = self.sold_cost = Decimal(0)


def sell_all(subject, case):
    """Make the sales one after another; each must agree with the naive queue."""
    currency, bought, sold = case
    unit = UNITS[currency]
    held, naive = {}, []
    for place, (halves, count) in enumerate(bought):
        cost = count * unit if halves else Decimal(0)
        held[UUID(int=place)] = Held(Decimal(halves) / 2, cost)
        naive.append(NaiveLot(UUID(int=place), Decimal(halves) / 2, cost))
    for halves, count, method in sold:
        quantity, proceeds = Decimal(halves) / 2, count * unit
        expected = naive_sale(method, naive, quantity, proceeds, unit)
        open_lots = [
            subject.OpenLot(lot_id, lot.quantity, lot.cost, lot.sold_quantity, lot.sold_cost)
            for lot_id, lot in held.items()
        ]
        if expected is None:
            with pytest.raises(subject.NotEnoughShares):
                subject.close_lots(method, open_lots, quantity, proceeds, currency)
            return
        sale = subject.close_lots(method, open_lots, quantity, proceeds, currency)
        assert [_row(closing) for closing in sale.closings] == expected
        for closing in sale.closings:
            assert closing.realized_pnl == closing.proceeds - closing.cost
            held[closing.lot_id].close(closing.quantity, closing.cost)
        for lot_id, shift in sale.shifts.items():
            held[lot_id].cost += shift
        for lot, twin in zip(held.values(), naive, strict=True):
            if method is CostBasisMethod.AVERAGE:
                lot.average()
            assert (lot.quantity, lot.cost) == (twin.left, twin.cost_left)
            assert lot.cost >= 0
            assert lot.quantity or not lot.cost, "an empty lot costs 0"


@settings(max_examples=2000, deadline=None)
@given(sales)
def test_sales_agree_with_the_naive_queue(case):
    """trading-rules, "Lots": FIFO, LIFO, HIFO and average, also one after the other."""
    sell_all(SUBJECT, case)


def test_worked_example():
    """80 of 100 @ 10.00 and 50 @ 12.00, bought with 1.00 commission each; then the rest."""
    first = lots.OpenLot(UUID(int=1), Decimal(100), Decimal("1001.00"))
    second = lots.OpenLot(UUID(int=2), Decimal(50), Decimal("601.00"))
    (sale,) = lots.close_fifo([first, second], Decimal(80), Decimal("1039.00"), "USD")
    assert (sale.cost, sale.proceeds, sale.realized_pnl) == (
        Decimal("800.80"),
        Decimal("1039.00"),
        Decimal("238.20"),
    )
    rest = lots.OpenLot(first.id, Decimal(20), Decimal("200.20"))
    old, new = lots.close_fifo([rest, second], Decimal(50), Decimal("649.00"), "USD")
    assert (old.lot_id, old.quantity, old.cost, old.proceeds) == (
        first.id,
        Decimal(20),
        Decimal("200.20"),
        Decimal("259.60"),
    )
    assert (new.lot_id, new.quantity, new.cost, new.proceeds) == (
        second.id,
        Decimal(30),
        Decimal("360.60"),
        Decimal("389.40"),
    )


def test_thirds_leave_the_remainder_in_the_lot_and_with_the_last_closing():
    thirds = [lots.OpenLot(UUID(int=place), Decimal(1), Decimal("3.33")) for place in range(3)]
    closings = lots.close_fifo(thirds, Decimal(3), Decimal("10.00"), "USD")
    assert [closing.proceeds for closing in closings] == [
        Decimal("3.33"),
        Decimal("3.33"),
        Decimal("3.34"),
    ]
    lot = lots.OpenLot(UUID(int=1), Decimal(3), Decimal("10.00"))
    (part,) = lots.close_fifo([lot], Decimal(1), Decimal("5.00"), "USD")
    assert part.cost == Decimal("3.33")


def test_a_half_cent_of_cost_goes_to_the_even_cent():
    for cost, expected in (("0.05", "0.02"), ("0.07", "0.04")):
        lot = lots.OpenLot(UUID(int=1), Decimal(2), Decimal(cost))
        (part,) = lots.close_fifo([lot], Decimal(1), Decimal("1.00"), "USD")
        assert part.cost == Decimal(expected)


def lot(place, quantity, cost, **more):
    return lots.OpenLot(UUID(int=place), Decimal(quantity), Decimal(cost), **more)


THREE = [lot(1, 10, "100.00"), lot(2, 10, "130.00"), lot(3, 10, "115.00")]


@pytest.mark.parametrize(
    ("method", "closed"),
    [
        ("fifo", [(1, 10, "100.00"), (2, 5, "65.00")]),
        ("lifo", [(3, 10, "115.00"), (2, 5, "65.00")]),
        ("hifo", [(2, 10, "130.00"), (3, 5, "57.50")]),
        ("average", [(1, 10, "115.00"), (2, 5, "57.50")]),
        ("specific", [(1, 10, "100.00"), (2, 5, "65.00")]),
    ],
)
def test_each_method_closes_its_own_lots(method, closed):
    """Three lots at 10.00, 13.00 and 11.50 a share; 15 are sold for 180.00."""
    sale = lots.close_lots(CostBasisMethod(method), THREE, Decimal(15), Decimal(180), "USD")
    found = [(c.lot_id.int, c.quantity, c.cost) for c in sale.closings]
    assert found == [(place, shares, Decimal(cost)) for place, shares, cost in closed]
    assert sum(c.proceeds for c in sale.closings) == 180


def test_an_average_cost_is_rounded_once_and_what_is_left_is_level():
    """345.00 for 30 shares: 7 sold cost 80.50; the 23 that are left keep 264.50 among them."""
    sale = lots.close_average(THREE, Decimal(7), Decimal(100), "USD")
    (closing,) = sale.closings
    assert (closing.quantity, closing.cost) == (7, Decimal("80.50"))
    left = {lot.id: lot.cost + sale.shifts.get(lot.id, 0) for lot in THREE}
    left[closing.lot_id] -= closing.cost
    assert list(left.values()) == [Decimal("34.50"), Decimal("115.00"), Decimal("115.00")]
    assert sum(sale.shifts.values()) == 0


def test_picks_are_closed_in_their_order_and_the_rest_oldest_first():
    picks = [lots.Pick(UUID(int=3), Decimal(4)), lots.Pick(UUID(int=2), Decimal(3))]
    sale = lots.close_lots(CostBasisMethod.LIFO, THREE, Decimal(9), Decimal(90), "USD", picks=picks)
    found = [(c.lot_id.int, c.quantity) for c in sale.closings]
    assert found == [(3, 4), (2, 3), (1, 2)]


def test_shares_that_other_orders_have_picked_are_left_alone():
    """A claimed share is not sold by anybody else, whatever the method."""
    claimed = [lot(1, 10, "100.00", claimed=Decimal(8)), lot(2, 10, "130.00")]
    (first, second) = lots.close_fifo(claimed, Decimal(5), Decimal(50), "USD")
    assert [(first.lot_id.int, first.quantity), (second.lot_id.int, second.quantity)] == [
        (1, 2),
        (2, 3),
    ]
    with pytest.raises(lots.NotEnoughShares):
        lots.close_fifo(claimed, Decimal(13), Decimal(50), "USD")


def test_partial_fills_take_picks_in_the_given_order():
    picks = [lots.Pick(UUID(int=3), Decimal(4)), lots.Pick(UUID(int=2), Decimal(3))]
    assert lots.picks_left(picks, Decimal(0), Decimal(7)) == picks
    assert lots.picks_left(picks, Decimal(1), Decimal(3)) == [lots.Pick(UUID(int=3), Decimal(3))]
    assert lots.picks_left(picks, Decimal(4), Decimal(3)) == [picks[1]]
    assert lots.picks_left(picks, Decimal(7), Decimal(0)) == []


def test_what_is_left_does_not_depend_on_how_the_others_went():
    """10.00 for 3 shares: after one is sold 6.67 is left, after two 3.33, in any steps."""
    whole = lot(1, 3, "10.00")
    (first,) = lots.close_fifo([whole], Decimal(1), Decimal(5), "USD")
    rest = lot(1, 2, "6.67", sold_quantity=Decimal(1), sold_cost=first.cost)
    (second,) = lots.close_fifo([rest], Decimal(1), Decimal(5), "USD")
    (both,) = lots.close_fifo([whole], Decimal(2), Decimal(10), "USD")
    assert (first.cost, second.cost) == (Decimal("3.33"), Decimal("3.34"))
    assert both.cost == first.cost + second.cost


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [
        ("2025-03-10", "2026-03-10", False),
        ("2025-03-10", "2026-03-11", True),
        ("2024-02-29", "2025-02-28", False),
        ("2024-02-29", "2025-03-01", True),
        ("2025-12-31", "2026-12-31", False),
        ("2025-12-31", "2027-01-01", True),
    ],
)
def test_long_term_is_more_than_a_year(opened, closed, expected):
    """IRS Publication 550: the holding period starts on the day after the purchase."""
    found = lots.is_long_term(date.fromisoformat(opened), date.fromisoformat(closed))
    assert found is expected


def test_not_enough_shares():
    lot = lots.OpenLot(UUID(int=1), Decimal(3), Decimal("10.00"))
    with pytest.raises(lots.NotEnoughShares, match="4 shares to close, 3 are there"):
        lots.close_fifo([lot], Decimal(4), Decimal("5.00"), "USD")
    with pytest.raises(lots.NotEnoughShares):
        lots.close_fifo([], Decimal(1), Decimal("5.00"), "USD")


def test_a_sale_of_nothing_is_a_bug():
    with pytest.raises(AssertionError):
        lots.close_fifo([], Decimal(0), Decimal(0), "USD")


def _row(closing):
    return (
        closing.lot_id,
        Fraction(closing.quantity),
        Fraction(closing.cost),
        Fraction(closing.proceeds),
    )
