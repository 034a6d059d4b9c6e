"""The engine and the calendar: orders over holidays, short days, clock changes and lunch."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest

from instruments import calendar
from instruments.calendar import SpecialDay
from instruments.days import override_day
from instruments.models import Instrument
from orders.models import Order
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


@pytest.fixture
def exchange(db: None) -> Iterator[World]:
    """A world that keeps real hours; its books must be clean at the end."""
    before = calendar.in_use()
    with open_world("exchange") as made:
        yield made
        assert_books_are_clean()
    calendar.use(before)


def drained(world: World, text: str, order: Order) -> str:
    """Move time to text, let the engine work and return the order's status."""
    world.now = at(text)
    world.drain()
    order.refresh_from_db()
    return order.status


def place_at(world: World, text: str, instrument: Instrument, trader: Trader, **how: str) -> Order:
    world.now = at(text)
    return world.place(trader, instrument, "buy", 10, **how)


# A day order placed at one moment works until the last second and is expired at the close. UTC.
DAY_ORDERS = """
    XNAS  2026-11-27 15:00:00  2026-11-27 18:00:00  short day after Thanksgiving, 13:00 New York
    XNAS  2026-11-25 15:00:00  2026-11-25 21:00:00  the day before, 16:00
    XNAS  2026-03-06 15:00:00  2026-03-06 21:00:00  Friday before New York springs forward
    XNAS  2026-03-09 15:00:00  2026-03-09 20:00:00  Monday after it
    XNAS  2026-10-30 15:00:00  2026-10-30 20:00:00  Friday before New York falls back
    XNAS  2026-11-02 15:00:00  2026-11-02 21:00:00  Monday after it
    XLON  2026-03-30 09:00:00  2026-03-30 15:30:00  Monday after London sprang forward
    XLON  2026-12-24 09:00:00  2026-12-24 12:30:00  Christmas Eve
    XTKS  2026-11-24 01:00:00  2026-11-24 06:30:00
    XTKS  2024-11-01 01:00:00  2024-11-01 06:00:00  the last Friday that ended at 15:00
    XHKG  2026-12-24 02:00:00  2026-12-24 04:00:00  no afternoon
"""


@pytest.mark.parametrize(
    "row", [line.split() for line in DAY_ORDERS.strip().splitlines()], ids=lambda row: row[0]
)
def test_a_day_order_expires_at_its_exchanges_close(exchange: World, row: list[str]) -> None:
    """Orders: day expires at the close of the instrument's own exchange, status expired."""
    abc = exchange.instrument(mic=row[0])
    placed, closes = f"{row[1]} {row[2]}", f"{row[3]} {row[4]}"
    exchange.now = at(placed)
    order = place_at(exchange, placed, abc, exchange.trader(), limit="9.00")
    assert order.status == "new"
    last_second = f"{row[3]} {at(closes).hour - 1:02}:59:59"
    if closes.endswith("30:00"):
        last_second = f"{row[3]} {at(closes).hour:02}:29:59"
    assert drained(exchange, last_second, order) == "new"
    assert drained(exchange, closes, order) == "expired"
    assert order.closed_at == at(closes)
    assert order.reserved == 0


# An order placed while its market is closed waits as accepted and works from the next opening. UTC.
QUEUED = """
    XNAS  2026-11-25 21:00:00  2026-11-27 14:30:00  2026-11-27 18:00:00  over Thanksgiving
    XNAS  2026-11-26 15:00:00  2026-11-27 14:30:00  2026-11-27 18:00:00  on Thanksgiving
    XNAS  2026-11-27 18:30:00  2026-11-30 14:30:00  2026-11-30 21:00:00  after the early close
    XNAS  2026-07-02 20:00:00  2026-07-06 13:30:00  2026-07-06 20:00:00  over July 3rd
    XNAS  2026-07-03 15:00:00  2026-07-06 13:30:00  2026-07-06 20:00:00  on July 3rd
    XNAS  2026-03-06 22:00:00  2026-03-09 13:30:00  2026-03-09 20:00:00  clocks go forward
    XNAS  2026-10-30 21:00:00  2026-11-02 14:30:00  2026-11-02 21:00:00  clocks go back
    XLON  2026-03-27 17:00:00  2026-03-30 07:00:00  2026-03-30 15:30:00  clocks go forward
    XLON  2026-10-23 16:00:00  2026-10-26 08:00:00  2026-10-26 16:30:00  clocks go back
    XTKS  2026-11-20 07:00:00  2026-11-24 00:00:00  2026-11-24 06:30:00  a long weekend
"""


@pytest.mark.parametrize(
    "row",
    [line.split() for line in QUEUED.strip().splitlines()],
    ids=lambda row: "-".join(row[:2]),
)
def test_an_order_after_the_close_queues_for_the_next_session(
    exchange: World, row: list[str]
) -> None:
    """Orders after the close queue for the next session as accepted, holidays and all."""
    abc = exchange.instrument(mic=row[0])
    placed, opens, closes = (f"{row[n]} {row[n + 1]}" for n in (1, 3, 5))
    exchange.now = at(placed)
    trader = exchange.trader()
    order = place_at(exchange, placed, abc, trader, limit="10.00")
    good_for_long = place_at(exchange, placed, abc, trader, limit="9.00", tif="gtc")
    assert order.status == "accepted"
    day = at(placed).replace(hour=23, minute=59)
    while day < at(opens):
        assert drained(exchange, f"{day:%Y-%m-%d %H:%M:%S}", order) == "accepted"
        day = day.replace(day=day.day + 1) if day.day < 28 else at(opens)
    assert drained(exchange, opens, order) == "new"
    exchange.tick(abc, "9.90", "10.00", last="10.00", size=4)
    assert drained(exchange, closes, order) == "expired"
    assert order.filled_quantity == 4
    good_for_long.refresh_from_db()
    assert good_for_long.status == "new"


