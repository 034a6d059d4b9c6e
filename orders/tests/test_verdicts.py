"""Every check with its verdict: the rules judge, the checks only tell the numbers."""

from collections import Counter
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bengi.terms import AccountStatus, InstrumentStatus, OrderType, Side, TimeInForce
from orders.check_words import LABELS, check_lines
from orders.facts import TicketFacts
from orders.notional import sized
from orders.rules import check_order
from orders.tests.test_rules import (
    BUY,
    FACTS,
    MARKET_BUY,
    MARKET_SELL,
    SELL,
    STOP_BUY,
    STOP_LIMIT,
    TRAIL,
    facts,
)
from orders.verdicts import verdicts
from portfolios.lots import Pick

D = Decimal
LOT = UUID(int=1)


def judged(asked):
    return verdicts(asked, check_order(asked))


def failed(asked):
    return [(v.code, v.field, v.limit, v.value) for v in judged(asked) if not v.passed]


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        (facts(BUY), []),
        (facts(account={"status": AccountStatus.FROZEN}), [("account", "active", "frozen")]),
        (facts(account={"status": AccountStatus.CLOSED}), [("account", "active", "closed")]),
        (facts(instrument={"status": InstrumentStatus.HALTED}), [("symbol", "active", "halted")]),
        (facts(replace(BUY, limit_price=D("100.005"))), [("limit_price", "0.01", "100.005")]),
        (facts(replace(BUY, quantity=D("1.5"))), [("quantity", "1", "1.5")]),
        (facts(account={"open_orders_here": 20}), [("symbol", "20", "21")]),
        (facts(account={"open_orders": 500}), [("account", "500", "501")]),
        (facts(replace(BUY, limit_price=D(120))), [("limit_price", ["90", "110"], "120")]),
        (facts(MARKET_BUY, quote={"is_fresh": False}), [("type", "fresh", "stale")]),
        (facts(MARKET_BUY, quote={"ask": None}), [("type", "fresh", "one-sided")]),
        (facts(MARKET_SELL, quote={"bid": None}), [("type", "fresh", "one-sided")]),
        (facts(account={"buying_power": D(999)}), [("quantity", "999", "1000")]),
        (facts(SELL, account={"available_quantity": D(9)}), [("quantity", "9", "10")]),
        (
            facts(replace(TRAIL, side=Side.SELL, trail_price=D(100))),
            [("stop_price", "0", "0")],
        ),
        (
            facts(replace(TRAIL, side=Side.SELL, trail_price=None, trail_percent=D(100))),
            [("stop_price", "0", "0")],
        ),
    ],
)
def test_a_check_that_fails_has_the_limit_and_the_value(asked, wrong):
    assert [numbers for _, *numbers in failed(asked)] == [list(each) for each in wrong]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"notional": D(1500)}, ("insufficient_funds", "quantity", "1000", "1500")),
        ({"side": Side.SELL}, ("insufficient_position", "quantity", "0", "5")),
        ({"notional": D(250_001)}, ("max_notional", "quantity", "250000", "250001")),
    ],
)
def test_what_an_amount_fails_is_told_once(change, wrong):
    ticket = replace(MARKET_BUY, quantity=D(0), notional=D(500))
    account = {"buying_power": D(1000), "available_quantity": D(0)}
    asked = sized(
        facts(replace(ticket, **change), instrument={"quantity_step": D(1)}, account=account)
    )
    assert wrong in failed(asked)
    assert len({code for code, *_ in failed(asked)}) == len(failed(asked))


def test_what_no_check_has_numbers_for_stands_with_the_errors_own():
    picking = replace(SELL, lots=(Pick(LOT, D(10)),))
    asked = facts(picking, account={"available_lots": {LOT: D(4)}})
    assert failed(asked) == [("insufficient_position", "lots", "4", "10")]
    late = facts(replace(BUY, time_in_force=TimeInForce.OPG))
    assert failed(late) == [("opening_is_over", "time_in_force", None, None)]


