"""Replacing in a group: who takes an order's place takes its place in the group."""

from decimal import Decimal
from typing import Any

import pytest

from bengi.errors import Conflict, Refused
from orders.models import Order
from orders.services import request_cancel
from trades.tests.test_groups import cash, shares, stands, told
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

D = Decimal
pytestmark = pytest.mark.django_db


def bracket(world: World, *, ask: str = "101.00", size: int = 1000) -> tuple[Trader, Any, Order]:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", ask, size=size)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    return trader, abc, entry


def test_a_leg_at_work_is_replaced_and_the_pair_holds_together(world: World) -> None:
    trader, abc, entry = bracket(world, ask="100.00")
    old, loss = world.legs(entry)["take_profit"], world.legs(entry)["stop_loss"]
    new = world.replace(trader, old, limit_price=D("108"))
    assert (stands(old)[0], stands(new)) == ("replaced", ("new", 10, 0))
    assert (new.leg, new.group_id, new.parent_id) == ("take_profit", entry.id, entry.id)
    assert new.released_at == old.released_at
    assert shares(trader) == (10, 10)
    world.tick(abc, "108.00", "109.00", size=4)
    assert (stands(new), stands(loss)) == (("partially_filled", 10, 4), ("new", 6, 0))
    lower = world.replace(trader, loss, stop_price=D("96"))
    assert (stands(lower), shares(trader)) == (("new", 6, 0), (6, 6))
    world.tick(abc, "95.00", "97.00", last="96.00")
    assert stands(new) == ("canceled", 10, 4)
    world.tick(abc, "95.00", "97.00")
    assert stands(lower) == ("filled", 6, 6)
    assert shares(trader) == (0, 0)


def test_a_leg_that_is_held_is_replaced_and_goes_on_being_held(world: World) -> None:
    trader, abc, entry = bracket(world)
    old = world.legs(entry)["stop_loss"]
    new = world.replace(trader, old, stop_price=D("96"))
    assert (stands(old)[0], stands(new)) == ("replaced", ("held", 10, 0))
    again = world.replace(trader, new, stop_price=D("97"))
    assert (stands(new)[0], stands(again)) == ("replaced", ("held", 10, 0))
    assert_books_are_clean()
    world.engine.forget()
    world.tick(abc, "99.00", "100.00", size=4)
    assert stands(again) == ("new", 4, 0)
    assert told(again) == ["held", "held", "new"]
    world.tick(abc, "96.00", "97.50", last="97.00")
    assert world.legs(entry)["take_profit"].status == "canceled"


def test_a_leg_that_is_released_while_it_waits_for_its_replacement(world: World) -> None:
    trader, abc, entry = bracket(world)
    old = world.legs(entry)["stop_loss"]
    new = world.replace(trader, old, stop_price=D("96"), drain=False)
    world.tick(abc, "99.00", "100.00", size=4, is_nudged=False)
    assert (stands(old), stands(new)) == (("pending_replace", 4, 0), ("held", 10, 0))
    assert shares(trader) == (4, 4)
    assert_books_are_clean()
    world.drain()
    assert (stands(old)[0], stands(new)) == ("replaced", ("new", 4, 0))
    assert (new.released_at, shares(trader)) == (old.released_at, (4, 4))


def test_a_leg_whose_place_is_gone_drops_what_was_to_take_it(world: World) -> None:
    trader, abc, entry = bracket(world, ask="100.00")
    loss = world.legs(entry)["stop_loss"]
    new = world.replace(trader, loss, stop_price=D("96"), drain=False)
    world.tick(abc, "110.00", "111.00", is_nudged=False)
    assert (stands(loss)[0], stands(new)[0]) == ("canceled", "rejected")
    world.drain()
    assert shares(trader) == (0, 0)


def test_a_trailing_leg_that_waits_has_no_stop_until_it_is_released(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00", last="101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="trail 2")
    old = world.legs(entry)["stop_loss"]
    new = world.replace(trader, old, trail_percent=D(5))
    assert (new.trail_price, new.stop_price, new.high_water_mark) == (None, None, None)
    late = world.replace(trader, new, trail_price=D(3), drain=False)
    world.tick(abc, "99.00", "100.00", is_nudged=False)
    new.refresh_from_db()
    assert (new.high_water_mark, new.stop_price) == (100, 95)
    world.drain()
    late.refresh_from_db()
    assert (late.high_water_mark, late.stop_price, late.status) == (100, 97, "new")


def test_an_entry_is_replaced_and_takes_its_legs_along(world: World) -> None:
    trader, abc, entry = bracket(world)
    new = world.replace(trader, entry, quantity=D(20), limit_price=D("100.50"))
    assert (stands(entry)[0], stands(new)) == ("replaced", ("new", 20, 0))
    assert (new.group_id, new.parent_id, new.order_class) == (entry.id, None, "bracket")
    legs = world.legs(entry)
    assert {leg: stands(order) for leg, order in legs.items()} == {
        "take_profit": ("held", 20, 0),
        "stop_loss": ("held", 20, 0),
    }
    world.engine.forget()
    world.tick(abc, "99.00", "100.50", size=15)
    assert stands(new) == ("partially_filled", 20, 15)
    assert stands(legs["take_profit"]) == ("new", 15, 0)
    assert shares(trader) == (15, 15)
    world.cancel(trader, new)
    assert (stands(legs["stop_loss"]), cash(trader)[1]) == (("new", 15, 0), 0)