def test_lunch_in_tokyo_fills_nothing_and_expires_nothing(exchange: World) -> None:
    """Calendar: breaks. A day order lives through lunch; ticks within it are not heard."""
    abc = exchange.instrument(mic="XTKS", currency="JPY", tick_size="1")
    exchange.now = at("2026-11-24 02:00:00")
    trader = exchange.trader(cash="1000000", currency="JPY")
    order = place_at(exchange, "2026-11-24 02:20:00", abc, trader, limit="1000")
    exchange.now = at("2026-11-24 02:31:00")
    exchange.tick(abc, "980", "990", last="990")
    order.refresh_from_db()
    assert order.status == "new"
    late = place_at(exchange, "2026-11-24 03:00:00", abc, trader, limit="1000")
    assert late.status == "accepted"
    assert drained(exchange, "2026-11-24 03:30:00", late) == "new"
    exchange.tick(abc, "980", "990", last="990")
    order.refresh_from_db()
    late.refresh_from_db()
    assert (order.status, late.status) == ("filled", "filled")


def test_an_override_moves_the_close_of_orders_that_are_open(
    exchange: World, django_capture_on_commit_callbacks
) -> None:
    """Calendar: staff can override a day; the engine goes by it at its next look."""
    abc = exchange.instrument()
    exchange.now = at("2026-11-24 15:00:00")
    trader = exchange.trader()
    order = place_at(exchange, "2026-11-24 15:00:00", abc, trader, limit="9.00")
    with django_capture_on_commit_callbacks(execute=True):
        noon = SpecialDay(time(9, 30), time(12), note="Drill")
        override_day("XNAS", date(2026, 11, 24), noon, by="staff", now=exchange.now)
    assert drained(exchange, "2026-11-24 16:59:59", order) == "new"
    assert drained(exchange, "2026-11-24 17:00:00", order) == "expired"
    assert order.closed_at == at("2026-11-24 17:00:00")
    after = place_at(exchange, "2026-11-24 18:00:00", abc, trader, limit="9.00")
    assert after.status == "accepted"
    assert drained(exchange, "2026-11-25 14:30:00", after) == "new"


def test_a_day_that_staff_close_trades_nothing(
    exchange: World, django_capture_on_commit_callbacks
) -> None:
    abc = exchange.instrument()
    exchange.now = at("2026-11-24 15:00:00")
    order = place_at(exchange, "2026-11-24 15:00:00", abc, exchange.trader(), limit="10.00")
    with django_capture_on_commit_callbacks(execute=True):
        override_day(
            "XNAS", date(2026, 11, 24), SpecialDay(note="Closed"), by="staff", now=exchange.now
        )
    exchange.tick(abc, "9.80", "9.90", last="9.90")
    assert drained(exchange, "2026-11-24 20:59:00", order) == "new"
    assert drained(exchange, "2026-11-25 15:00:00", order) == "new"
    exchange.tick(abc, "9.80", "9.90", last="9.90")
    order.refresh_from_db()
    assert order.status == "filled"


def test_a_day_order_the_engine_never_saw_expires_with_its_session(exchange: World) -> None:
    """Orders: day expires at the close, also where the engine was away until after it."""
    abc = exchange.instrument()
    exchange.now = at("2026-11-27 17:59:59")
    trader = exchange.trader()
    how = {"limit": "9.00", "drain": False}
    unseen = exchange.place(trader, abc, "buy", 10, **how)  # type: ignore[arg-type]
    longer = exchange.place(trader, abc, "buy", 10, tif="gtc", **how)  # type: ignore[arg-type]
    exchange.now = at("2026-11-27 18:00:00")
    queued = exchange.place(trader, abc, "buy", 10, **how)  # type: ignore[arg-type]
    assert drained(exchange, "2026-11-27 18:00:01", unseen) == "expired"
    assert unseen.reserved == 0
    longer.refresh_from_db()
    queued.refresh_from_db()
    assert (longer.status, queued.status) == ("accepted", "accepted")
    assert drained(exchange, "2026-11-30 21:00:00", queued) == "expired"


def test_lunch_ends_no_session(exchange: World) -> None:
    abc = exchange.instrument(mic="XTKS", currency="JPY", tick_size="1")
    exchange.now = at("2026-11-24 02:29:59")
    trader = exchange.trader(cash="100000", currency="JPY")
    unseen = exchange.place(trader, abc, "buy", 1, limit="1000", drain=False)
    assert drained(exchange, "2026-11-24 02:31:00", unseen) == "accepted"
    assert drained(exchange, "2026-11-24 06:30:00", unseen) == "expired"
