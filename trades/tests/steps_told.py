"""Steps as events tell them, for tests: written shortly, at moments after START."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bengi.money import plain
from bengi.terms import OrderType, Side, TimeInForce
from trades.explanation.subject import Subject
from trades.explanation.telling import Told

START = datetime.fromisoformat("2026-03-02T15:00:00+00:00")

ACCEPTED = {
    "checks": [{}] * 9,
    "reserved_before": "0",
    "reserved_after": "9996",
    "available_before": "10000",
    "available_after": "4",
}
SHORT = {"limit": "99.95", "gap": "0.05", "ask": "100"}


def at(after_s=0.0):
    moment = START + timedelta(seconds=after_s)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def subject(side="buy", kind="limit", tif="day", zone="America/New_York"):
    return Subject(
        symbol="ABC",
        currency="USD",
        side=Side(side),
        type=OrderType(kind),
        time_in_force=TimeInForce(tif),
        places=2,
        zone=ZoneInfo(zone),
    )


def quote(market="99.98x60 100x60", last="100", after_s=0.0):
    """market: bid x size, ask x size; a dash where nobody stands."""
    sides = [None if side == "-" else side.split("x") for side in market.split()]
    (bid, bid_size), (ask, ask_size) = (side or (None, "0") for side in sides)
    return {
        "bid": bid,
        "bid_size": bid_size,
        "ask": ask,
        "ask_size": ask_size,
        "last": last,
        "as_of": at(after_s),
    }


def step(kind, after_s=0.0, market="99.98x60 100x60", quote_age_s=0.0, **more):
    seen = None if market is None else quote(market, after_s=after_s - quote_age_s)
    return {"kind": kind, "at": at(after_s), "quote": seen, **more}


def fill(quantity, price, leaves="0", code="street", role=None, fees="0", **more):
    """A fill step; what the order held falls from 10 000 to nothing."""
    step_ = {
        "code": code,
        "role": role,
        "exec_id": "01900000-0000-7000-8000-000000000000",
        "quantity": quantity,
        "price": price,
        "gross_amount": plain(Decimal(quantity) * Decimal(price)),
        "commission": "1",
        "fees": fees,
        "liquidity": "book" if code == "match" else "street",
        "leaves_quantity": leaves,
        "reserved_before": "10000",
        "reserved_after": "0",
    }
    return step("filled", **(step_ | more))


def told(step_, seq=1, **order):
    """The step with the order as it stood after it: 100 ABC to buy at 100, none of them filled."""
    known = {"quantity": "100", "filled_quantity": "0", "limit_price": "100"}
    return Told(step_, seq, known | {"average_price": None, "reason": ""} | order)


def bare(kind, seq=1, after_s=0.0, **order):
    """An event that came without steps."""
    return replace(told(step(kind, after_s, market=None), seq, **order), is_bare=True)
