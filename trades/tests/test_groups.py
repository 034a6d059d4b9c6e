"""Order groups on the database: what is held, what is released, and that shares are held once."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import CashBalance
from bengi.errors import Conflict, Refused
from bengi.events.models import Event
from orders.models import Order
from orders.services import request_cancel
from portfolios.models import Position
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

D = Decimal
pytestmark = pytest.mark.django_db


def cash(trader: Trader) -> tuple[Decimal, Decimal]:
    balance = CashBalance.objects.get(account=trader.account)
    return balance.amount, balance.reserved


def shares(trader: Trader) -> tuple[Decimal, Decimal]:
    position = Position.objects.get(portfolio=trader.portfolio)
    return position.quantity, position.reserved_quantity


def told(order: Order) -> list[str]:
    """Return the events of an order, without their first word."""
    found = Event.objects.filter(subject=order.id, type__startswith="order.").order_by("seq")
    return [event.type.removeprefix("order.") for event in found]


def why(order: Order) -> str:
    """Return the code of the step that ended an order."""
    event = Event.objects.filter(subject=order.id, type__startswith="order.").latest("seq")
    return event.payload["steps"][-1]["code"]


def stands(order: Order) -> tuple[str, Decimal, Decimal]:
    order.refresh_from_db()
    return order.status, order.quantity, order.filled_quantity


def test_a_bracket_holds_its_legs_and_only_its_entry_reserves(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    legs = world.legs(entry)
    profit, loss = legs["take_profit"], legs["stop_loss"]
    assert (entry.status, profit.status, loss.status) == ("new", "held", "held")
    assert cash(trader) == (D(100_000), D(1_000))
    assert not Position.objects.exists()
    assert {entry.group_id, profit.group_id, loss.group_id} == {entry.id}
    assert (entry.parent_id, profit.parent_id, loss.parent_id) == (None, entry.id, entry.id)
    assert {order.order_class for order in (entry, profit, loss)} == {"bracket"}
    assert (profit.side, profit.type, profit.quantity) == ("sell", "limit", 10)
    assert (loss.side, loss.type, loss.time_in_force) == ("sell", "stop", "gtc")
    assert (told(entry), told(profit), told(loss)) == (["accepted", "new"], ["held"], ["held"])


def test_the_entry_fills_the_profit_is_taken_and_the_stop_goes(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95")
    legs = world.legs(entry)
    profit, loss = legs["take_profit"], legs["stop_loss"]
    assert (entry.status, profit.status, loss.status) == ("filled", "new", "new")
    assert profit.released_at == loss.released_at == world.now
    assert shares(trader) == (10, 10)
    world.tick(abc, "110.50", "111.00")
    assert stands(profit) == ("filled", 10, 10)
    assert stands(loss) == ("canceled", 10, 0)
    assert (loss.reason, why(loss)) == (
        "The other leg of its group has filled.",
        "other_leg_filled",
    )
    assert shares(trader) == (0, 0)
    assert cash(trader) == (D(100_105), 0)
    assert told(profit) == ["held", "new", "filled"]
    assert told(loss) == ["held", "new", "canceled"]


def test_partial_fills_size_the_legs(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=4)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    legs = world.legs(entry)
    profit, loss = legs["take_profit"], legs["stop_loss"]
    assert (entry.status, profit.quantity, loss.quantity) == ("partially_filled", 4, 4)
    assert (profit.status, shares(trader)) == ("new", (4, 4))
    world.tick(abc, "99.00", "100.00", size=3)
    assert (stands(profit), stands(loss)) == (("new", 7, 0), ("new", 7, 0))
    assert shares(trader) == (7, 7)
    assert told(loss) == ["held", "new", "resized"]
    world.cancel(trader, entry)
    assert stands(entry) == ("canceled", 10, 7)
    assert (stands(profit), stands(loss)) == (("new", 7, 0), ("new", 7, 0))
    world.tick(abc, "110.00", "111.00", size=2)
    assert (stands(profit), stands(loss)) == (("partially_filled", 7, 2), ("new", 5, 0))
    assert shares(trader) == (5, 5)
    world.tick(abc, "94.00", "96.00", last="95.00", size=3)
    assert (stands(profit), stands(loss)) == (("canceled", 7, 2), ("new", 5, 0))
    assert why(profit) == "other_leg_fired"
    world.tick(abc, "93.00", "96.00", size=3)
    world.tick(abc, "92.00", "96.00", size=3)
    assert stands(loss) == ("filled", 5, 5)
    assert shares(trader) == (0, 0)
    sold = Trade.objects.filter(side="sell").order_by("exec_id").values_list("quantity", "price")
    assert list(sold) == [(2, D(110)), (3, D(93)), (2, D(92))]


def test_an_exit_that_begins_is_the_end_of_the_entry(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=4)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    world.tick(abc, "110.00", "111.00", size=1)
    assert stands(entry) == ("canceled", 10, 4)
    assert why(entry) == "exit_began"
    assert shares(trader) == (3, 3)
    assert cash(trader)[1] == 0


def test_an_entry_that_is_canceled_unfilled_takes_its_legs_along(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    world.cancel(trader, entry)
    legs = world.legs(entry).values()
    assert {leg.status for leg in legs} == {"canceled"}
    assert {why(leg) for leg in legs} == {"entry_ended"}
    assert cash(trader) == (D(100_000), 0)


@pytest.mark.parametrize("filled", [0, 4])
@pytest.mark.parametrize("which", ["take_profit", "stop_loss"])
def test_a_leg_that_is_canceled_takes_the_group_along(
    world: World, which: str, filled: int
) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00" if filled else "101.00", size=4)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    leg = world.cancel(trader, world.legs(entry)[which])
    (other,) = [each for each in world.legs(entry).values() if each.id != leg.id]
    assert (leg.status, leg.reason) == ("canceled", "Canceled on request.")
    assert (other.status, why(other)) == ("canceled", "other_leg_ended")
    assert stands(entry) == ("canceled", 10, filled)
    assert why(entry) == "legs_ended"
    if filled:
        assert shares(trader) == (4, 0)
    assert cash(trader)[1] == 0


@pytest.mark.parametrize("which", ["entry", "take_profit", "stop_loss"])
def test_all_of_a_group_can_be_asked_to_go_at_once(world: World, which: str) -> None:
    """Whoever is canceled first ends the rest; their own requests find nothing to do."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    group = {"entry": entry, **world.legs(entry)}
    for name in (which, *(set(group) - {which})):
        request_cancel(group[name].id, trader.user, now=world.now)
        world.now = world.now.replace(microsecond=world.now.microsecond + 1)
    world.drain()
    assert {stands(order)[0] for order in group.values()} == {"canceled"}
    assert why(group[which]) == "user"


