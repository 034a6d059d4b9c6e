"""Groups over a split: whole groups go on in new shares, or whole groups end."""

from decimal import Decimal

import pytest

from accounts.services import default_fee_schedule
from instruments.models import Instrument
from orders.models import Order
from orders.services import request_cancel
from trades.corporate.due import apply_due
from trades.tests.corporate_stage import MIDNIGHT, shares_of, split, until
from trades.tests.test_groups import stands
from trades.tests.world import World

D = Decimal


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "99.00", "101.00", last="100.00")
    return made


def leaves(world: World, entry: Order) -> dict[str, tuple[str, Decimal]]:
    return {name: (leg.status, leg.leaves_quantity) for name, leg in world.legs(entry).items()}


def test_a_group_that_waits_goes_on_in_new_shares(world: World, abc: Instrument) -> None:
    trader = world.trader()
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="90", tif="gtc")
    split(abc, 2, 1)
    until(world, MIDNIGHT)
    assert stands(entry) == ("new", 20, 0)
    legs = world.legs(entry)
    assert {name: stands(leg) for name, leg in legs.items()} == {
        "take_profit": ("held", 20, 0),
        "stop_loss": ("held", 20, 0),
    }
    assert (legs["take_profit"].limit_price, legs["stop_loss"].stop_price) == (60, 45)
    world.tick(abc, "49.00", "50.00", size=6)
    assert leaves(world, entry) == {"take_profit": ("new", 6), "stop_loss": ("new", 6)}
    assert shares_of(trader) == (6, 6)


def test_a_trailing_leg_that_waits_goes_along_without_a_stop(world: World, abc: Instrument) -> None:
    trader = world.trader()
    entry = world.place(
        trader, abc, "buy", 10, limit="100", profit="120", loss="trail 4", tif="gtc"
    )
    old = world.legs(entry)["stop_loss"]
    world.replace(trader, old, trail_price=D(6))
    split(abc, 2, 1)
    until(world, MIDNIGHT)
    leg = world.legs(entry)["stop_loss"]
    assert (leg.status, leg.trail_price, leg.stop_price) == ("held", 3, None)
    world.tick(abc, "49.00", "50.00")
    leg.refresh_from_db()
    assert (leg.high_water_mark, leg.stop_price) == (50, 47)


def test_an_entry_that_has_filled_in_part_goes_on_and_feeds_its_legs(
    world: World, abc: Instrument
) -> None:
    trader = world.trader()
    world.tick(abc, "99.00", "100.00", size=3)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="90", tif="gtc")
    split(abc, 3, 2)
    until(world, MIDNIGHT)
    assert stands(entry) == ("replaced", 10, 3)
    assert shares_of(trader) == (4, 4)  # 4.5, and half a share paid in cash
    assert leaves(world, entry) == {"take_profit": ("new", 4), "stop_loss": ("new", 4)}
    world.tick(abc, "65.00", "66.66", size=5)
    assert leaves(world, entry) == {"take_profit": ("new", 9), "stop_loss": ("new", 9)}
    world.tick(abc, "80.00", "81.00", size=4)
    assert shares_of(trader) == (5, 5)
    (rest,) = Order.objects.filter(group_id=entry.id, leg="", replaces=entry)
    assert (rest.status, rest.filled_quantity) == ("canceled", 5)


def test_a_take_profit_that_has_filled_in_part_is_carried_on_beside_its_stop(
    world: World, abc: Instrument
) -> None:
    trader = world.trader()
    world.tick(abc, "99.00", "100.00")
    world.place(trader, abc, "buy", 10)
    profit = world.place(trader, abc, "sell", 10, limit="105", loss="90", tif="gtc")
    world.tick(abc, "105.00", "106.00", size=4)
    split(abc, 2, 1)
    until(world, MIDNIGHT)
    assert stands(profit) == ("replaced", 10, 4)
    assert leaves(world, profit) == {"take_profit": ("new", 12), "stop_loss": ("new", 12)}
    assert shares_of(trader) == (12, 12)
    world.tick(abc, "52.50", "53.00", size=5)
    assert shares_of(trader) == (7, 7)
    world.tick(abc, "44.00", "46.00", last="45.00")
    world.tick(abc, "44.00", "46.00")
    assert shares_of(trader) == (0, 0)


