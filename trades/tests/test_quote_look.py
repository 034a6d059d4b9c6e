"""Quotes looked for in the table, for an engine that hears no ticks."""

from collections.abc import Iterator

import pytest

from bengi.bus import get_bus
from instruments.board import board
from instruments.models import Instrument
from instruments.services import flush_quotes
from orders.models import Order
from trades.loop import EngineLoop
from trades.models import Trade
from trades.quote_look import QuoteLook
from trades.tests.world import World


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_bus(), "is_deaf", True, raising=False)


def stored(world: World, symbol: str, *bids: str) -> None:
    """Let the feed's process store quotes of which this one hears nothing."""
    instrument = Instrument.objects.get(symbol=symbol)
    drain, world.engine.drain = world.engine.drain, lambda *_, **__: 0  # type: ignore[method-assign]
    for bid in bids:
        world.tick(instrument, bid, "100.00")
        flush_quotes()
    world.engine.drain = drain  # type: ignore[method-assign]
    world.engine._ticks.clear()
    board.clear()


def test_each_quote_is_told_once_where_an_order_is_open(world: World) -> None:
    trader = world.trader()
    abc, far = world.instrument("ABC"), world.instrument("FAR", shard=1)
    world.instrument("XYZ")  # of which nobody wants any
    for instrument in (abc, far):
        world.place(trader, instrument, "buy", 1, limit="1", drain=False)
    for symbol in ("ABC", "XYZ", "FAR"):
        stored(world, symbol, "99.00")
    look = QuoteLook(0)
    (tick,) = look.newer()
    assert (tick.symbol, tick.bid, tick.is_new_quote, tick.is_new_print) == ("ABC", 99, True, False)
    assert look.newer() == []
    stored(world, "ABC", "99.50")
    assert [tick.bid for tick in look.newer()] == [99.5]
    assert world.cancel(trader, Order.objects.get(instrument=abc)).status == "canceled"
    stored(world, "ABC", "99.60")
    assert look.newer() == []


def test_a_deaf_engine_fills_against_what_is_stored(world: World, deaf: None) -> None:
    abc, trader = world.instrument(), world.trader()
    world.place(trader, abc, "buy", 3, limit="100.50", drain=False)
    stored(world, abc.symbol, "99.90")

    def seconds() -> Iterator[float]:
        yield 0.0
        yield 0.0
        loop.stop()
        yield from (2.0, 4.0)

    timer = seconds()
    loop = EngineLoop(
        world.engine, lambda: world.now, lambda: next(timer), stored_quotes=QuoteLook(0).newer
    )
    loop.run()
    assert Order.objects.get().status == "filled"
    assert Trade.objects.get().price <= 100.5


def test_one_that_hears_does_not_look(world: World) -> None:
    def look() -> list:
        raise AssertionError("nobody asked for the table")

    loop = EngineLoop(world.engine, lambda: world.now, stored_quotes=look)
    assert loop.turn()
