"""The engine before, in and after New York's sessions: who works when, and until when.

Times are UTC; New York is five hours behind in November. Tuesday 2026-11-24 is an ordinary day:
pre-market from 09:00, session 14:30 to 21:00, after hours to 01:00.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from instruments import calendar
from orders.models import Order
from trades.explaining import explain
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
D = Decimal


def at(text: str) -> datetime:
    """Read "25 09:00", a moment of November 2026, or a whole date."""
    text = text if len(text) > 8 + 6 else f"2026-11-{text}"
    text = text if text.count(":") == 2 else f"{text}:00"
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


@pytest.fixture
def exchange(settings) -> Iterator[World]:
    """A world that keeps real hours; its books must be clean at the end."""
    settings.MARKET_HOURS = "exchange"
    before = calendar.in_use()
    with open_world("exchange") as made:
        made.now = at("24 08:00")
        yield made
        assert_books_are_clean()
    calendar.use(before)


def drained(world: World, text: str, *orders: Order) -> list[str]:
    """Move time to text, let the engine work and return the orders' statuses."""
    world.now = at(text)
    world.drain()
    for order in orders:
        order.refresh_from_db()
    return [order.status for order in orders]


def quoted(world: World, text: str, *orders: Order, bid: str, ask: str, **how) -> list[str]:
    """Let a quote come at text and return the orders' statuses after it."""
    world.now = at(text)
    world.tick(world.abc, bid, ask, after_s=0, **how)
    for order in orders:
        order.refresh_from_db()
    return [order.status for order in orders]


@pytest.fixture
def abc(exchange: World):
    exchange.abc = exchange.instrument()  # type: ignore[attr-defined]
    return exchange.abc  # type: ignore[attr-defined]


@pytest.fixture
def trader(exchange: World) -> Trader:
    return exchange.trader()


def test_only_orders_with_the_flag_trade_in_the_pre_market(exchange, abc, trader) -> None:
    """Both wait for it; at 04:00 one comes to the book, the other waits for the opening."""
    plain = exchange.place(trader, abc, "buy", 5, limit="10.00")
    extended = exchange.place(trader, abc, "buy", 5, limit="10.00", extended=True)
    assert (plain.status, extended.status) == ("accepted", "accepted")
    assert drained(exchange, "24 08:59:59", plain, extended) == ["accepted", "accepted"]
    assert drained(exchange, "24 09:00", plain, extended) == ["accepted", "new"]
    told = quoted(exchange, "24 09:00:05", plain, extended, bid="9.80", ask="9.90")
    assert told == ["accepted", "filled"]
    trade = Trade.objects.get()
    assert (trade.price, trade.executed_at, trade.trade_date) == (
        D("9.90"),
        at("24 09:00:05"),
        at("24 09:00").date(),
    )
    assert drained(exchange, "24 14:30", plain) == ["new"]
    assert quoted(exchange, "24 14:30:01", plain, bid="9.80", ask="9.90") == ["filled"]


def test_after_the_close_the_others_keep_their_places_and_see_nothing(exchange, abc, trader):
    """Two gtc orders rest at one price; outside of the session only the later one is there."""
    exchange.now = at("24 20:00")
    first = exchange.place(trader, abc, "buy", 5, limit="10.00", tif="gtc")
    other = exchange.trader()
    second = exchange.place(other, abc, "buy", 5, limit="10.00", tif="gtc", extended=True)
    assert (first.status, second.status) == ("new", "new")
    told = quoted(exchange, "24 21:00:01", first, second, bid="9.80", ask="9.90", size=3)
    assert told == ["new", "partially_filled"]
    assert drained(exchange, "25 09:00", first, second) == ["new", "partially_filled"]
    told = quoted(exchange, "25 14:30:01", first, second, bid="9.80", ask="9.90", size=6)
    assert told == ["filled", "partially_filled"]
    assert second.filled_quantity == 4, "one more: the first order came before it"


def offered_in_the_session(exchange: World, abc) -> tuple[Trader, Order]:
    """Let somebody offer 4 at 10.50, for the session alone, and the evening come."""
    exchange.now = at("24 20:00")
    seller = exchange.trader()
    exchange.tick(abc, "9.90", "10.00")
    exchange.place(seller, abc, "buy", 9)
    plain = exchange.place(seller, abc, "sell", 4, limit="10.50", tif="gtc")
    exchange.now = at("24 22:00")
    return seller, plain


