"""What the rules say of an order, and what cannot be done with one any more."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from bengi.terms import InstrumentStatus
from instruments.halts import set_status
from orders.halts import halt_trading
from orders.limits import set_limits
from tests.contract.refusals import PROVOCATIONS, Act, provokes
from tests.contract.stage import TICKET, Stage

ORDERS = "/api/v1/orders"
JSON = "application/json"
MARKET = {"type": "market", "limit_price": None, "time_in_force": "day"}
TRAIL = {"type": "trailing_stop", "limit_price": None}

CHANGES: dict[str, dict[str, Any]] = {
    "unknown_field": {"price": "9.50"},
    "invalid_field": {"side": "hold"},
    "invalid_quantity": {"quantity": "0"},
    "missing_price": {"limit_price": None},
    "unexpected_price": {"type": "market"},
    "missing_expiry": {"time_in_force": "gtd"},
    "unexpected_expiry": {"expires_at": "2026-03-03T15:00:00Z"},
    "expiry_in_the_past": {"time_in_force": "gtd", "expires_at": "2026-03-01T15:00:00Z"},
    "opening_is_over": {"time_in_force": "opg"},
    "unknown_symbol": {"symbol": "NOPE"},
    "insufficient_funds": {"quantity": "2000"},
    "insufficient_position": {"side": "sell", "limit_price": "10.50", "quantity": "1000"},
    "price_collar": {"limit_price": "5.00"},
    "invalid_tick": {"limit_price": "9.505"},
    "invalid_trail": {**TRAIL, "side": "sell", "trail_price": "20.00"},
    "invalid_step": {"quantity": "0.5"},
    "max_notional": {"quantity": "30000"},
    "max_quantity": {"quantity": "100001"},
    "unsupported_combination": {**MARKET, "extended_hours": True},
}


def order(stage: Stage, **change: Any) -> Any:
    """Post the owner's ticket with changes."""
    return stage.client("owner").post(ORDERS, TICKET | change, content_type=JSON)


def replace(stage: Stage, order_id: Any, **change: Any) -> Any:
    return stage.client("owner").patch(f"{ORDERS}/{order_id}", change, content_type=JSON)


for _code, _change in CHANGES.items():
    PROVOCATIONS[_code] = lambda stage, change=_change: lambda: order(stage, **change)


@provokes("possible_duplicate")
def _(stage: Stage) -> Act:
    assert order(stage).status_code == 201
    return lambda: order(stage, client_order_id="my-second")


@provokes("too_many_open_orders")
def _(stage: Stage) -> Act:
    now, by = stage.world.now, stage.users["admin"]
    limits = {"max_open_orders": 1}
    set_limits(stage.owner.account.id, limits, by=by, reason="Why", now=now)
    return lambda: order(stage)


@provokes("symbol_halted")
def _(stage: Stage) -> Act:
    instrument = stage.working.instrument_id
    set_status(instrument, InstrumentStatus.HALTED, by="staff", now=stage.world.now)
    return lambda: order(stage)


@provokes("stale_quote")
def _(stage: Stage) -> Act:
    stage.world.now += timedelta(minutes=5)
    return lambda: order(stage, **MARKET)


@provokes("min_notional")
def _(stage: Stage) -> Act:
    penny = stage.world.instrument("PNY", tick_size=Decimal("0.0001"))
    stage.world.tick(penny, "0.0010", "0.0010", last="0.0010")
    return lambda: order(stage, symbol="PNY", quantity="1", limit_price="0.0010")


@provokes("trading_halted")
def _(stage: Stage) -> Act:
    halt_trading(stage.users["admin"], reason="The feed is off.", now=stage.world.now)
    return lambda: order(stage)


@provokes("already_halted")
def _(stage: Stage) -> Act:
    by, now = stage.users["admin"], stage.world.now
    halt_trading(by, reason="The feed is off.", now=now)
    return lambda: halt_trading(by, reason="Once more.", now=now)


@provokes("order_not_cancelable")
def _(stage: Stage) -> Act:
    path = f"{ORDERS}/{stage.bought.order_id}/cancel"
    return lambda: stage.client("owner").post(path, {}, content_type=JSON)


@provokes("order_not_replaceable")
def _(stage: Stage) -> Act:
    return lambda: replace(stage, stage.bought.order_id, limit_price="9.00")


@provokes("quantity_below_filled")
def _(stage: Stage) -> Act:
    abc = stage.working.instrument
    stage.world.tick(abc, "9.70", "9.80", size=40, last="9.80")
    stage.working.refresh_from_db()
    assert 0 < stage.working.filled_quantity < 100
    return lambda: replace(stage, stage.working.id, quantity="1")
