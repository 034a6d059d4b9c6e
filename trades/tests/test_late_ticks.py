"""Ticks that come late: they may fill, but nothing is dated before the order it happened to."""

from datetime import datetime, timedelta
from decimal import Decimal

from bengi.books import trades_follow_acceptance
from instruments.quotes import Tick
from portfolios.models import LotClosing
from trades.explaining import explain
from trades.models import Trade
from trades.tests.world import World

LATE = timedelta(milliseconds=400)


def late_tick(world: World, instrument, bid: str, ask: str, *, by: timedelta = LATE) -> None:
    """Let the engine hear now of a quote that is some time old."""
    as_of, price = world.now - by, Decimal(ask)
    world.engine.on_ticks(
        [
            Tick(
                symbol=instrument.symbol,
                instrument_id=str(instrument.id),
                shard=0,
                bid=Decimal(bid),
                ask=price,
                bid_size=Decimal(1000),
                ask_size=Decimal(1000),
                last=price,
                last_size=Decimal(1),
                volume=Decimal(1),
                day_open=price,
                day_high=price,
                day_low=price,
                previous_close=None,
                as_of=as_of,
                source="test",
            )
        ]
    )
    world.drain()


def test_a_fill_is_not_before_its_order_and_keeps_its_quotes_time(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    world.now += timedelta(seconds=1)
    order = world.place(trader, abc, "buy", 10, limit="99.00")
    late_tick(world, abc, "98.80", "98.90")
    trade = Trade.objects.get()
    assert trade.executed_at == order.accepted_at == world.now
    assert trade.quote_as_of == world.now - LATE
    told = explain(trader.user, order.id, now=world.now)
    (fill,) = [entry for entry in told.timeline.entries if entry.kind == "filled"]
    assert datetime.fromisoformat(fill.at) == world.now
    assert fill.quote is not None
    assert fill.quote["age_s"] == "0.4"


def test_a_tick_that_is_late_and_still_after_the_order_dates_its_fill(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    world.place(trader, abc, "buy", 10, limit="99.00")
    world.now += timedelta(seconds=1)
    late_tick(world, abc, "98.80", "98.90")
    assert Trade.objects.get().executed_at == world.now - LATE


def test_one_moment_for_all_that_a_tick_decides(world: World) -> None:
    """The stop of an early order meets the limit of a late one: both sides at one time."""
    early, late = world.trader(), world.trader()
    abc = world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(early, abc, "buy", 10, limit="99.00")
    world.now += timedelta(seconds=1)
    world.place(late, abc, "buy", 10, limit="99.00")
    late_tick(world, abc, "98.80", "98.90")
    assert {trade.executed_at for trade in Trade.objects.all()} == {world.now}


def test_an_order_s_fills_go_forward_in_time(world: World) -> None:
    """It was accepted, then filled in part, and only then heard of a quote from in between."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", size=30)
    world.now += timedelta(seconds=1)
    order = world.place(trader, abc, "buy", 100, limit="100.00", drain=False)
    world.now += timedelta(seconds=1)
    world.drain()
    late_tick(world, abc, "99.90", "100.00")
    assert order.accepted_at < world.now - LATE
    fills = Trade.objects.order_by("exec_id").values_list("quantity", "executed_at")
    assert list(fills) == [(30, world.now), (70, world.now)]


def test_a_leg_sells_nothing_before_its_entry_has_bought_it(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    entry = world.place(trader, abc, "buy", 10, limit="99.00", profit="105", loss="95")
    world.tick(abc, "98.80", "98.90", after_s=5)
    world.now += timedelta(seconds=1)
    bought_at = Trade.objects.get(order=entry).executed_at
    world.engine.forget()  # of what it heard, nothing is newer than the tick that comes
    late_tick(world, abc, "105.50", "105.60", by=timedelta(seconds=2))
    sale = Trade.objects.get(side="sell")
    assert sale.executed_at == bought_at
    assert LotClosing.objects.count() == 1


def test_the_books_find_a_trade_before_its_order(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    order = world.place(trader, abc, "buy", 10)
    right = order.accepted_at
    type(order).objects.filter(id=order.id).update(accepted_at=right + timedelta(seconds=2))
    assert [line.split(": ")[1] for line in trades_follow_acceptance()] == [
        "done 0:00:02 before its order came"
    ]
    type(order).objects.filter(id=order.id).update(accepted_at=right)
