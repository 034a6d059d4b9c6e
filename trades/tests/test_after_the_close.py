"""Every type and time in force, given while the exchange is closed: accepted, and worked next.

Wednesday 2026-11-25 at 02:00 UTC, in the night; the session runs from 14:30 to 21:00. Each order
buys eight. Five are on offer at a time: at 10.00 as the session begins, at 10.30 from 15:00 on,
when one is traded there, and again ten seconds before the close.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bengi.errors import BengiError
from bengi.terms import OrderType, TimeInForce
from instruments import calendar
from orders.hours import EXTENDED_TIMES
from orders.models import Order
from orders.rules import LASTING, STOPS
from trades.tests.world import World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db

PRICES = {
    "market": {},
    "limit": {"limit": "10.00"},
    "stop": {"stop": "10.30"},
    "stop_limit": {"stop": "10.30", "limit": "10.40"},
    "trailing_stop": {"trail": "0.30"},
}

# How each stands when the session is over, and how many of the eight it has. gtd ends at 20:00.
ENDS = """
    market         day  filled            8
    market         gtc  filled            8
    market         gtd  filled            8
    market         ioc  canceled          5
    market         fok  canceled          0
    market         opg  canceled          5
    market         cls  canceled          5
    limit          day  expired           5
    limit          gtc  partially_filled  5
    limit          gtd  expired           5
    limit          ioc  canceled          5
    limit          fok  canceled          0
    limit          opg  canceled          5
    limit          cls  canceled          0
    stop           day  expired           5
    stop           gtc  partially_filled  5
    stop           gtd  expired           0
    stop_limit     day  expired           5
    stop_limit     gtc  partially_filled  5
    stop_limit     gtd  expired           0
    trailing_stop  day  expired           5
    trailing_stop  gtc  partially_filled  5
    trailing_stop  gtd  expired           0
"""
ROWS = [tuple(line.split()) for line in ENDS.strip().splitlines()]


def at(text: str) -> datetime:
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


@pytest.fixture
def night(settings) -> Iterator[World]:
    """The night after a session whose last quote was 9.95 to 10.00."""
    settings.MARKET_HOURS = "exchange"
    before = calendar.in_use()
    with open_world("exchange") as made:
        made.now = at("24 20:59:58")
        made.abc = made.instrument()  # type: ignore[attr-defined]
        made.tick(made.abc, "9.95", "10.00", last="10.00")  # type: ignore[attr-defined]
        made.now = at("25 02:00:00")
        yield made
        assert_books_are_clean()
    calendar.use(before)


def place(world: World, kind: str, tif: str, *, until: str = "25 20:00:00", **how) -> Order:
    expires_at = at(until) if tif == "gtd" else None
    prices = PRICES[kind] | how
    return world.place(
        world.trader(), world.abc, "buy", 8, tif=tif, expires_at=expires_at, **prices
    )


def play(world: World, order: Order) -> None:
    """Let the session pass, and look at the order when it is over."""
    for moment, bid, ask, last in (
        ("25 14:30:01", "9.95", "10.00", None),
        ("25 15:00:00", "10.25", "10.30", "10.30"),
        ("25 20:59:50", "10.25", "10.30", None),
    ):
        world.now = at(moment)
        world.tick(world.abc, bid, ask, size=5, last=last, after_s=0)
    world.now = at("25 21:00:01")
    world.drain()
    order.refresh_from_db()


def test_the_table_has_every_pair_that_is_taken() -> None:
    taken = {
        (str(kind), str(tif))
        for kind in OrderType
        for tif in TimeInForce
        if kind not in STOPS or tif in LASTING
    }
    assert {(kind, tif) for kind, tif, *_ in ROWS} == taken


@pytest.mark.parametrize(("kind", "tif", "status", "filled"), ROWS)
def test_it_waits_for_the_session(
    night: World, kind: str, tif: str, status: str, filled: str
) -> None:
    order = place(night, kind, tif)
    assert (order.status, order.priority) == ("accepted", None)
    night.now = at("25 14:29:59")
    night.tick(night.abc, "9.95", "10.40", last="10.40", after_s=0)
    order.refresh_from_db()
    assert (order.status, order.triggered_at) == ("accepted", None)
    play(night, order)
    assert (order.status, order.filled_quantity) == (status, Decimal(filled))
    assert order.closed_at is None or order.reserved == 0


@pytest.mark.parametrize("kind", PRICES)
def test_one_good_until_before_the_session_expires_in_the_night(night: World, kind: str) -> None:
    order = place(night, kind, "gtd", until="25 14:00:00")
    play(night, order)
    assert (order.status, order.filled_quantity, order.reserved) == ("expired", 0, 0)
    assert order.triggered_at is None


@pytest.mark.parametrize("tif", sorted(EXTENDED_TIMES))
def test_one_with_extended_hours_works_from_the_pre_market_on(night: World, tif: str) -> None:
    """It outlives the session, until the evening ends or longer."""
    order = place(night, "limit", tif, extended=True)
    assert order.status == "accepted"
    night.now = at("25 09:00:00")
    night.drain()
    order.refresh_from_db()
    assert order.status == "new"
    play(night, order)
    assert (order.status, order.filled_quantity) == ("partially_filled", 5)


@pytest.mark.parametrize("tif", TimeInForce)
@pytest.mark.parametrize("kind", OrderType)
def test_extended_hours_are_for_limit_orders_day_or_gtc(night: World, kind: str, tif: str) -> None:
    if kind == "limit" and tif in EXTENDED_TIMES:
        return
    held = night.trader()
    with pytest.raises(BengiError) as refused:
        night.place(
            held,
            night.abc,
            "buy",
            8,
            tif=tif,
            expires_at=at("25 20:00:00") if tif == "gtd" else None,
            extended=True,
            **PRICES[kind],
        )
    assert refused.value.code == "unsupported_combination"
    assert Order.objects.count() == 0
    assert held.account.balances.get().reserved == 0
