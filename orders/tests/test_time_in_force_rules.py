"""The rules of times in force: which go with what, and their windows."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bengi.terms import OrderType, TimeInForce
from orders.rules import STOPS
from orders.tests.test_rules import (
    BUY,
    MARKET_BUY,
    MARKET_SELL,
    NOW,
    STOP_BUY,
    STOP_LIMIT,
    TRAIL,
    facts,
    found,
)

TICKETS = {
    OrderType.MARKET: MARKET_BUY,
    OrderType.LIMIT: BUY,
    OrderType.STOP: STOP_BUY,
    OrderType.STOP_LIMIT: STOP_LIMIT,
    OrderType.TRAILING_STOP: TRAIL,
}
BEFORE_THE_OPENING = {"opened_at": None}


@pytest.mark.parametrize("word", TimeInForce)
@pytest.mark.parametrize("type_", OrderType)
def test_stops_last_and_all_else_goes_with_everything(type_, word):
    expires_at = NOW + timedelta(seconds=1) if word is TimeInForce.GTD else None
    ticket = replace(TICKETS[type_], time_in_force=word, expires_at=expires_at)
    may = type_ not in STOPS or word in ("day", "gtc", "gtd")
    expected = {} if may else {"unsupported_combination": (422, "time_in_force", {"value": word})}
    assert found(facts(ticket, session=BEFORE_THE_OPENING)) == expected


@pytest.mark.parametrize(("seconds", "is_good"), [(1, True), (0, False), (-1, False)])
def test_a_gtd_order_ends_later_than_now(seconds, is_good):
    ticket = replace(
        BUY, time_in_force=TimeInForce.GTD, expires_at=NOW + timedelta(seconds=seconds)
    )
    expected = {} if is_good else {"expiry_in_the_past": (422, "expires_at", {})}
    assert found(facts(ticket)) == expected


@pytest.mark.parametrize("never_closes", [True, False])
def test_orders_for_the_opening_come_before_it(never_closes):
    ticket = replace(BUY, time_in_force=TimeInForce.OPG)
    opened_at = NOW - timedelta(hours=1)
    session = {"opened_at": opened_at, "never_closes": never_closes}
    assert found(facts(ticket, session=session)) == {
        "opening_is_over": (422, "time_in_force", {"opened_at": opened_at.isoformat()})
    }


def test_opening_and_close_need_a_feed():
    for word in (TimeInForce.OPG, TimeInForce.CLS):
        told = found(
            facts(
                replace(BUY, time_in_force=word),
                instrument={"has_feed": False},
                session=BEFORE_THE_OPENING,
            )
        )
        assert told == {"unsupported_combination": (422, "time_in_force", {"value": word})}


@pytest.mark.parametrize("ticket", [MARKET_BUY, MARKET_SELL])
def test_market_orders_for_a_moment_need_no_fresh_quote(ticket):
    """They are worked on a later quote, but a side that nobody has ever quoted says nothing."""
    session = BEFORE_THE_OPENING
    stale = {"is_fresh": False}
    assert "stale_quote" in found(facts(ticket, quote=stale, session=session))
    opening = replace(ticket, time_in_force=TimeInForce.OPG)
    assert found(facts(opening, quote=stale, session=session)) == {}
    nobody = {"bid": None, "ask": None, "is_fresh": False}
    assert set(found(facts(opening, quote=nobody, session=session))) == {"stale_quote"}
