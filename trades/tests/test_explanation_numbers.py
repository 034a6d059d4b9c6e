"""The numbers behind the sentences: what a fill slipped, what an order cost, where it stands."""

from decimal import Decimal

import pytest

from bengi.terms import OrderStatus, Side
from trades.explanation.costs import Filled, costs_of
from trades.explanation.facts import facts_of, numbers_of
from trades.explanation.status import STATUSES, Standing, status_sentence
from trades.explanation.subject import gained
from trades.tests.steps_told import ACCEPTED, SHORT, fill, quote, step, subject

BUY, SELL = subject("buy"), subject("sell")


def test_what_a_fill_slipped_is_above_zero_where_it_was_worse():
    arrival = quote("99x1 101x1")
    bought = numbers_of(fill("60", "100"), BUY, arrival)
    assert (bought["against_quote"], bought["against_mid"]) == ("0", "0.01")
    assert bought["against_arrival"] == "0"
    sold = numbers_of(fill("60", "99.9"), SELL, quote("100x1 102x1"))
    assert (sold["against_quote"], sold["against_mid"]) == ("0.08", "0.09")
    assert sold["against_arrival"] == "1.1"
    blind = numbers_of(fill("60", "100", market="- 100x60"), BUY, None)
    assert (blind["against_mid"], blind["against_arrival"]) == (None, None)


def test_the_numbers_of_a_fill_for_people():
    facts = facts_of(fill("60", "100", quote_age_s=0.2, fees="0.05"), BUY, quote("99x1 101x1"))
    assert facts == [
        ("bid", "99.98 × 60"),
        ("ask", "100.00 × 60"),
        ("spread", "0.02, 2 bps"),
        ("quote age", "0.2 s"),
        ("rule", "best price first"),
        ("against the mid", "+0.01"),
        ("against the mid on arrival", "0.00"),
        ("commission", "1.00 USD"),
        ("fees", "0.05 USD"),
    ]


def test_the_numbers_of_an_acceptance_for_people():
    assert facts_of(step("accepted", **ACCEPTED), BUY, None)[0] == (
        "buying power",
        "10,000.00 USD → 4.00 USD",
    )
    assert facts_of(step("accepted", **ACCEPTED), SELL, None)[0] == ("ABC free", "10,000 → 4")


def test_a_reasons_numbers_are_the_steps():
    looked = step("look", code="not_marketable", numbers=SHORT)
    assert numbers_of(looked, BUY, None) == SHORT


def _filled(side, quantity, value, commission="1", fees="0"):
    return Filled(
        side=Side(side),
        currency="USD",
        quantity=Decimal(quantity),
        value=Decimal(value),
        average_price=Decimal(value) / Decimal(quantity) if Decimal(quantity) else None,
        commission=Decimal(commission),
        fees=Decimal(fees),
    )


# side, filled, for how much, market on arrival; amount, bps, half the spread, waiting, total, bps
# The first row is the order of the design: 60 at 141.90, 80 at 141.92, 40 at 141.95.
COSTS = """
buy   180  25545.60  141.88x500 141.90x60   5.40  2.1    1.80   3.60   6.40  2.5
buy   100   9995.00  99.98x60   100x60      -4.00 -4.0   1.00  -5.00  -3.00 -3.0
sell   10   1013.00  99.94x60   99.97x60    -13.45 -134.6 0.15 -13.60 -12.45 -124.6
sell   10    998.50  99.9x60    100.1x60     1.50  15.0  1.00   0.50   2.50 25.0
"""


@pytest.mark.parametrize("row", [line.split() for line in COSTS.strip().splitlines()])
def test_what_an_order_cost_to_trade(row):
    side, quantity, value, bid, ask, *expected = row
    costs = costs_of(_filled(side, quantity, value), quote(f"{bid} {ask}"))
    found = costs.shortfall
    numbers = (found.amount, found.bps, found.half_spread, found.waiting)
    assert [*numbers, found.total, found.total_bps] == [Decimal(each) for each in expected]
    assert found.half_spread + found.waiting == found.amount
    assert costs.gross_amount == Decimal(value)


@pytest.mark.parametrize("arrival", [None, quote("- 100x60"), quote("99x1 -")])
def test_without_a_middle_there_is_no_shortfall(arrival):
    costs = costs_of(_filled("buy", 10, 1000), arrival)
    assert (costs.shortfall, costs.commission) == (None, 1)


def test_what_has_not_filled_has_cost_nothing():
    costs = costs_of(_filled("buy", 0, 0, commission="0"), quote())
    assert (costs.shortfall, costs.gross_amount, costs.average_price) == (None, 0, None)


def _standing(status, filled="0", **more):
    average = None if filled == "0" else Decimal("99.95")
    known = {"reason": "", "quantity": Decimal(100), "filled_quantity": Decimal(filled)}
    return Standing(status=OrderStatus(status), average_price=average, **(known | more))


@pytest.mark.parametrize(
    ("standing", "sentence"),
    [
        (_standing("accepted"), "Accepted; the engine has not worked it yet."),
        (_standing("new"), "Working; nothing of 100 has filled yet."),
        (
            _standing("new", stop=Decimal(95)),
            "Asleep until a trade at 95.00; nothing of 100 has filled.",
        ),
        (_standing("held"), "Held until another order has filled or given way."),
        (
            _standing("partially_filled", "60"),
            "Working; 60 of 100 bought at 99.95 on average, 40 still wanted.",
        ),
        (
            _standing("pending_cancel", "60"),
            "Asked to be canceled; 60 of 100 bought at 99.95 on average.",
        ),
        (
            _standing("pending_replace"),
            "Asked to give way to another order; nothing of 100 has filled.",
        ),
        (
            _standing("filled", "100", took_s=Decimal("2.834")),
            "All 100 bought at 99.95 on average, 2.8 s after it was accepted.",
        ),
        (
            _standing("filled", "100", took_s=Decimal("0.006")),
            "All 100 bought at 99.95 on average, 6 ms after it was accepted.",
        ),
        (
            _standing("filled", "60", busted_quantity=Decimal(40), took_s=Decimal(1)),
            "Closed; 60 of 100 bought at 99.95 on average, 40 more were and have been taken back.",
        ),
        (
            _standing("filled", busted_quantity=Decimal(100)),
            "Closed; 100 of 100 had filled and have been taken back.",
        ),
        (
            _standing("partially_filled", "30", busted_quantity=Decimal(30)),
            (
                "Working; 30 of 100 bought at 99.95 on average, 30 more were and have been taken "
                "back, 40 still wanted."
            ),
        ),
        (_standing("filled", "100", took_s=Decimal(0)), "All 100 bought at 99.95 on average."),
        (
            _standing("canceled", "60", reason="Canceled on request."),
            "Canceled; 60 of 100 bought at 99.95 on average. Canceled on request.",
        ),
        (_standing("expired"), "Expired; nothing of 100 has filled."),
        (_standing("replaced"), "Replaced; nothing of 100 has filled."),
        (
            _standing("rejected", reason="Too late."),
            "Rejected; nothing of 100 has filled. Too late.",
        ),
    ],
)
def test_where_an_order_stands(standing, sentence):
    assert status_sentence(standing, BUY) == sentence


def test_every_status_has_a_sentence():
    assert set(STATUSES) == set(OrderStatus)


def test_gained_is_seen_from_the_customers_side():
    assert gained(BUY.side, Decimal(101), Decimal(100)) == 1
    assert gained(SELL.side, Decimal(101), Decimal(100)) == -1