def test_an_entry_that_has_filled_in_part_goes_on_feeding_its_legs(world: World) -> None:
    trader, abc, entry = bracket(world, ask="100.00", size=4)
    new = world.replace(trader, entry, limit_price=D("101.00"))
    assert (stands(entry), stands(new)) == (("replaced", 10, 4), ("new", 6, 0))
    world.tick(abc, "99.00", "101.00", size=5)
    assert stands(new) == ("partially_filled", 6, 5)
    assert stands(world.legs(entry)["stop_loss"]) == ("new", 9, 0)
    assert shares(trader) == (9, 9)


def test_an_entry_that_only_wants_less_keeps_its_place_and_its_legs(world: World) -> None:
    trader, abc, entry = bracket(world)
    other = world.place(world.trader(), abc, "buy", 5, limit="100", tif="gtc")
    new = world.replace(trader, entry, quantity=D(6))
    world.tick(abc, "99.00", "100.00", size=6)
    assert (stands(new), stands(other)) == (("filled", 6, 6), ("new", 5, 0))
    assert stands(world.legs(entry)["take_profit"]) == ("new", 6, 0)


def test_what_belongs_to_the_group_is_not_changed_alone(world: World) -> None:
    trader, _, entry = bracket(world)
    profit = world.legs(entry)["take_profit"]
    for order, changes in (
        (profit, {"quantity": D(5)}),
        (profit, {"time_in_force": "day"}),
        (entry, {"time_in_force": "day"}),
    ):
        with pytest.raises(Refused, match="unsupported_combination") as refused:
            world.replace(trader, order, **changes)
        assert refused.value.field == next(iter(changes))


@pytest.mark.parametrize(
    ("which", "changes", "field"),
    [
        ("take_profit", {"limit_price": D("100")}, "limit_price"),
        ("stop_loss", {"stop_price": D("100")}, "stop_price"),
        ("stop_loss", {"stop_price": D("95.005")}, "stop_price"),
        ("entry", {"limit_price": D("94")}, "stop_loss.stop_price"),
    ],
)
def test_prices_stay_in_their_order(
    world: World, which: str, changes: dict[str, Any], field: str
) -> None:
    trader, _, entry = bracket(world)
    order = {"entry": entry, **world.legs(entry)}[which]
    with pytest.raises(Refused) as refused:
        world.replace(trader, order, **changes)
    assert refused.value.field == field


def test_legs_at_work_are_measured_from_the_market_and_each_other(world: World) -> None:
    trader, abc, entry = bracket(world, ask="100.00")
    world.tick(abc, "105.00", "105.50", last="105.00")
    loss = world.legs(entry)["stop_loss"]
    with pytest.raises(Refused, match=r"at 104\.99 or below"):
        world.replace(trader, loss, stop_price=D("105"))
    loss = world.replace(trader, loss, stop_price=D("104"))
    profit = world.legs(entry)["take_profit"]
    with pytest.raises(Refused, match=r"at 103\.99 or below"):
        world.replace(trader, profit, limit_price=D("104"))
    new = world.replace(trader, profit, limit_price=D("125"))
    assert (stands(new)[0], stands(loss)[0]) == ("new", "new")


def test_the_same_key_replaces_a_leg_once_whatever_its_size_is_by_then(world: World) -> None:
    trader, abc, entry = bracket(world, ask="100.00", size=4)
    loss = world.legs(entry)["stop_loss"]
    first = world.replace(trader, loss, key="again", stop_price=D("96"))
    world.tick(abc, "99.00", "100.00", size=2)
    assert stands(first) == ("new", 6, 0)
    assert world.replace(trader, loss, key="again", stop_price=D("96")).id == first.id
    with pytest.raises(Refused, match="idempotency_mismatch"):
        world.replace(trader, loss, key="again", stop_price=D("97"))


def test_a_stop_that_has_fired_is_not_replaced(world: World) -> None:
    trader, abc, entry = bracket(world, ask="100.00")
    world.tick(abc, "94.00", None, last="95.00")
    with pytest.raises(Conflict, match="order_not_replaceable"):
        world.replace(trader, world.legs(entry)["stop_loss"], stop_price=D("90"))


def test_out_of_hours_a_replacement_waits_for_the_session(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, _, entry = bracket(world, ask="100.00")
        world.wait(hours=7)
        loss, profit = world.legs(entry)["stop_loss"], world.legs(entry)["take_profit"]
        new = world.replace(trader, loss, stop_price=D("96"))
        assert (stands(loss)[0], stands(new)[0]) == ("pending_replace", "held")
        assert_books_are_clean()
        world.wait(hours=17)
        world.drain()
        assert (stands(loss)[0], stands(new)[0]) == ("replaced", "new")
        world.wait(hours=7)
        late = world.replace(trader, profit, limit_price=D("108"))
        request_cancel(profit.id, trader.user, now=world.now)
        world.drain()
        assert (stands(profit)[0], stands(late)[0]) == ("canceled", "rejected")
        assert (stands(new)[0], shares(trader)) == ("canceled", (10, 0))
        assert_books_are_clean()


def test_an_unseen_group_is_replaced_at_once(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "101.00")
        world.wait(hours=7)
        entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
        new = world.replace(trader, entry, limit_price=D("99.50"), quantity=D(12))
        leg = world.replace(trader, world.legs(entry)["stop_loss"], stop_price=D("94"))
        assert (stands(entry)[0], stands(new)) == ("replaced", ("accepted", 12, 0))
        assert (stands(leg), stands(world.legs(entry)["take_profit"])) == (
            ("held", 12, 0),
            ("held", 12, 0),
        )
        assert_books_are_clean()
        world.wait(hours=17)
        world.drain()
        assert (stands(new)[0], stands(leg)[0]) == ("new", "held")
        world.tick(abc, "99.00", "99.50")
        assert (stands(new)[0], stands(leg)[0]) == ("filled", "new")
        assert_books_are_clean()
