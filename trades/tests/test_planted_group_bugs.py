"""Bugs planted where groups are read, booked and held: a life of a group must show each of them."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError

from tests.state.planted import Bug, plant
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

D = Decimal
pytestmark = pytest.mark.django_db


def bracket(world: World, size: int = 1000) -> tuple[Trader, object, object]:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=size)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    return trader, abc, entry


def both_legs_sell_a_part(world: World) -> None:
    """Four of ten are bought, two sold with profit, two by the stop."""
    _, abc, entry = bracket(world, size=4)
    legs = world.legs(entry)
    assert [leg.quantity for leg in legs.values()] == [4, 4]
    world.tick(abc, "110.00", "111.00", size=2)
    assert_books_are_clean()
    world.tick(abc, "94.00", None, last="95.00")
    world.tick(abc, "94.00", None)
    assert [leg.filled_quantity for leg in world.legs(entry).values()] == [2, 2]


def the_engine_forgets_and_the_profit_is_taken(world: World) -> None:
    _, abc, entry = bracket(world)
    world.engine.forget()
    world.tick(abc, "110.00", "111.00")
    assert world.legs(entry)["stop_loss"].status == "canceled"


def a_held_leg_is_replaced(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    new = world.replace(trader, world.legs(entry)["stop_loss"], stop_price=D(96))
    assert new.status == "held"
    world.tick(abc, "99.00", "100.00")
    assert world.legs(entry)["stop_loss"].status == "new"


def a_leg_at_work_is_replaced(world: World) -> None:
    trader, abc, entry = bracket(world)
    world.replace(trader, world.legs(entry)["stop_loss"], stop_price=D(96))
    assert_books_are_clean()
    world.tick(abc, "110.00", "111.00")
    assert world.legs(entry)["stop_loss"].status == "canceled"


def an_entry_is_replaced(world: World) -> None:
    trader, abc, entry = bracket(world, size=4)
    world.replace(trader, entry, limit_price=D("100.50"))
    world.tick(abc, "99.00", "100.50", size=3)
    assert [leg.quantity for leg in world.legs(entry).values()] == [7, 7]


def a_pair_is_placed(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    world.place(trader, abc, "buy", 10)
    profit = world.place(trader, abc, "sell", 10, limit="105", loss="95", tif="gtc")
    assert profit.status == world.legs(profit)["stop_loss"].status == "new"
    world.tick(abc, "105.00", "106.00")
    assert world.legs(profit)["stop_loss"].status == "canceled"


def a_group_is_canceled_before_it_was_seen(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", drain=False)
    world.cancel(trader, entry)
    assert {leg.status for leg in world.legs(entry).values()} == {"canceled"}


BUGS: list[tuple[Bug, Callable[[World], None]]] = [
    (
        Bug(
            "legs are for what was asked for, not for what has filled",
            "trades.legs",
            "size_leg",
            "leg.quantity = leg.worked_quantity + from_fixed(outcome.leaves)",
            "leg.quantity = max(leg.quantity, from_fixed(outcome.leaves))",
        ),
        both_legs_sell_a_part,
    ),
    (
        Bug(
            "a pair holds its shares twice",
            "trades.legs",
            "size_leg",
            "if leg.held_shares != held:\n"
            "        rows.position(leg).reserved_quantity += leg.held_shares - held",
            "rows.position(leg).reserved_quantity += leg.quantity - held",
        ),
        both_legs_sell_a_part,
    ),
    (
        Bug(
            "the profit frees the shares that the stop holds",
            "trades.shares",
            "move_shares",
            "if not order.shares_held_by_other_leg:",
            "if order.id:",
        ),
        both_legs_sell_a_part,
    ),
    (
        Bug(
            "groups are forgotten with the books",
            "trades.work",
            "Desk.restore",
            "for members in members_of(seen).values():",
            "for members in ():",
        ),
        the_engine_forgets_and_the_profit_is_taken,
    ),
    (
        Bug(
            "who takes a held leg's place is dropped",
            "trades.booking",
            "_close",
            "if other.status == OrderStatus.HELD and other.id != order.replaced_by:",
            "if other.status == OrderStatus.HELD:",
        ),
        a_held_leg_is_replaced,
    ),
    (
        Bug(
            "who takes a held leg's place begins to work",
            "trades.booking",
            "_replace",
            "if not new.waits_for_entry:",
            "if new.id:",
        ),
        a_held_leg_is_replaced,
    ),
    (
        Bug(
            "who takes the place of a leg at work waits for the entry again",
            "trades.booking",
            "_replace",
            "    new.released_at = old.released_at\n",
            "",
        ),
        a_leg_at_work_is_replaced,
    ),
    (
        Bug(
            "a place in a group is not passed on",
            "trades.work",
            "Desk._replace",
            "groups.pass_on(old_id, working)",
            "pass",
        ),
        an_entry_is_replaced,
    ),
    (
        Bug(
            "the stop of a pair is worked by itself",
            "trades.requests",
            "_queries",
            "new = new.exclude(leg=Leg.STOP_LOSS)",
            "new = new.exclude(leg=Leg.TAKE_PROFIT)",
        ),
        a_pair_is_placed,
    ),
    (
        Bug(
            "legs outlive a group that never came to its market",
            "trades.work",
            "Desk._cancel",
            'market.settle([canceled(order_id, "user")])',
            '[canceled(order_id, "user")]',
        ),
        a_group_is_canceled_before_it_was_seen,
    ),
]


@pytest.mark.parametrize(("bug", "life"), BUGS, ids=[bug.name for bug, _ in BUGS])
def test_a_life_of_a_group_shows(
    bug: Bug, life: Callable[[World], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_world() as world:
        life(world)
        assert_books_are_clean()
    with monkeypatch.context() as patch, open_world() as world:
        plant(bug, patch)
        with pytest.raises((AssertionError, LookupError, DatabaseError)):
            _live(life, world)


def _live(life: Callable[[World], None], world: World) -> None:
    life(world)
    assert_books_are_clean()