def test_a_leg_that_is_to_be_replaced_keeps_its_place(world: World, abc: Instrument) -> None:
    """Over a split nobody takes it; a leg that waits goes back to waiting."""
    trader = world.trader()
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="90", tif="gtc")
    loss = world.legs(entry)["stop_loss"]
    new = world.replace(trader, loss, stop_price=D(91), drain=False)
    split(abc, 2, 1)
    apply_due(MIDNIGHT)
    assert (stands(new)[0], stands(loss)) == ("rejected", ("held", 20, 0))
    world.engine.forget()
    until(world, MIDNIGHT)
    world.tick(abc, "49.00", "50.00")
    assert leaves(world, entry) == {"take_profit": ("new", 20), "stop_loss": ("new", 20)}


def test_a_leg_without_a_price_to_stand_at_ends_its_group(world: World, abc: Instrument) -> None:
    """A stop at one cent becomes one at nothing."""
    trader = world.trader()
    waits = world.place(trader, abc, "buy", 5, limit="95", profit="120", loss="0.01", tif="gtc")
    world.tick(abc, "99.00", "100.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="0.01", tif="gtc")
    split(abc, 2, 1)
    until(world, MIDNIGHT)
    assert stands(waits)[0] == "canceled"
    for each in (waits, entry):
        assert {leg.status for leg in world.legs(each).values()} == {"canceled"}
    assert shares_of(trader) == (20, 0)


@pytest.mark.parametrize("filled", [0, 3])
@pytest.mark.parametrize("which", ["entry", "take_profit", "stop_loss"])
def test_an_order_that_was_asked_to_go_takes_along_whom_it_would(
    world: World, abc: Instrument, which: str, filled: int
) -> None:
    trader = world.trader()
    world.tick(abc, "99.00", "100.00" if filled else "101.00", size=3)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="90", tif="gtc")
    asked = {"entry": entry, **world.legs(entry)}[which]
    request_cancel(asked.id, trader.user, now=world.now)
    split(abc, 2, 1)
    apply_due(MIDNIGHT)
    statuses = {leg.status for leg in world.legs(entry).values()}
    assert stands(asked)[0] == "canceled"
    assert statuses == ({"new"} if which == "entry" and filled else {"canceled"})
    assert stands(entry)[0] in {"canceled", "replaced"}
    assert not Order.objects.filter(closed_at=None, leg="").exists()


def test_a_reverse_split_ends_whole_groups(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.tick(abc, "99.00", "100.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="90", tif="gtc")
    waits = world.place(trader, abc, "buy", 10, limit="95", profit="120", loss="90", tif="gtc")
    world.replace(trader, world.legs(waits)["stop_loss"], stop_price=D(89))
    split(abc, 1, 10)
    until(world, MIDNIGHT)
    assert not Order.objects.filter(closed_at=None).exists()
    assert {leg.status for leg in world.legs(entry).values()} == {"canceled"}
    assert shares_of(trader) == (1, 0)


def test_an_entry_that_can_pay_for_less_has_legs_for_less(world: World, abc: Instrument) -> None:
    trader = world.trader(cash="1001.00", fees=default_fee_schedule())
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss="90", tif="gtc")
    split(abc, 100, 1)
    until(world, MIDNIGHT)
    status, quantity, _ = stands(entry)
    assert status == "new"
    assert quantity < 1000
    assert {leg.quantity for leg in world.legs(entry).values()} == {quantity}


def test_legs_at_work_hold_their_new_shares_once_and_one_ends_the_other(
    world: World, abc: Instrument
) -> None:
    trader = world.trader()
    world.tick(abc, "99.00", "100.00")
    entry = world.place(trader, abc, "buy", 10, tif="gtc", profit="140", loss="70")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (70, 70)
    world.tick(abc, "20.00", "20.01", size=30)
    assert leaves(world, entry) == {
        "take_profit": ("partially_filled", 40),
        "stop_loss": ("new", 40),
    }
    assert shares_of(trader) == (40, 40)
    world.tick(abc, "20.00", "20.01", size=40)
    assert leaves(world, entry) == {"take_profit": ("filled", 0), "stop_loss": ("canceled", 0)}
    assert shares_of(trader) == (0, 0)