def test_a_day_group_expires_as_a_whole(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "100.00", size=4)
        partly = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95")
        never = world.place(trader, abc, "buy", 10, limit="90", profit="110", loss="85")
        world.wait(hours=7)
        for entry in (partly, never):
            assert stands(entry)[0] == "expired"
            assert {leg.status for leg in world.legs(entry).values()} == {"expired"}
        assert shares(trader) == (4, 0)
        assert_books_are_clean()


def test_a_group_given_out_of_hours_waits_and_can_go(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "100.00")
        world.wait(hours=7)
        stays = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
        goes = world.place(trader, abc, "buy", 10, limit="99", profit="110", loss="95", tif="gtc")
        leg = world.cancel(trader, world.legs(goes)["stop_loss"])
        assert (leg.status, stands(goes)[0]) == ("canceled", "canceled")
        assert (stands(stays)[0], world.legs(stays)["take_profit"].status) == ("accepted", "held")
        late = world.place(trader, abc, "buy", 5, limit="98", profit="110", loss="95")
        world.wait(hours=17)
        world.tick(abc, "98.00", "98.50")
        assert stands(stays)[0] == "filled"
        assert world.legs(stays)["stop_loss"].status == "new"
        world.engine.forget()
        world.wait(hours=7)
        assert stands(late)[0] == "expired"
        assert {leg.status for leg in world.legs(late).values()} == {"expired"}
        assert world.legs(stays)["stop_loss"].status == "new"
        assert_books_are_clean()


