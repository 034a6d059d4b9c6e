"""What a ticket with legs may ask for, each rule on both sides of its edge."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bengi.terms import Leg, OrderClass, OrderType, Side, TimeInForce
from orders.group_rules import check_ticket, legs_of
from orders.legs import StopLoss, TakeProfit
from orders.tests.test_rules import BUY, MARKET_BUY, STOP_BUY, STOP_LIMIT, TRAIL, facts

D = Decimal
PROFIT, LOSS = TakeProfit(D("110.00")), StopLoss(stop_price=D("95.00"))
BRACKET = replace(BUY, order_class=OrderClass.BRACKET, take_profit=PROFIT, stop_loss=LOSS)
OTO = replace(BRACKET, order_class=OrderClass.OTO, take_profit=None)
OCO = replace(
    BRACKET,
    side=Side.SELL,
    order_class=OrderClass.OCO,
    limit_price=PROFIT.limit_price,
    leg=Leg.TAKE_PROFIT,
)


def found(ticket, **parts):
    """Return [(field, code, status)] of what the rules say."""
    errors = check_ticket(facts(ticket, **parts))
    assert all(error.detail.endswith(".") for error in errors)
    return [(error.field, error.code, error.status) for error in errors]


def loss(**prices):
    return StopLoss(**{name: D(price) for name, price in prices.items()})


@pytest.mark.parametrize(
    "ticket",
    [
        BRACKET,
        replace(BRACKET, order_class=OrderClass.OTOCO),
        replace(BRACKET, time_in_force=TimeInForce.GTC),
        replace(BRACKET, stop_loss=loss(stop_price="95", limit_price="94")),
        replace(BRACKET, stop_loss=loss(trail_price="5")),
        replace(BRACKET, stop_loss=loss(trail_percent="5")),
        replace(BRACKET, take_profit=TakeProfit(D(500))),
        OTO,
        replace(OTO, take_profit=PROFIT, stop_loss=None),
        OCO,
        replace(OCO, stop_loss=loss(trail_price="5")),
        replace(MARKET_BUY, order_class=OrderClass.OTO, stop_loss=LOSS),
        replace(STOP_BUY, order_class=OrderClass.OTO, stop_loss=loss(stop_price="104.99")),
        replace(STOP_LIMIT, order_class=OrderClass.OTO, stop_loss=loss(stop_price="104.99")),
        replace(TRAIL, order_class=OrderClass.OTO, stop_loss=loss(stop_price="101.99")),
    ],
    ids=str,
)
def test_good_groups_pass(ticket):
    assert found(ticket) == []


@pytest.mark.parametrize(
    ("ticket", "expected"),
    [
        (replace(BUY, take_profit=PROFIT), [("take_profit", "unexpected_price", 400)]),
        (replace(BUY, stop_loss=LOSS), [("stop_loss", "unexpected_price", 400)]),
        (replace(BRACKET, take_profit=None), [("take_profit", "missing_price", 400)]),
        (replace(BRACKET, stop_loss=None), [("stop_loss", "missing_price", 400)]),
        (replace(OCO, stop_loss=None), [("stop_loss", "missing_price", 400)]),
        (replace(OTO, stop_loss=None), [("take_profit", "missing_price", 400)]),
        (replace(OTO, take_profit=PROFIT), [("stop_loss", "unexpected_price", 400)]),
        (
            replace(BRACKET, stop_loss=StopLoss()),
            [("stop_loss.stop_price", "missing_price", 400)],
        ),
        (
            replace(BRACKET, stop_loss=loss(stop_price="95", trail_price="5")),
            [("stop_loss.stop_price", "unexpected_price", 400)],
        ),
        (
            replace(BRACKET, stop_loss=loss(trail_price="5", trail_percent="5")),
            [("stop_loss.trail_percent", "unexpected_price", 400)],
        ),
        (
            replace(BRACKET, stop_loss=loss(trail_price="5", limit_price="94")),
            [("stop_loss.limit_price", "unexpected_price", 400)],
        ),
        (replace(OCO, limit_price=D(111)), [("limit_price", "unexpected_price", 400)]),
    ],
)
def test_the_shape_of_a_group(ticket, expected):
    assert found(ticket) == expected


@pytest.mark.parametrize(
    ("ticket", "field"),
    [
        (replace(BRACKET, side=Side.SELL), "side"),
        (replace(OTO, side=Side.SELL), "side"),
        (replace(OCO, side=Side.BUY), "side"),
        (replace(OCO, type=OrderType.MARKET, limit_price=None), "type"),
        (replace(BRACKET, time_in_force=TimeInForce.IOC), "time_in_force"),
        (replace(BRACKET, time_in_force=TimeInForce.FOK), "time_in_force"),
        (replace(BRACKET, extended_hours=True), "order_class"),
        (replace(OCO, extended_hours=True), "order_class"),
        (
            replace(MARKET_BUY, notional=D(500), order_class=OrderClass.OTO, stop_loss=LOSS),
            "order_class",
        ),
    ],
)
def test_combinations_not_offered(ticket, field):
    assert (field, "unsupported_combination", 422) in found(ticket)


@pytest.mark.parametrize("ticket", [BRACKET, OTO, OCO], ids=lambda ticket: ticket.order_class)
def test_the_orders_of_a_group_are_for_whole_shares(ticket):
    parts = {"quantity_step": D("0.0001"), "exchange_step": D(1)}
    assert found(ticket, instrument=parts) == []
    part = replace(ticket, quantity=ticket.quantity + D("0.5"))
    assert found(part, instrument=parts) == [("quantity", "unsupported_combination", 422)]


def test_a_stop_leg_needs_a_feed():
    (error,) = found(BRACKET, instrument={"has_feed": False})
    assert error == ("stop_loss.type", "unsupported_combination", 422)
    only_profit = replace(OTO, take_profit=PROFIT, stop_loss=None)
    assert found(only_profit, instrument={"has_feed": False}) == []


@pytest.mark.parametrize(
    ("profit", "stop", "fields"),
    [
        ("100.01", "99.99", []),
        ("100.00", "99.99", ["take_profit.limit_price"]),
        ("100.01", "100.00", ["stop_loss.stop_price"]),
        ("95.00", "105.00", ["take_profit.limit_price", "stop_loss.stop_price"]),
    ],
)
def test_the_profit_above_and_the_stop_below_by_a_tick(profit, stop, fields):
    """The entry buys at 100 or better, and 100 is what was traded last."""
    ticket = replace(BRACKET, take_profit=TakeProfit(D(profit)), stop_loss=loss(stop_price=stop))
    assert [field for field, _, _ in found(ticket)] == fields


@pytest.mark.parametrize(
    ("entry", "most"),
    [
        (replace(BUY, limit_price=D("95.00")), "94.99"),
        (replace(BUY, limit_price=D("105.00")), "99.99"),
        (MARKET_BUY, "99.99"),
        (STOP_BUY, "104.99"),
        (STOP_LIMIT, "104.99"),
        (TRAIL, "101.99"),
    ],
    ids=["limit", "limit beyond the market", "market", "stop", "stop limit", "trailing stop"],
)
def test_what_a_stop_is_measured_from(entry, most):
    """An entry at work from the market too; one that waits for its own stop from that alone."""
    entry = replace(entry, order_class=OrderClass.OTO)
    assert found(replace(entry, stop_loss=loss(stop_price=most))) == []
    (error,) = check_ticket(facts(replace(entry, stop_loss=StopLoss(D(most) + D("0.01")))))
    assert (error.field, error.code) == ("stop_loss.stop_price", "unsupported_combination")
    assert error.details["limit"] == most


def test_the_stop_of_a_pair_stands_below_its_limit_and_the_market():
    assert found(replace(OCO, stop_loss=loss(stop_price="99.99"))) == []
    assert found(replace(OCO, stop_loss=loss(stop_price="100"))) != []
    reached = replace(OCO, limit_price=D(96), take_profit=TakeProfit(D(96)))
    assert found(replace(reached, stop_loss=loss(stop_price="95.99"))) == []
    assert found(replace(reached, stop_loss=loss(stop_price="96"))) != []


@pytest.mark.parametrize(
    ("legs", "field", "code"),
    [
        ({"take_profit": TakeProfit(D("110.005"))}, "take_profit.limit_price", "invalid_tick"),
        ({"stop_loss": loss(stop_price="94.995")}, "stop_loss.stop_price", "invalid_tick"),
        (
            {"stop_loss": loss(stop_price="95", limit_price="85")},
            "stop_loss.limit_price",
            "price_collar",
        ),
        ({"stop_loss": loss(trail_price="100")}, "stop_loss.trail_price", "invalid_trail"),
        ({"stop_loss": loss(trail_percent="100")}, "stop_loss.trail_percent", "invalid_trail"),
    ],
)
def test_a_leg_is_an_order_like_any_other(legs, field, code):
    assert found(replace(BRACKET, **legs)) == [(field, code, 422)]


def test_only_the_profit_may_stand_far_away():
    assert found(replace(BRACKET, limit_price=D("115.00"), take_profit=TakeProfit(D(150)))) == [
        ("limit_price", "price_collar", 422)
    ]
    assert found(replace(OCO, limit_price=D(150), take_profit=TakeProfit(D(150)))) == []


@pytest.mark.parametrize(
    ("ticket", "here", "opposite", "in_all", "is_good"),
    [
        (BRACKET, 19, 18, 497, True),
        (BRACKET, 0, 19, 0, False),
        (BRACKET, 0, 0, 498, False),
        (OTO, 19, 19, 498, True),
        (OTO, 0, 20, 0, False),
        (OCO, 18, 20, 498, True),
        (OCO, 19, 0, 0, False),
    ],
)
def test_legs_count_as_open_orders(ticket, here, opposite, in_all, is_good):
    account = {
        "open_orders_here": here,
        "open_orders_opposite": opposite,
        "open_orders": in_all,
    }
    codes = [code for _, code, _ in found(ticket, account=account)]
    assert codes == ([] if is_good else ["too_many_open_orders"])


def test_a_pair_is_one_order_and_its_other_leg():
    (leg,) = legs_of(OCO).items()
    assert leg[0] is Leg.STOP_LOSS
    assert (leg[1].side, leg[1].type, leg[1].stop_price) == (Side.SELL, OrderType.STOP, 95)
    legs = legs_of(BRACKET)
    assert [(leg, one.side, one.type) for leg, one in legs.items()] == [
        (Leg.TAKE_PROFIT, Side.SELL, OrderType.LIMIT),
        (Leg.STOP_LOSS, Side.SELL, OrderType.STOP),
    ]
