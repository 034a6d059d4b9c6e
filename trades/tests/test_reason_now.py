"""Why an open order has not filled up to now: what keeps it away comes before the market."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bengi.terms import InstrumentStatus, OrderStatus
from trades.explanation.now import Situation, reason_now
from trades.tests.test_reasons import order, quote
from trades.tests.world import START

WORKING = Situation(
    status=OrderStatus.NEW,
    replaces=False,
    is_seen=True,
    instrument_status=InstrumentStatus.ACTIVE,
    has_feed=True,
    opens_at=None,
    fired_at=None,
)
OPENS_AT = START + timedelta(hours=1)


def found(situation, asked=None, seen=None, last=None):
    asked, seen = asked or order(limit=100.5), seen or quote()
    return reason_now(asked, seen, situation, last=last, now=START)


@pytest.mark.parametrize(
    ("code", "situation"),
    [
        ("not_marketable", {}),
        ("not_seen_yet", {"is_seen": False}),
        ("session_closed", {"opens_at": OPENS_AT, "is_seen": False}),
        ("session_closed", {"opens_at": OPENS_AT}),
        ("halted", {"instrument_status": InstrumentStatus.HALTED, "opens_at": OPENS_AT}),
        ("halted", {"instrument_status": InstrumentStatus.DELISTED}),
        ("held_for_entry", {"status": OrderStatus.HELD, "opens_at": OPENS_AT}),
        ("held_for_replace", {"status": OrderStatus.HELD, "replaces": True}),
        ("not_marketable", {"status": OrderStatus.PENDING_CANCEL}),
    ],
)
def test_what_keeps_an_order_from_the_market_comes_first(code, situation):
    assert found(replace(WORKING, **situation)).code == code


def test_a_closed_exchange_says_when_it_opens():
    assert found(replace(WORKING, opens_at=OPENS_AT)).numbers == {
        "opens_at": "2026-03-02T16:00:00Z"
    }


def test_a_stop_that_fired_waits_for_a_quote_that_came_later():
    fired = order(cap=102)
    same_quote = replace(WORKING, fired_at=START)
    assert found(same_quote, fired).code == "after_trigger"
    assert (
        found(replace(WORKING, fired_at=START - timedelta(seconds=15)), fired).code
        == "no_size_left"
    )
    assert found(same_quote, order(limit=100.5)).code == "not_marketable"


def test_an_instrument_without_a_feed_has_nobody_rather_than_no_quote():
    lonely = replace(WORKING, has_feed=False)
    reason = reason_now(order(limit=101), None, lonely, last=None, now=START)
    assert reason.code == "nobody_offers"
