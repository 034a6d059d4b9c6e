"""Instruments move between shards with their orders open: places, money and single writers stay."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bengi.bus import TICKS, get_bus
from instruments.models import Instrument
from instruments.services import shard_of
from orders.models import Order
from trades import resharding
from trades.engine import Engine, Fenced
from trades.models import SetAside, Shard
from trades.resharding import reshard
from trades.session import SessionHours
from trades.tests.world import World

MOVES, STAYS = "XYZ", "ABC"
"""Of two shards, the first has its place on shard 1 and the second on shard 0."""


@pytest.fixture
def other(world: World) -> Iterator[Engine]:
    """The engine of shard 1, which hears the ticks that come after it."""
    engine = Engine(1, hours=SessionHours("always"))
    unsubscribe = get_bus().subscribe(TICKS, engine.on_ticks)
    yield engine
    unsubscribe()


def tick_on(world: World, engine: Engine, shard: int, instrument: Instrument, ask: str) -> None:
    """Publish a quote as a feed does that knows which shard the instrument is on."""
    world.tick(instrument, "90.00", ask, shard=shard)
    engine.drain(world.now)


def test_the_two_symbols_of_these_tests_part(world: World) -> None:
    mic = world.instrument(MOVES).mic
    assert [shard_of(MOVES, mic, 2), shard_of(STAYS, mic, 2)] == [1, 0]
    assert [shard_of(MOVES, mic, 1), shard_of(STAYS, mic, 1)] == [0, 0]


def test_orders_before_and_after_keep_their_places(world: World, other: Engine) -> None:
    moving, xyz = world.instrument(MOVES), world.instrument(STAYS)
    first, second, buyer = world.trader(), world.trader(), world.trader()
    for trader in (first, second):
        world.tick(moving, "99.00", "100.00")
        world.place(trader, moving, "buy", 10)
    before = world.place(first, moving, "sell", 10, limit="105.00")
    stays = world.place(buyer, xyz, "buy", 1, limit="50.00")
    version = Shard.objects.get(id=0).version
    assert version > 3, "the old shard has written, the new one nothing"

    assert reshard(2) == 1
    after = world.place(second, moving, "sell", 10, limit="105.00")
    other.drain(world.now)
    other.forget()  # as a restart does
    taker = world.place(buyer, moving, "buy", 10, limit="105.00", drain=False)
    other.drain(world.now)
    for order in (before, after, taker, stays):
        order.refresh_from_db()
    found = taker.status, before.status, after.status
    assert found == ("filled", "filled", "new"), "who waited longest comes first"
    assert (before.priority or 0) < (after.priority or 0)
    assert stays.status == "new"
    assert {shard.version > version for shard in Shard.objects.all()} == {True}


def test_the_old_owner_can_book_no_more_of_what_moved(world: World, other: Engine) -> None:
    moving, trader = world.instrument(MOVES), world.trader()
    order = world.place(trader, moving, "buy", 10, limit="95.00")
    assert order.status == "new"
    reshard(2)
    with pytest.raises(Fenced):
        world.tick(
            moving, "90.00", "94.00"
        )  # a feed that has not been restarted sends it to shard 0
    world.engine.drain(world.now)
    order.refresh_from_db()
    assert order.status == "new", "the tick was none of that engine's any more"
    tick_on(world, other, 1, moving, "94.00")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal("94.00"))


def test_an_idle_new_owner_learns_of_it_by_its_beat(world: World, other: Engine) -> None:
    moving, trader = world.instrument(MOVES), world.trader()
    Shard.objects.create(id=1)
    other.drain(world.now)  # its books are built, and empty
    order = world.place(trader, moving, "buy", 10, limit="95.00")
    reshard(2)
    tick_on(world, other, 1, moving, "94.50")
    order.refresh_from_db()
    assert order.status == "new", "nothing tells it of orders that it has not been asked to take"
    other.beat(world.now)
    tick_on(world, other, 1, moving, "94.00")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal("94.00"))


def test_a_beat_is_noted_and_leaves_books_that_hold_alone(world: World) -> None:
    moving, trader = world.instrument(MOVES), world.trader()
    world.place(trader, moving, "buy", 10, limit="95.00")
    at = world.now + timedelta(seconds=5)
    with CaptureQueriesContext(connection) as asked:
        world.engine.beat(at)
    assert len(asked) == 1
    assert Shard.objects.get(id=0).heard_at == at
    world.tick(moving, "90.00", "94.00")
    assert Order.objects.get().status == "filled"


def test_shards_can_become_fewer_again(world: World, other: Engine) -> None:
    moving, trader = world.instrument(MOVES), world.trader()
    reshard(2)
    order = world.place(trader, moving, "buy", 10, limit="95.00", drain=False)
    other.drain(world.now)
    assert reshard(1) == 1
    assert set(Instrument.objects.values_list("shard", flat=True)) == {0}
    world.engine.beat(world.now)
    world.tick(moving, "90.00", "94.00")
    order.refresh_from_db()
    assert order.status == "filled"


def test_said_again_it_writes_nothing(world: World) -> None:
    world.instrument(MOVES)
    assert reshard(2) == 1
    before = list(Shard.objects.order_by("id").values())
    assert reshard(2) == 0
    assert list(Shard.objects.order_by("id").values()) == before


def test_the_number_of_statements_does_not_grow_with_the_instruments(world: World) -> None:
    def statements(shards: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert reshard(shards) > 0
        return len(asked)

    for name in "ABCDEFGH":
        world.instrument(f"A{name}")
    few = statements(2)
    reshard(1)
    for name in "ABCDEFGHIJKLMNOP":
        world.instrument(f"B{name}")
    assert statements(2) == few


def test_the_places_would_be_lost_with_versions_of_their_own(
    world: World, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug: each shard is merely claimed, so the new one counts from the beginning."""
    from trades.claiming import claim

    monkeypatch.setattr(resharding, "_fence", lambda ids: [claim(each) for each in sorted(ids)])
    with pytest.raises(AssertionError, match="who waited longest"):
        test_orders_before_and_after_keep_their_places(world, other)


def test_the_command(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.instrument(MOVES)
    call_command("reshard", shards=2)
    assert capsys.readouterr().out == "1 instruments have moved; there are 2 shards.\n"
    with pytest.raises(CommandError, match="between 1 and 1000"):
        call_command("reshard", shards=0)
    assert not SetAside.objects.exists()