def crossed_in_the_evening(exchange: World, abc, trader: Trader) -> tuple[Order, Order]:
    """Return that offer and a bid above it of somebody who trades in the evening too."""
    _, plain = offered_in_the_session(exchange, abc)
    buy = exchange.place(trader, abc, "buy", 5, limit="10.70", tif="gtc", extended=True)
    assert buy.status == "new"
    return plain, buy


def test_customers_trade_with_each_other_in_extended_hours(exchange, abc, trader) -> None:
    seller, plain = offered_in_the_session(exchange, abc)
    asked = exchange.place(seller, abc, "sell", 3, limit="10.60", extended=True)
    buy = exchange.place(trader, abc, "buy", 5, limit="10.70", extended=True)
    for order in (asked, plain):
        order.refresh_from_db()
    assert (asked.status, asked.average_price) == ("filled", D("10.60"))
    assert (plain.status, plain.filled_quantity) == ("new", 0)
    assert (buy.status, buy.filled_quantity) == ("partially_filled", 3)


def test_what_met_nobody_in_the_evening_trades_at_the_opening(exchange, abc, trader) -> None:
    """At the price of the order that was there first, before the session has a quote."""
    plain, buy = crossed_in_the_evening(exchange, abc, trader)
    assert drained(exchange, "25 14:29:59", plain, buy) == ["new", "new"]
    assert drained(exchange, "25 14:30:00", plain, buy) == ["filled", "partially_filled"]
    trades = Trade.objects.filter(match_id__isnull=False)
    assert {(t.price, t.quantity, t.executed_at, t.quote_bid) for t in trades} == {
        (D("10.50"), D(4), at("25 14:30"), None)
    }


def test_books_that_cross_after_a_restart_are_uncrossed_at_once(exchange, abc, trader) -> None:
    """The engine was away at the opening; it trades what met when it is back."""
    plain, buy = crossed_in_the_evening(exchange, abc, trader)
    exchange.engine.forget()
    assert drained(exchange, "25 16:00", plain, buy) == ["filled", "partially_filled"]
    assert {t.executed_at for t in Trade.objects.filter(match_id__isnull=False)} == {at("25 16:00")}


def test_a_restart_in_the_evening_keeps_the_others_out(exchange, abc, trader) -> None:
    exchange.now = at("24 20:00")
    plain = exchange.place(trader, abc, "buy", 5, limit="10.00", tif="gtc")
    extended = exchange.place(trader, abc, "buy", 5, limit="9.95", tif="gtc", extended=True)
    exchange.engine.forget()
    told = quoted(exchange, "24 22:00", plain, extended, bid="9.80", ask="9.90")
    assert told == ["new", "filled"]


@pytest.mark.parametrize(
    ("placed", "extended", "last_alive", "ends"),
    [
        ("24 15:00", False, "24 20:59:59", "24 21:00"),
        ("24 15:00", True, "25 00:59:59", "25 01:00"),
        ("24 10:00", True, "25 00:59:59", "25 01:00"),
        ("24 22:00", True, "25 00:59:59", "25 01:00"),
        ("24 22:00", False, "25 20:59:59", "25 21:00"),
        ("25 02:00", True, "26 00:59:59", "26 01:00"),
        ("26 15:00", True, "27 21:59:59", "27 22:00"),  # Thanksgiving, then the short day
        ("27 15:00", False, "27 17:59:59", "27 18:00"),
        ("27 15:00", True, "27 21:59:59", "27 22:00"),
        ("2026-07-03 12:00", True, "2026-07-06 23:59:59", "2026-07-07 00:00"),
        ("2026-03-06 22:00", True, "2026-03-07 00:59:59", "2026-03-07 01:00"),  # clocks change
        ("2026-03-07 12:00", True, "2026-03-09 23:59:59", "2026-03-10 00:00"),
        ("2026-11-01 12:00", True, "2026-11-03 00:59:59", "2026-11-03 01:00"),
    ],
)
def test_a_day_order_lives_to_the_end_of_its_own_day(
    exchange, abc, placed: str, extended: bool, last_alive: str, ends: str
) -> None:
    exchange.now = at(placed)
    order = exchange.place(exchange.trader(), abc, "buy", 5, limit="9.00", extended=extended)
    (status,) = drained(exchange, last_alive, order)
    assert status in {"accepted", "new"}
    assert drained(exchange, ends, order) == ["expired"]
    assert (order.closed_at, order.reserved) == (at(ends), 0)


