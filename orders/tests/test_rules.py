"""Every risk rule on both sides of its edge, and reservations against random fills."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from accounts.commission import CommissionSchedule, Tier, commission_due
from bengi.terms import (
    AccountStatus,
    CommissionKind,
    InstrumentStatus,
    OrderType,
    Side,
    TimeInForce,
)
from orders.facts import AccountFacts, Facts, InstrumentFacts, QuoteFacts, SessionFacts, TicketFacts
from orders.rules import check_order, protection_price, reservation

D = Decimal
NOW = datetime(2026, 1, 5, 15, 30, tzinfo=UTC)
ZERO_FEES = CommissionSchedule(CommissionKind.ZERO)
FLAT = CommissionSchedule(CommissionKind.FLAT_RATE, rate=D("0.001"))
PER_SHARE = CommissionSchedule(
    CommissionKind.PER_SHARE,
    per_share=D("0.005"),
    minimum=D("1.00"),
    maximum_rate=D("0.01"),
)
TIERED = CommissionSchedule(
    CommissionKind.TIERED,
    minimum=D("0.35"),
    maximum_rate=D("0.01"),
    tiers=(Tier(D(20), D("0.0350")), Tier(D(60), D("0.0200")), Tier(None, D("0.0050"))),
    month_volume=D(10),
)
CUSTOM = CommissionSchedule(
    CommissionKind.CUSTOM, rate=D("0.002"), per_share=D("0.01"), minimum=D("0.50")
)
BUY = TicketFacts(Side.BUY, OrderType.LIMIT, TimeInForce.DAY, D(10), limit_price=D("100.00"))
SELL = replace(BUY, side=Side.SELL)
MARKET_BUY = TicketFacts(Side.BUY, OrderType.MARKET, TimeInForce.DAY, D(10))
MARKET_SELL = replace(MARKET_BUY, side=Side.SELL)
STOP_BUY = TicketFacts(Side.BUY, OrderType.STOP, TimeInForce.GTC, D(10), stop_price=D("105.00"))
STOP_LIMIT = replace(STOP_BUY, type=OrderType.STOP_LIMIT, limit_price=D("106.00"))
TRAIL = replace(STOP_BUY, type=OrderType.TRAILING_STOP, stop_price=None, trail_price=D("2.00"))
FACTS = Facts(
    ticket=BUY,
    instrument=InstrumentFacts(
        symbol="XYZ",
        currency="USD",
        status=InstrumentStatus.ACTIVE,
        tick_size=D("0.01"),
        quantity_step=D(1),
        has_feed=True,
    ),
    quote=QuoteFacts(bid=D("99.90"), ask=D("100.10"), last=D("100.00"), is_fresh=True),
    session=SessionFacts(now=NOW, opened_at=NOW - timedelta(hours=1)),
    account=AccountFacts(
        status=AccountStatus.ACTIVE,
        schedule=ZERO_FEES,
        buying_power=D(1_000_000),
        available_quantity=D(1_000_000),
        open_orders=0,
        open_orders_here=0,
    ),
)


def facts(ticket=BUY, *, instrument=None, quote=None, account=None, session=None):
    return replace(
        FACTS,
        ticket=ticket,
        instrument=replace(FACTS.instrument, **(instrument or {})),
        quote=replace(FACTS.quote, **(quote or {})),
        account=replace(FACTS.account, **(account or {})),
        session=replace(FACTS.session, **(session or {})),
    )


def found(facts):
    """Return {code: (status, field, details)} of what the rules say."""
    errors = check_order(facts)
    for error in errors:
        assert error.detail.endswith(".")
    return {error.code: (error.status, error.field, error.details) for error in errors}


@pytest.mark.parametrize(
    "ticket",
    [
        BUY,
        SELL,
        MARKET_BUY,
        MARKET_SELL,
        STOP_BUY,
        replace(STOP_BUY, side=Side.SELL, stop_price=D("95.00")),
        STOP_LIMIT,
        TRAIL,
        replace(TRAIL, side=Side.SELL),
        replace(TRAIL, trail_price=None, trail_percent=D("2.5")),
        replace(BUY, time_in_force=TimeInForce.GTC),
        replace(BUY, time_in_force=TimeInForce.IOC),
        replace(BUY, time_in_force=TimeInForce.FOK),
        replace(MARKET_BUY, time_in_force=TimeInForce.GTC),
        replace(MARKET_BUY, time_in_force=TimeInForce.IOC),
        replace(MARKET_BUY, time_in_force=TimeInForce.FOK),
    ],
    ids=str,
)
def test_good_orders_pass(ticket):
    assert check_order(facts(ticket)) == []


def test_account_must_be_active():
    assert found(facts(account={"status": AccountStatus.FROZEN})) == {
        "account_frozen": (403, None, {})
    }
    assert found(facts(account={"status": AccountStatus.CLOSED})) == {
        "forbidden": (403, None, {"account_status": "closed"})
    }


@pytest.mark.parametrize("status", [InstrumentStatus.HALTED, InstrumentStatus.DELISTED])
def test_instrument_must_be_tradable(status):
    assert found(facts(instrument={"status": status})) == {
        "symbol_halted": (422, "symbol", {"instrument_status": status.value})
    }


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_quantity_above_zero(quantity):
    assert found(facts(replace(BUY, quantity=D(quantity)))) == {
        "invalid_quantity": (400, "quantity", {"value": quantity})
    }


@pytest.mark.parametrize(
    ("ticket", "code", "field"),
    [
        (replace(BUY, limit_price=None), "missing_price", "limit_price"),
        (replace(BUY, stop_price=D(90)), "unexpected_price", "stop_price"),
        (replace(MARKET_BUY, limit_price=D(100)), "unexpected_price", "limit_price"),
        (replace(MARKET_BUY, stop_price=D(100)), "unexpected_price", "stop_price"),
        (replace(STOP_BUY, stop_price=None), "missing_price", "stop_price"),
        (replace(STOP_LIMIT, stop_price=None), "missing_price", "stop_price"),
        (replace(STOP_LIMIT, limit_price=None), "missing_price", "limit_price"),
        (replace(STOP_LIMIT, trail_price=D(1)), "unexpected_price", "trail_price"),
        (replace(TRAIL, trail_price=None), "missing_price", "trail_price"),
        (replace(TRAIL, trail_percent=D(2)), "unexpected_price", "trail_percent"),
        (replace(TRAIL, stop_price=D(99)), "unexpected_price", "stop_price"),
        (replace(BUY, trail_percent=D(2)), "unexpected_price", "trail_percent"),
        (replace(STOP_BUY, limit_price=D(100)), "unexpected_price", "limit_price"),
    ],
)
def test_price_shape(ticket, code, field):
    (error,) = check_order(facts(ticket))
    assert (error.code, error.status, error.field) == (code, 400, field)


@pytest.mark.parametrize(
    ("ticket", "field", "value"),
    [
        (replace(STOP_BUY, time_in_force=TimeInForce.IOC), "time_in_force", "ioc"),
        (replace(STOP_BUY, time_in_force=TimeInForce.FOK), "time_in_force", "fok"),
    ],
)
def test_combinations_not_offered(ticket, field, value):
    assert found(facts(ticket)) == {"unsupported_combination": (422, field, {"value": value})}


def test_no_stops_without_a_feed():
    assert found(facts(STOP_BUY, instrument={"has_feed": False})) == {
        "unsupported_combination": (422, "type", {"value": "stop"})
    }


@pytest.mark.parametrize("price", ["100.005", "0", "0.00"])
def test_limit_on_a_tick(price):
    details = found(facts(replace(BUY, limit_price=D(price)), quote={"last": None}))
    status, field, numbers = details["invalid_tick"]
    assert (status, field, numbers["limit"]) == (422, "limit_price", "0.01")
    assert D(numbers["value"]) == D(price)


def test_stop_on_a_tick():
    assert found(
        facts(replace(STOP_BUY, stop_price=D("105.03")), instrument={"tick_size": D("0.05")})
    ) == {"invalid_tick": (422, "stop_price", {"limit": "0.05", "value": "105.03"})}


def test_quantity_on_a_step():
    ticket = replace(BUY, quantity=D("1.5"))
    assert found(facts(ticket)) == {
        "invalid_step": (422, "quantity", {"limit": "1", "value": "1.5"})
    }
    assert found(facts(ticket, instrument={"quantity_step": D("0.1")})) == {}


@pytest.mark.parametrize(
    ("last", "lowest", "highest"),
    [("100.00", "90.00", "110.00"), ("5.00", "4.50", "5.50"), ("4.99", "4.00", "5.98")],
)
def test_limit_within_the_collar(last, lowest, highest):
    quote = {"last": D(last)}
    for price in (lowest, highest):
        assert found(facts(replace(BUY, limit_price=D(price)), quote=quote)) == {}
    for price in (D(lowest) - D("0.01"), D(highest) + D("0.01")):
        status, field, numbers = found(facts(replace(BUY, limit_price=price), quote=quote))[
            "price_collar"
        ]
        assert (status, field) == (422, "limit_price")
        assert D(numbers["value"]) == price
        assert abs(D(numbers["limit"][0]) - D(lowest)) < D("0.01")
        assert abs(D(numbers["limit"][1]) - D(highest)) < D("0.01")


def test_no_collar_without_a_last_price():
    assert found(facts(replace(BUY, limit_price=D(1)), quote={"last": None})) == {}


def test_stop_prices_have_no_collar():
    assert found(facts(replace(STOP_BUY, stop_price=D(200)))) == {}


def test_max_notional():
    assert found(facts(replace(BUY, quantity=D(2500)))) == {}
    assert found(facts(replace(BUY, quantity=D(2501)))) == {
        "max_notional": (422, "quantity", {"limit": "250000", "value": "250100"})
    }
    bids = found(facts(replace(MARKET_SELL, quantity=D(2503))))
    assert bids["max_notional"][2]["value"] == "250049.7"
    asks = found(facts(replace(MARKET_BUY, quantity=D(2498))))
    assert asks["max_notional"][2]["value"] == "250049.8"
    stops = found(facts(replace(STOP_BUY, quantity=D(2381))))
    assert stops["max_notional"][2]["value"] == "250005"


def test_max_quantity():
    cheap = {"last": D(1), "bid": D("0.99"), "ask": D("1.01")}
    ticket = replace(BUY, limit_price=D(1), quantity=D(100_000))
    assert found(facts(ticket, quote=cheap)) == {}
    assert found(facts(replace(ticket, quantity=D(100_001)), quote=cheap)) == {
        "max_quantity": (422, "quantity", {"limit": "100000", "value": "100001"})
    }


def test_open_orders():
    assert found(facts(account={"open_orders": 499, "open_orders_here": 19})) == {}
    assert found(facts(account={"open_orders": 20, "open_orders_here": 20})) == {
        "too_many_open_orders": (422, None, {"limit": 20, "value": 21})
    }
    assert found(facts(account={"open_orders": 500})) == {
        "too_many_open_orders": (422, None, {"limit": 500, "value": 501})
    }


@pytest.mark.parametrize("ticket", [MARKET_BUY, MARKET_SELL])
def test_market_orders_need_a_fresh_quote(ticket):
    assert found(facts(ticket, quote={"is_fresh": False})) == {"stale_quote": (422, "type", {})}
    unfed = {"has_feed": False}
    assert found(facts(ticket, quote={"is_fresh": False}, instrument=unfed)) == {}


@pytest.mark.parametrize(("ticket", "missing"), [(MARKET_BUY, "ask"), (MARKET_SELL, "bid")])
def test_market_orders_need_somebody_on_the_other_side(ticket, missing):
    assert found(facts(ticket, quote={missing: None})) == {"stale_quote": (422, "type", {})}


def test_limit_and_stop_orders_need_no_fresh_quote():
    nothing = {"bid": None, "ask": None, "last": None, "is_fresh": False}
    for ticket in (BUY, SELL, STOP_BUY):
        assert found(facts(ticket, quote=nothing)) == {}


def test_funds_for_a_limit_buy():
    exact = {"buying_power": D("1001.00"), "schedule": PER_SHARE}
    assert found(facts(account=exact)) == {}
    assert found(facts(account=exact | {"buying_power": D("1000.99")})) == {
        "insufficient_funds": (422, "quantity", {"needed": "1001", "available": "1000.99"})
    }


def test_funds_for_a_market_buy_are_reckoned_at_the_protection_price():
    exact = {"buying_power": D("1041.10")}
    assert found(facts(MARKET_BUY, account=exact)) == {}
    short = found(facts(MARKET_BUY, account={"buying_power": D("1041.09")}))
    assert short["insufficient_funds"][2] == {"needed": "1041.1", "available": "1041.09"}


def test_shares_for_a_sell():
    assert found(facts(SELL, account={"available_quantity": D(10), "buying_power": D(0)})) == {}
    assert found(facts(SELL, account={"available_quantity": D(9)})) == {
        "insufficient_position": (422, "quantity", {"needed": "10", "available": "9"})
    }


def test_every_failing_rule_is_told():
    ticket = replace(BUY, quantity=D("3000.5"), limit_price=D("120.005"))
    account = {"buying_power": D(5), "open_orders": 500, "open_orders_here": 20}
    errors = check_order(
        facts(ticket, account=account, instrument={"status": InstrumentStatus.HALTED})
    )
    assert [error.code for error in errors] == [
        "symbol_halted",
        "invalid_tick",
        "invalid_step",
        "max_notional",
        "too_many_open_orders",
        "too_many_open_orders",
        "price_collar",
        "insufficient_funds",
    ]


@pytest.mark.parametrize(
    ("ticket", "ask", "tick", "expected"),
    [
        (MARKET_BUY, "100.10", "0.01", "104.11"),
        (MARKET_BUY, "100.00", "0.01", "104.00"),
        (MARKET_BUY, "100.10", "0.05", "104.15"),
        (STOP_BUY, "100.10", "0.01", "109.20"),
        (STOP_BUY, "110.00", "0.01", "114.40"),
        (STOP_BUY, None, "0.01", "109.20"),
        (MARKET_BUY, None, "0.01", None),
        (MARKET_SELL, "100.10", "0.01", None),
        (BUY, "100.10", "0.01", None),
    ],
)
def test_protection_price(ticket, ask, tick, expected):
    price = protection_price(ticket, None if ask is None else D(ask), D(tick))
    assert price == (None if expected is None else D(expected))


def test_reservation_examples():
    assert reservation(ZERO_FEES, D("10.005"), D(1), "USD") == D("10.01")
    assert reservation(PER_SHARE, D("10.00"), D(100), "USD") == D("1001.00")
    assert reservation(FLAT, D(1000), D(3), "JPY") == D(3003)
    left = reservation(
        PER_SHARE,
        D("10.00"),
        D(60),
        "USD",
        filled_quantity=D(40),
        filled_value=D("398.00"),
        paid=D("399.00"),
    )
    assert left == D("600.00")


fills = st.lists(st.tuples(st.integers(1, 500), st.integers(0, 60)), min_size=1, max_size=8)


@settings(max_examples=2000, deadline=None)
@given(
    schedule=st.sampled_from([ZERO_FEES, FLAT, PER_SHARE, TIERED, CUSTOM]),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    price_cents=st.integers(1, 3000),
    fills=fills,
)
def test_no_sequence_of_fills_costs_more_than_was_reserved(schedule, currency, price_cents, fills):
    """fills: (hundredths of a share, percent under the bound)."""
    unit = {"USD": Fraction(1, 100), "JPY": Fraction(1), "KWD": Fraction(1, 1000)}[currency]
    bound = D(price_cents) / 100
    leaves = sum(D(hundredths) / 100 for hundredths, _ in fills)
    held = reservation(schedule, bound, leaves, currency)
    assert ceil(Fraction(bound) * Fraction(leaves) / unit) * unit <= Fraction(held)
    quantity = value = paid = D(0)
    for hundredths, percent in fills:
        quantity += D(hundredths) / 100
        leaves -= D(hundredths) / 100
        value += D(hundredths) / 100 * bound * (100 - percent) / 100
        gross = value.quantize(_quantum(unit), rounding=ROUND_HALF_EVEN)
        now_paid = gross + commission_due(schedule, quantity, value, currency)
        now_held = reservation(
            schedule,
            bound,
            leaves,
            currency,
            filled_quantity=quantity,
            filled_value=value,
            paid=now_paid,
        )
        assert now_held >= 0
        assert held - now_held >= now_paid - paid, "a fill spends more than it frees"
        held, paid = now_held, now_paid


def _quantum(unit):
    return D(unit.numerator) / D(unit.denominator)
