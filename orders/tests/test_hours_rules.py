"""The rules of the hours: who works outside of a session, and what waits for one."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bengi.terms import OrderType, TimeInForce
from orders.hours import waits_for, works_now
from orders.tests.test_rules import BUY, MARKET_BUY, MARKET_SELL, NOW, facts, found
from orders.tests.test_time_in_force_rules import TICKETS

NEW_YORK = {"has_extended_hours": True}
EVENING = {"opened_at": None, "phase": "post", **NEW_YORK}
NIGHT = {"opened_at": None, "phase": "closed", **NEW_YORK}


@pytest.mark.parametrize("word", TimeInForce)
@pytest.mark.parametrize("type_", OrderType)
def test_extended_hours_go_with_limit_orders_day_or_gtc(type_, word):
    expires_at = NOW + timedelta(hours=1) if word is TimeInForce.GTD else None
    ticket = replace(TICKETS[type_], time_in_force=word, expires_at=expires_at, extended_hours=True)
    told = found(facts(ticket, session=EVENING))
    if type_ is OrderType.LIMIT and word in ("day", "gtc"):
        assert told == {}
    else:
        assert told["unsupported_combination"][0] == 422


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"type": OrderType.MARKET, "limit_price": None}, "type", "market"),
        ({"time_in_force": TimeInForce.IOC}, "time_in_force", "ioc"),
    ],
)
def test_what_does_not_go_with_them_is_named(change, field, value):
    ticket = replace(BUY, extended_hours=True, **change)
    assert found(facts(ticket, session=EVENING)) == {
        "unsupported_combination": (422, field, {"value": value})
    }


@pytest.mark.parametrize(
    ("session", "is_good"),
    [
        ({"has_extended_hours": True}, True),
        ({"has_extended_hours": False}, False),
        ({"has_extended_hours": False, "never_closes": True}, True),
    ],
)
def test_an_exchange_has_them_or_never_closes(session, is_good):
    told = found(facts(replace(BUY, extended_hours=True), session=session))
    wrong = {"unsupported_combination": (422, "extended_hours", {"value": "true"})}
    assert told == ({} if is_good else wrong)


@pytest.mark.parametrize("ticket", [MARKET_BUY, MARKET_SELL])
@pytest.mark.parametrize("phase", ["closed", "pre", "post", "break"])
def test_market_orders_given_outside_of_the_session_need_no_fresh_quote(ticket, phase):
    """They wait for the opening, and are reckoned on the newest quote there is."""
    session = {"opened_at": None, "phase": phase}
    stale = {"is_fresh": False}
    assert found(facts(ticket, quote=stale, session=session)) == {}
    assert set(found(facts(ticket, quote=stale))) == {"stale_quote"}
    nobody = {"bid": None, "ask": None, "is_fresh": False}
    assert set(found(facts(ticket, quote=nobody, session=session))) == {"stale_quote"}


@pytest.mark.parametrize(
    ("phase", "plain", "extended"),
    [
        ("open", True, True),
        ("pre", False, True),
        ("post", False, True),
        ("break", False, False),
        ("closed", False, False),
    ],
)
def test_when_an_order_is_worked_at_once(phase, plain, extended):
    case = facts(BUY, session={"phase": phase})
    assert works_now(case.session, False) == plain
    assert works_now(case.session, True) == extended
    assert (waits_for(case) is None) == plain
    case = facts(replace(BUY, extended_hours=True), session={"phase": phase})
    assert (waits_for(case) is None) == extended


def test_what_it_waits_for_in_words():
    late = replace(BUY, extended_hours=True)
    words = {
        (phase, ticket.extended_hours): waits_for(facts(ticket, session={"phase": phase}))
        for phase in ("closed", "post", "break")
        for ticket in (BUY, late)
    }
    assert "next opening" in words["closed", False]
    assert "next opening" in words["post", False]
    assert "pre-market" in words["closed", True]
    assert words["post", True] is None
    assert "lunch break" in words["break", True]