def test_a_day_order_that_was_never_seen_expires_all_the_same(exchange, abc, trader) -> None:
    """The engine was away from before the end of the evening until the night."""
    exchange.now = at("24 23:00")
    unseen = exchange.place(trader, abc, "buy", 5, limit="9.00", extended=True, drain=False)
    plain = exchange.place(trader, abc, "buy", 5, limit="9.00", drain=False)
    assert drained(exchange, "25 03:00", unseen, plain) == ["expired", "accepted"]


def test_stops_sleep_outside_of_the_session(exchange, abc, trader) -> None:
    """Neither fired nor trailed by what happens before nine thirty or after four."""
    exchange.now = at("24 20:00")
    exchange.tick(abc, "9.90", "10.00", last="10.00")
    exchange.place(trader, abc, "buy", 9)
    stop = exchange.place(trader, abc, "sell", 4, stop="9.50", tif="gtc")
    trail = exchange.place(trader, abc, "sell", 4, trail="1.00", tif="gtc")
    told = quoted(exchange, "24 21:00:05", stop, trail, bid="9.00", ask="9.10", last="9.05")
    assert told == ["new", "new"]
    quoted(exchange, "24 23:00", stop, trail, bid="11.00", ask="11.10", last="11.00")
    exchange.wait(seconds=2)
    for order in (stop, trail):
        order.refresh_from_db()
        assert (order.triggered_at, order.filled_quantity) == (None, 0)
    assert (trail.high_water_mark, trail.stop_price) == (D("10.00"), D("9.00"))
    quoted(exchange, "25 14:30:01", stop, trail, bid="9.30", ask="9.40", last="9.40")
    assert stop.triggered_at == at("25 14:30:01")
    assert quoted(exchange, "25 14:30:02", stop, bid="9.20", ask="9.40") == ["filled"]
    assert stop.average_price == D("9.20")


def test_a_quote_of_the_pre_market_fills_nobody_in_the_session(exchange, abc, trader) -> None:
    """It is seconds old at the opening, and not the session's."""
    exchange.now = at("24 14:29:58")
    exchange.tick(abc, "9.80", "9.90", after_s=0)
    exchange.now = at("24 14:30:01")
    order = exchange.place(trader, abc, "buy", 5)
    assert order.status == "new"
    assert quoted(exchange, "24 14:30:02", order, bid="9.80", ask="9.85") == ["filled"]
    assert order.average_price == D("9.85")


def test_a_quote_of_the_session_fills_nobody_after_it(exchange, abc, trader) -> None:
    exchange.now = at("24 20:59:58")
    exchange.place(trader, abc, "buy", 5, limit="9.00")
    exchange.tick(abc, "9.80", "9.90", after_s=1)
    exchange.now = at("24 21:00:01")
    order = exchange.place(trader, abc, "buy", 5, limit="9.95", extended=True)
    assert order.status == "new"
    late = quoted(exchange, "24 21:00:02", order, bid="9.80", ask="9.85")
    assert (late, order.average_price) == (["filled"], D("9.85"))


def test_ticks_that_come_late_fill_nobody_of_the_next_part_of_the_day(exchange, abc, trader):
    exchange.now = at("24 20:59:50")
    order = exchange.place(trader, abc, "buy", 5, limit="10.00", tif="gtc", extended=True)
    assert drained(exchange, "24 21:00:05", order) == ["new"]
    exchange.now = at("24 20:59:59")
    exchange.tick(abc, "9.80", "9.90", after_s=0, heard_after_s=8)
    order.refresh_from_db()
    assert order.status == "new", "the session's last quote, heard in the evening"


def test_an_order_for_the_close_sees_the_last_quote_of_the_session_only(exchange, abc, trader):
    """A quote of the evening in the same batch comes after it."""
    exchange.now = at("24 20:59:50")
    exchange.tick(abc, "9.80", "10.00", after_s=0)
    order = exchange.place(trader, abc, "buy", 5, limit="10.00", tif="cls")
    exchange.now = at("24 21:00:01")
    exchange.tick(abc, "9.70", "9.75", after_s=0)
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", D("10.00"))


def test_an_order_with_the_flag_can_be_replaced_and_canceled_in_the_evening(exchange, abc, trader):
    exchange.now = at("24 22:00")
    order = exchange.place(trader, abc, "buy", 5, limit="9.00", tif="gtc", extended=True)
    new = exchange.replace(trader, order, limit_price=D("9.50"))
    assert (order.status, new.status, new.extended_hours) == ("replaced", "new", True)
    told = quoted(exchange, "24 22:00:05", new, bid="9.30", ask="9.40", size=2)
    assert told == ["partially_filled"]
    assert exchange.cancel(trader, new).status == "canceled"


