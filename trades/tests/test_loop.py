"""The engine's loop: it looks for requests by the clock, whatever has woken it."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from instruments.models import Instrument
from orders.models import Order
from trades.loop import EngineLoop
from trades.models import Shard
from trades.tests.world import START, World

STEP_S = 0.125


class FakeEngine:
    """Notes when it was drained, and whether it looked for requests."""

    has_more = False

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock
        self.looks: list[float] = []
        self.drains = 0
        self.watchman = SimpleNamespace(begin=lambda _: None, end=self.end)
        self.ends: list[float] = []
        self.beats: list[float] = []
        self.fails = False

    def on_ticks(self, ticks: Any) -> None:
        pass

    def drain(self, now: Any, *, look_for_requests: bool) -> int:
        self.drains += 1
        if look_for_requests:
            self.looks.append(self.clock[0])
        if self.fails:
            raise OperationalError("planted")
        return 0

    def beat(self, at: Any) -> None:
        self.beats.append(self.clock[0])

    def end(self) -> None:
        self.ends.append(self.clock[0])


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def engine(clock: list[float]) -> FakeEngine:
    return FakeEngine(clock)


@pytest.fixture
def loop(engine: FakeEngine, clock: list[float]) -> EngineLoop:
    return EngineLoop(engine, lambda: START, lambda: clock[0])  # type: ignore[arg-type]


def turn(loop: EngineLoop, clock: list[float], times: int) -> None:
    for _ in range(times):
        loop.on_ticks([])
        loop.turn()
        clock[0] += STEP_S


def test_ticks_that_keep_coming_do_not_keep_it_from_looking(
    loop: EngineLoop, engine: FakeEngine, clock: list[float]
) -> None:
    turn(loop, clock, times=25)
    assert engine.drains == 25
    assert engine.looks == [1000, 1001, 1002, 1003]


def test_a_nudge_looks_at_once_and_the_next_sweep_is_a_second_later(
    loop: EngineLoop, engine: FakeEngine, clock: list[float]
) -> None:
    turn(loop, clock, times=4)
    loop.nudge()
    turn(loop, clock, times=9)
    assert engine.looks == [1000, 1000.5, 1001.5]


@pytest.mark.django_db
def test_a_failed_batch_looks_again_at_once(
    loop: EngineLoop, engine: FakeEngine, clock: list[float]
) -> None:
    engine.fails = True
    assert not loop.turn()
    engine.fails = False
    assert loop.turn()
    assert engine.looks == [1000, 1000]


def test_a_minute_without_an_end_is_a_good_start(
    loop: EngineLoop, engine: FakeEngine, clock: list[float]
) -> None:
    for clock[0] in (1000, 1059.9, 1060, 1061, 2000):
        loop.turn()
    assert engine.ends == [1060]


@pytest.mark.django_db
def test_it_says_every_five_seconds_that_turns_go_well(
    loop: EngineLoop, engine: FakeEngine, clock: list[float]
) -> None:
    for clock[0] in (1000, 1001, 1004.9, 1005, 1007):
        loop.turn()
    engine.fails = True
    for clock[0] in (1010, 1016, 1020):
        loop.turn()
    engine.fails = False
    clock[0] = 1021
    loop.turn()
    assert engine.beats == [1000, 1005, 1021]


def test_an_order_whose_nudge_was_lost_is_worked_within_two_seconds(world: World) -> None:
    """The real loop and the real engine, with a tick every eighth of a second."""
    abc, trader = world.instrument(), world.trader()
    placed: list[Order] = []

    def second_by_second() -> Iterator[float]:
        yield 0.0  # when it is made
        for number in range(1, 32):
            world.now += timedelta(seconds=STEP_S)
            hear(world, abc)
            loop.on_ticks([])
            if number == 10:
                placed.append(world.place(trader, abc, "buy", 1, drain=False))
            yield number * STEP_S
        loop.stop()
        yield 32 * STEP_S

    seconds = second_by_second()
    loop = EngineLoop(world.engine, lambda: world.now, lambda: next(seconds))
    loop.run()
    (order,) = Order.objects.all()
    assert order.status == "filled"
    assert timedelta(0) < order.updated_at - order.accepted_at <= timedelta(seconds=1)
    assert Shard.objects.get().starts == 0, "it ended in good order"


def hear(world: World, instrument: Instrument) -> None:
    """Publish a quote and leave it to the loop to work it."""
    drain, world.engine.drain = world.engine.drain, lambda *_, **__: 0  # type: ignore[method-assign]
    try:
        world.tick(instrument, "99.90", "100.00", after_s=0)
    finally:
        world.engine.drain = drain  # type: ignore[method-assign]
