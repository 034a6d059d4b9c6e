"""Every reason why an order did not fill, told from the order and the quote alone."""

from datetime import timedelta

import pytest

from bengi.terms import OrderType, Side, TimeInForce
from instruments.realism import profile_of
from trades.matching.fixed import SCALE
from trades.matching.reasons import REASONS, seconds, why_not
from trades.matching.working import StreetQuote, WorkingOrder
from trades.tests.world import START

BUY, SELL = Side.BUY, Side.SELL


def order(
    side=BUY, kind=OrderType.LIMIT, tif=TimeInForce.DAY, profile="realistic", ahead=None, **prices
) -> WorkingOrder:
    """Return an order of a profile; ahead: so many shares stand before it in the queue."""
    latency = profile_of(profile).latency
    units = {name: int(value * SCALE) for name, value in prices.items()}
    return WorkingOrder(
        id="o",
        account_id="a",
        side=side,
        type=kind,
        time_in_force=tif,
        leaves=10 * SCALE,
        limit=units.get("limit"),
        stop=units.get("stop"),
        cap=units.get("cap"),
        priority=1,
        profile=profile_of(profile),
        starts_at=START + latency if latency else None,
        queue_ahead=None if ahead is None else ahead * SCALE,
    )


def quote(bid=99.0, ask=101.0, size=5, age_s=0.0) -> StreetQuote:
    return StreetQuote(
        bid=None if bid is None else int(bid * SCALE),
        ask=None if ask is None else int(ask * SCALE),
        bid_size=size * SCALE,
        ask_size=size * SCALE,
        last=None,
        as_of=START - timedelta(seconds=age_s),
    )


def reason(asked, seen, last=None, has_feed=True, now=START):
    units = None if last is None else int(last * SCALE)
    return why_not(asked, seen, last=units, now=now, has_feed=has_feed)


@pytest.mark.parametrize(
    ("asked", "seen", "code", "numbers"),
    [
        (order(limit=100.5), quote(), "not_marketable", "limit=100.5 gap=0.5 ask=101"),
        (order(SELL, limit=99.25), quote(), "not_marketable", "limit=99.25 gap=0.25 bid=99"),
        (order(kind=OrderType.MARKET, cap=100), quote(), "cap_reached", "cap=100 gap=1 ask=101"),
        (order(limit=101), quote(), "no_size_left", "ask=101 size=5"),
        (order(SELL, OrderType.MARKET), quote(), "no_size_left", "bid=99 size=5"),
        (order(limit=101), quote(ask=None), "nobody_offers", ""),
        (order(SELL, limit=99), quote(bid=None), "nobody_offers", ""),
        (order(SELL, limit=99), quote(size=0), "no_volume", ""),
        (order(limit=99, ahead=40), quote(), "queue_ahead", "limit=99 ahead=40"),
        (order(SELL, limit=101, ahead=40), quote(), "queue_ahead", "limit=101 ahead=40"),
        (order(limit=98, ahead=40), quote(), "not_marketable", "limit=98 gap=3 ask=101"),
        (order(limit=99, ahead=0), quote(), "not_marketable", "limit=99 gap=2 ask=101"),
        (order(limit=101), quote(age_s=15), "no_size_left", "ask=101 size=5"),
        (order(limit=101), quote(age_s=15.25), "no_fresh_quote", "age_s=15.25 guard_s=15"),
        (order(limit=101), None, "no_quote", ""),
        (order(limit=101, tif=TimeInForce.OPG), quote(), "waits_for_opening", ""),
        (order(limit=101, tif=TimeInForce.CLS), quote(), "waits_for_close", ""),
    ],
)
def test_why_an_order_gets_nothing(asked, seen, code, numbers):
    found = reason(asked, seen)
    told = dict(pair.split("=") for pair in numbers.split())
    assert (found.code, found.numbers) == (code, told)
    assert found.code in REASONS


LATE = START + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("asked", "seen", "code", "numbers"),
    [
        (order(profile="harsh", limit=101), quote(age_s=-10), "not_through", "limit=101 ask=101"),
        (order(SELL, profile="harsh", limit=99), quote(age_s=-5), "not_through", "limit=99 bid=99"),
        (
            order(profile="harsh", limit=101, tif=TimeInForce.IOC),
            quote(age_s=-10),
            "no_size_left",
            "ask=101 size=5",
        ),
        (order(profile="harsh", limit=102), quote(age_s=-10), "no_size_left", "ask=101 size=5"),
        (order(profile="harsh", limit=101), quote(age_s=0), "on_its_way", "latency_ms=250"),
        (
            order(profile="harsh", limit=101),
            quote(age_s=-4.75),
            "no_fresh_quote",
            "age_s=5.25 guard_s=5",
        ),
        (
            order(profile="instant", kind=OrderType.MARKET, cap=100),
            quote(size=0),
            "cap_reached",
            "cap=100 gap=1 ask=101",
        ),
    ],
)
def test_why_an_order_of_another_profile_gets_nothing(asked, seen, code, numbers):
    """Ten seconds later; a negative age is a quote that came meanwhile."""
    found = reason(asked, seen, now=LATE)
    told = dict(pair.split("=") for pair in numbers.split())
    assert (found.code, found.numbers) == (code, told)
    assert found.code in REASONS


@pytest.mark.parametrize(
    ("ask", "code", "told"),
    [
        (101.0, "amount_too_small", {"left": "100.5", "ask": "101"}),
        (100.5, "no_size_left", {"ask": "100.5", "size": "5"}),
        (103.0, "cap_reached", {"cap": "102", "gap": "1", "ask": "103"}),
    ],
)
def test_an_amount_that_buys_no_share_any_more(ask, code, told):
    asked = order(kind=OrderType.MARKET, cap=102)
    asked.budget, asked.step, asked.shares_max = 100 * SCALE**2 + SCALE**2 // 2, SCALE, 9 * SCALE
    found = reason(asked, quote(ask=ask))
    assert (found.code, found.numbers) == (code, told)


def test_a_stop_sleeps_until_its_print_whatever_is_quoted():
    found = reason(order(SELL, OrderType.STOP, stop=95), quote(age_s=60), last=98)
    assert (found.code, found.numbers) == ("stop_not_reached", {"stop": "95", "last": "98"})
    assert reason(order(SELL, OrderType.STOP, stop=95), None).numbers == {"stop": "95"}


def test_without_a_feed_nobody_has_to_be_there():
    assert reason(order(limit=101), None, has_feed=False).code == "nobody_offers"


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "0"), (200, "0.2"), (15_000, "15"), (1_234, "1.234")]
)
def test_durations_are_told_to_the_millisecond(milliseconds, text):
    assert seconds(timedelta(milliseconds=milliseconds)) == text