def test_of_a_ticket_that_cannot_be_read_only_its_standing_is_told():
    asked = facts(replace(BUY, limit_price=None))
    assert [(v.code, v.passed) for v in judged(asked)] == [
        ("account_frozen", True),
        ("symbol_halted", True),
        ("missing_price", False),
    ]


PRICES = st.sampled_from([None, D("0.5"), D("4.99"), D(90), D("100.005"), D("100.10"), D(130)])
SIZES = st.sampled_from([D(0), D("0.5"), D(1), D(10), D(2_600), D(100_001)])


@st.composite
def cases(draw):
    ticket = TicketFacts(
        side=draw(st.sampled_from(Side)),
        type=draw(st.sampled_from(OrderType)),
        time_in_force=draw(st.sampled_from(TimeInForce)),
        quantity=draw(SIZES),
        limit_price=draw(PRICES),
        stop_price=draw(PRICES),
        trail_price=draw(PRICES),
        trail_percent=draw(st.sampled_from([None, D(2), D(150)])),
    )
    return facts(
        ticket,
        instrument={
            "has_feed": draw(st.booleans()),
            "status": draw(st.sampled_from(InstrumentStatus)),
        },
        quote={
            "bid": draw(PRICES),
            "ask": draw(PRICES),
            "last": draw(PRICES),
            "is_fresh": draw(st.booleans()),
        },
        account={
            "status": draw(st.sampled_from(AccountStatus)),
            "buying_power": draw(st.sampled_from([D(0), D(1_000), D(1_000_000)])),
            "available_quantity": draw(SIZES),
            "open_orders": draw(st.sampled_from([0, 499, 500])),
            "open_orders_here": draw(st.sampled_from([0, 19, 20])),
        },
    )


def holds(verdict) -> bool:
    """Judge one check by its numbers alone."""
    limit, value = verdict.limit, verdict.value
    if isinstance(limit, list):
        return D(limit[0]) <= D(value) <= D(limit[1])
    if not limit[0].isdigit():
        return limit == value
    if verdict.code in {"invalid_tick", "invalid_step"}:
        return D(value) % D(limit) == 0
    return D(value) > D(limit) if verdict.code == "invalid_trail" else D(value) <= D(limit)


@given(cases())
def test_each_error_fails_one_check_and_the_numbers_agree(asked):
    errors = check_order(asked)
    found = verdicts(asked, errors)
    codes = {"forbidden": "account_frozen"}
    wrong = Counter(v.code if v.limit != "active" else "status" for v in found if not v.passed)
    said = Counter(
        "status" if e.code in {*codes, "account_frozen", "symbol_halted"} else e.code
        for e in errors
    )
    assert wrong == said
    for verdict in found:
        if verdict.limit is not None and verdict.value is not None and verdict.field != "lots":
            assert holds(verdict) is verdict.passed, verdict


# --- in words


def test_every_check_has_words():
    asked = [BUY, SELL, MARKET_BUY, STOP_BUY, STOP_LIMIT, TRAIL]
    told = {(v.code, v.field) for ticket in asked for v in judged(replace(FACTS, ticket=ticket))}
    assert told == set(LABELS)


def test_checks_in_words():
    lines = check_lines(
        [
            {"code": "price_collar", "field": "limit_price", "limit": ["90", "110"], "value": "9"},
            {"code": "max_notional", "field": "quantity", "limit": "250000", "value": "1000.5"},
            {"code": "symbol_halted", "field": "symbol", "limit": "active", "value": "active"},
            {
                "code": "opening_is_over",
                "field": "x",
                "limit": None,
                "value": None,
                "passed": False,
            },
        ]
    )
    assert [(line.label, line.limit, line.value, line.passed) for line in lines] == [
        ("Limit price within", "90 to 110", "9", True),
        ("Value at most", "250,000", "1,000.5", True),
        ("The instrument must be", "active", "active", True),
        ("Opening is over", "", "", False),
    ]