def test_an_order_without_it_is_replaced_for_the_next_session(exchange, abc, trader) -> None:
    """Less of the same keeps its place, aside; anything else waits as accepted."""
    exchange.now = at("24 20:00")
    order = exchange.place(trader, abc, "buy", 5, limit="9.00", tif="gtc")
    exchange.now = at("24 22:00")
    less = exchange.replace(trader, order, quantity=D(3))
    assert (less.status, less.priority) == ("new", order.priority)
    more = exchange.replace(trader, less, limit_price=D("9.40"))
    assert (less.status, more.status) == ("replaced", "accepted")
    assert quoted(exchange, "24 22:00:05", more, bid="9.20", ask="9.30") == ["accepted"]
    assert quoted(exchange, "25 14:30:05", more, bid="9.20", ask="9.30") == ["filled"]
    canceled = exchange.place(trader, abc, "buy", 5, limit="9.00", tif="gtc")
    exchange.now = at("25 22:00")
    assert exchange.cancel(trader, canceled).status == "canceled"


def test_a_replacement_asked_for_before_the_opening_is_worked_after_it(exchange, abc, trader):
    """Both come with one batch: the session begins first."""
    exchange.now = at("24 20:00")
    order = exchange.place(trader, abc, "buy", 5, limit="9.00", tif="gtc")
    assert drained(exchange, "25 14:29:58", order) == ["new"]
    exchange.now = at("25 14:29:59")
    new = exchange.replace(trader, order, limit_price=D("9.50"), drain=False)
    assert drained(exchange, "25 14:30:01", order, new) == ["replaced", "new"]


def test_orders_that_waited_come_before_the_first_quote(exchange, abc, trader) -> None:
    """Given in the evening, for the session: there when it begins, and for its first quote."""
    exchange.now = at("24 22:00")
    order = exchange.place(trader, abc, "buy", 5, limit="10.00", drain=False)
    opening = exchange.place(trader, abc, "buy", 5, limit="10.00", tif="opg", drain=False)
    told = quoted(exchange, "25 14:30", order, opening, bid="9.80", ask="9.90")
    assert told == ["filled", "filled"]


def test_the_flag_changes_nothing_where_the_market_never_closes(settings) -> None:
    settings.MARKET_HOURS = "always"
    with open_world() as world:
        abc, trader = world.instrument(), world.trader()
        world.now = at("24 03:00")
        order = world.place(trader, abc, "buy", 5, limit="9.00", extended=True)
        assert order.status == "new"
        assert drained(world, "24 23:59:59", order) == ["new"]
        assert drained(world, "25 00:00", order) == ["expired"]
        assert_books_are_clean()


def test_what_keeps_an_order_from_the_market_is_told_by_its_own_hours(exchange, abc, trader):
    """In the evening one waits for the session, the other for a price."""
    exchange.now = at("24 22:00")
    exchange.tick(abc, "9.80", "9.90", after_s=0)
    plain = exchange.place(trader, abc, "buy", 5, limit="9.50", tif="gtc")
    extended = exchange.place(trader, abc, "buy", 5, limit="9.50", tif="gtc", extended=True)
    told = {
        order.id: explain(trader.user, order.id, now=exchange.now).now
        for order in (plain, extended)
    }
    assert told[plain.id].code == "session_closed"
    assert told[plain.id].numbers == {"opens_at": "2026-11-25T14:30:00Z"}
    assert told[extended.id].code == "not_marketable"
    exchange.now = at("25 03:00")
    found = explain(trader.user, extended.id, now=exchange.now).now
    assert (found.code, found.numbers) == ("session_closed", {"opens_at": "2026-11-25T09:00:00Z"})


def test_an_order_that_is_aside_has_not_looked_at_the_evening(exchange, abc, trader) -> None:
    """Canceled in the morning, its story tells no quote that it could not have."""
    exchange.now = at("24 20:59:50")
    exchange.tick(abc, "9.80", "9.90", after_s=0)
    order = exchange.place(trader, abc, "buy", 5, limit="9.50", tif="gtc")
    quoted(exchange, "24 22:00", bid="9.30", ask="9.40")
    exchange.cancel(trader, order)
    kinds = [
        entry.kind for entry in explain(trader.user, order.id, now=exchange.now).timeline.entries
    ]
    assert "look" not in kinds
