"""Groups of orders over a split: legs stay with their entry, and one hold covers them both."""

import pytest

from instruments.models import Instrument
from orders.models import Order
from trades.tests.corporate_stage import MIDNIGHT, shares_of, split, until
from trades.tests.world import D, World, assert_books_are_clean


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "69.99", "70.00", last="70.00", size=10_000)
    return made


def test_legs_that_wait_are_for_what_their_entry_wants(world: World, abc: Instrument) -> None:
    trader = world.trader()
    entry = world.place(trader, abc, "buy", 10, limit="63.00", tif="gtc", profit="77", loss="56")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    legs = world.legs(entry)
    assert [(leg.status, leg.quantity) for leg in legs.values()] == [("held", 70)] * 2
    assert (legs["take_profit"].limit_price, legs["stop_loss"].stop_price) == (11, 8)
    world.tick(abc, "8.99", "9.00", last="9.00")
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity) == ("filled", 70)
    assert shares_of(trader) == (70, 70)
    assert {leg.status for leg in world.legs(entry).values()} == {"new"}
    assert_books_are_clean()


def test_legs_at_work_hold_their_new_shares_once_and_one_ends_the_other(
    world: World, abc: Instrument
) -> None:
    trader = world.trader()
    entry = world.place(trader, abc, "buy", 10, tif="gtc", profit="77", loss="56")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (70, 70)
    world.tick(abc, "11.00", "11.01", last="11.00", size=30)
    legs = world.legs(entry)
    assert (legs["take_profit"].filled_quantity, legs["stop_loss"].quantity) == (30, 40)
    assert shares_of(trader) == (40, 40)
    assert_books_are_clean()
    world.tick(abc, "11.00", "11.01", last="11.00", size=40)
    ends = {name: leg.status for name, leg in world.legs(entry).items()}
    assert ends == {"take_profit": "filled", "stop_loss": "canceled"}
    assert shares_of(trader) == (0, 0)
    assert_books_are_clean()


def test_a_partly_filled_leg_goes_on_with_the_other(world: World, abc: Instrument) -> None:
    trader = world.trader()
    entry = world.place(trader, abc, "buy", 10, tif="gtc", profit="77", loss="56")
    world.tick(abc, "77.00", "77.01", last="77.00", size=4)
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    legs = world.legs(entry)
    assert {leg.leaves_quantity for leg in legs.values()} == {D("42")}
    assert shares_of(trader) == (42, 42)
    assert_books_are_clean()
    world.tick(abc, "7.99", "8.01", last="8.00")
    world.tick(abc, "7.98", "8.00")
    assert shares_of(trader) == (0, 0)
    assert_books_are_clean()


def test_a_leg_that_cannot_stand_takes_its_group_along(world: World, abc: Instrument) -> None:
    """At 1000 for 1 a stop at 5.00 would stand below a cent."""
    trader = world.trader()
    at_work = world.place(trader, abc, "buy", 10, tif="gtc", profit="77", loss="5.00")
    waiting = world.place(trader, abc, "buy", 9, limit="65", tif="gtc", profit="77", loss="5.00")
    split(abc, 1000, 1)
    until(world, MIDNIGHT)
    orders = Order.objects.exclude(status="filled")
    groups = {at_work.group_id, waiting.group_id}
    assert {order.group_id for order in orders} == groups
    assert {order.status for order in orders} == {"canceled"}
    assert shares_of(trader) == (10_000, 0)
    assert_books_are_clean()


def test_a_reverse_split_cancels_whole_groups(world: World, abc: Instrument) -> None:
    trader = world.trader()
    entry = world.place(trader, abc, "buy", 10, tif="gtc", profit="77", loss="56")
    split(abc, 1, 10)
    until(world, MIDNIGHT)
    assert {leg.status for leg in world.legs(entry).values()} == {"canceled"}
    assert shares_of(trader) == (1, 0)
    assert_books_are_clean()