def test_a_group_that_was_never_seen_expires(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "100.00")
        world.place(trader, abc, "buy", 10)
        entry = world.place(
            trader, abc, "buy", 10, limit="99", profit="110", loss="95", drain=False
        )
        pair = world.place(trader, abc, "sell", 10, limit="110", loss="95", drain=False)
        world.wait(hours=8)
        for order in (entry, pair):
            assert stands(order)[0] == "expired"
            assert {leg.status for leg in world.legs(order).values()} == {"expired"}
        assert shares(trader) == (10, 0)
        assert_books_are_clean()


def test_a_pair_holds_its_shares_once(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    world.place(trader, abc, "buy", 10)
    profit = world.place(trader, abc, "sell", 10, limit="110", loss="95", tif="gtc")
    loss = world.legs(profit)["stop_loss"]
    assert (profit.leg, profit.status, loss.status) == ("take_profit", "new", "new")
    assert (profit.parent_id, loss.parent_id, loss.group_id) == (None, None, profit.id)
    assert shares(trader) == (10, 10)
    with pytest.raises(Refused, match="insufficient_position"):
        world.place(trader, abc, "sell", 1, limit="105")
    world.tick(abc, "110.00", "111.00", size=4)
    assert (stands(profit), stands(loss)) == (("partially_filled", 10, 4), ("new", 6, 0))
    assert shares(trader) == (6, 6)
    world.cancel(trader, profit)
    assert (stands(profit), stands(loss)) == (("canceled", 10, 4), ("canceled", 6, 0))
    assert shares(trader) == (6, 0)


def test_a_pair_that_is_reached_already_sells_as_it_comes(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=10, last="99.50")
    world.place(trader, abc, "buy", 10)
    world.tick(abc, "99.00", "100.00", size=4)
    profit = world.place(trader, abc, "sell", 10, limit="98.50", loss="95", tif="gtc")
    assert stands(profit) == ("partially_filled", 10, 4)
    assert stands(world.legs(profit)["stop_loss"]) == ("new", 6, 0)
    world.tick(abc, "99.00", "100.00", size=9)
    assert (stands(profit)[0], world.legs(profit)["stop_loss"].status) == ("filled", "canceled")


def test_one_leg_alone_is_triggered(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=6)
    entry = world.place(trader, abc, "buy", 10, limit="100", loss="95", tif="gtc")
    (loss,) = world.legs(entry).values()
    assert (entry.order_class, stands(loss)) == ("oto", ("new", 6, 0))
    assert shares(trader) == (6, 6)
    world.tick(abc, "94.00", None, last="95.00")
    assert stands(entry) == ("canceled", 10, 6)
    world.tick(abc, "94.00", "96.00")
    assert stands(loss) == ("filled", 6, 6)
    assert shares(trader) == (0, 0)


def test_a_profit_alone_holds_its_shares(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=6)
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", tif="gtc")
    assert shares(trader) == (6, 6)
    world.tick(abc, "110.00", "111.00", size=2)
    assert shares(trader) == (4, 4)
    world.cancel(trader, world.legs(entry)["take_profit"])
    assert shares(trader) == (4, 0)


@pytest.mark.parametrize(
    ("loss", "mark", "stop"), [("trail 2", "100", "98"), ("trail 2.5%", "100", "97.5")]
)
def test_a_trailing_leg_starts_where_its_entry_was_filled(
    world: World, loss: str, mark: str, stop: str
) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "101.00", "102.00", last="103.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="120", loss=loss)
    waiting = world.legs(entry)["stop_loss"]
    assert (waiting.stop_price, waiting.high_water_mark) == (None, None)
    world.tick(abc, "99.00", "100.00")
    trailing = world.legs(entry)["stop_loss"]
    assert (trailing.stop_price, trailing.high_water_mark) == (D(stop), D(mark))
    world.tick(abc, "109.00", "111.00", last="110.00")
    trailing = world.legs(entry)["stop_loss"]
    assert trailing.high_water_mark == 110
    world.engine.forget()
    world.tick(abc, "100.00", "101.00", last=str(trailing.stop_price))
    world.tick(abc, "100.00", "101.00")
    assert world.legs(entry)["stop_loss"].status == "filled"
    assert world.legs(entry)["take_profit"].status == "canceled"


def test_a_stop_limit_leg_rests_at_its_limit_once_it_has_fired(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    entry = world.place(trader, abc, "buy", 10, profit="110", loss="95 limit 94")
    world.tick(abc, "90.00", "96.00", last="95.00")
    world.tick(abc, "90.00", "96.00")
    loss = world.legs(entry)["stop_loss"]
    assert (loss.type, loss.status, loss.filled_quantity) == ("stop_limit", "new", 0)
    world.engine.forget()
    world.tick(abc, "94.00", "96.00")
    assert world.legs(entry)["stop_loss"].status == "filled"


def test_a_leg_that_meets_its_own_account_ends_the_group(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=100)
    world.place(trader, abc, "buy", 10)
    world.tick(abc, "97.00", "100.00")
    own = world.place(trader, abc, "buy", 5, limit="99", tif="gtc")
    profit = world.place(trader, abc, "sell", 10, limit="98", loss="95", tif="gtc")
    loss = world.legs(profit)["stop_loss"]
    assert (profit.status, why(profit)) == ("canceled", "self_trade")
    assert (loss.status, why(loss), own.status) == ("canceled", "other_leg_ended", "new")
    assert shares(trader) == (10, 0)


def test_the_engine_takes_its_groups_up_again_wherever_they_are(world: World) -> None:
    """Forgetting the books after every step changes nothing of the outcome."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    world.engine.forget()
    world.tick(abc, "99.00", "100.00", size=4)
    assert shares(trader) == (4, 4)
    world.engine.forget()
    world.tick(abc, "99.00", "100.00", size=5)
    assert shares(trader) == (9, 9)
    world.engine.forget()
    world.tick(abc, "110.00", "111.00", size=2)
    assert (shares(trader), stands(entry)[0]) == ((7, 7), "canceled")
    world.engine.forget()
    world.tick(abc, "94.00", "95.00", last="94.50")
    assert world.legs(entry)["take_profit"].status == "canceled"
    world.engine.forget()
    world.tick(abc, "94.00", "95.00")
    assert world.legs(entry)["stop_loss"].status == "filled"
    assert shares(trader) == (0, 0)


@pytest.mark.parametrize("batches", [1, 6])
def test_a_life_in_one_batch_is_the_same_life(
    world: World, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    """Legs are at work from the fill on, not from the next batch on."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", drain=False)
    with monkeypatch.context() as patch:
        if batches == 1:
            patch.setattr(world.engine, "drain", lambda *_, **__: 0)
        world.tick(abc, "99.00", "100.00", size=4)
        world.tick(abc, "99.00", "100.00", size=5)
        world.tick(abc, "110.00", "111.00", size=2)
        world.tick(abc, "94.00", "96.00", last="95.00")
        world.tick(abc, "93.00", "96.00", size=3)
    world.tick(abc, "92.00", "96.00")
    assert world.engine.batches == batches
    assert stands(entry) == ("canceled", 10, 9)
    legs = world.legs(entry)
    assert stands(legs["take_profit"]) == ("canceled", 9, 2)
    assert stands(legs["stop_loss"]) == ("filled", 7, 7)
    prices = Trade.objects.order_by("exec_id").values_list("quantity", "price")
    assert list(prices) == [(4, 100), (5, 100), (2, 110), (3, 93), (4, 92)]


def test_a_held_order_cannot_be_canceled_while_it_waits_to_replace(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "101.00")
    entry = world.place(trader, abc, "buy", 10, limit="100", profit="110", loss="95", tif="gtc")
    new = world.replace(trader, world.legs(entry)["stop_loss"], stop_price=D(94), drain=False)
    with pytest.raises(Conflict, match="order_not_cancelable"):
        request_cancel(new.id, trader.user, now=world.now)
    world.drain()
    assert stands(new)[0] == "held"
    assert world.cancel(trader, new).status == "canceled"
    assert stands(entry)[0] == "canceled"
