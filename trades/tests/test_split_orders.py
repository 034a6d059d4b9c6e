"""Open orders over a split: adjusted where they stand, carried on, canceled; always covered."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.services import default_fee_schedule
from bengi.events.models import Event
from instruments.models import CorporateAction, Instrument
from orders.models import Order
from orders.services import request_cancel
from portfolios.models import Lot
from trades.corporate.due import apply_due
from trades.explaining import explain
from trades.models import Trade
from trades.tests.corporate_stage import BEFORE, MIDNIGHT, cash_of, shares_of, split, until
from trades.tests.world import D, Trader, World, assert_books_are_clean, open_world

SOON = timedelta(seconds=1)


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "69.99", "70.00", last="70.00", size=10_000)
    return made


def seen(order: Order) -> dict[str, Any]:
    """Return what of an order a split may change, read anew."""
    names = ("status", "quantity", "limit_price", "stop_price", "reserved")
    return Order.objects.values(*names).get(id=order.id)


def last_event(order: Order) -> Event:
    return Event.objects.filter(subject=order.id).order_by("-seq")[0]


def test_an_order_without_fills_is_adjusted_where_it_stands(world: World, abc: Instrument) -> None:
    trader = world.trader()
    order = world.place(trader, abc, "buy", 10, limit="64.33", tif="gtc", key="mine")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    before, order = order, Order.objects.get(id=order.id)
    assert (order.status, order.quantity, order.limit_price) == ("new", 70, Decimal("9.19"))
    assert (order.client_order_id, order.priority) == ("mine", before.priority)
    assert order.reserved == Decimal("643.30")  # 70 x 9.19, no more
    assert cash_of(trader) == (100_000, Decimal("643.30"))
    event = last_event(order)
    assert event.type == "order.adjusted"
    (step,) = event.payload["steps"]
    assert (step["kind"], step["ratio"]) == ("split", "7:1")
    assert step["before"]["limit_price"] == "64.33"
    assert step["after"] == {
        "quantity": "70",
        "limit_price": "9.19",
        "stop_price": None,
        "trail_price": None,
        "reserved": "643.3",
    }


def test_it_fills_as_any_other_and_on_the_day_s_own_quotes(world: World, abc: Instrument) -> None:
    trader = world.trader()
    order = world.place(trader, abc, "buy", 10, limit="64.33", tif="gtc")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    world.tick(abc, "9.18", "9.19", last="9.19")
    assert seen(order)["status"] == "filled"
    assert shares_of(trader) == (70, 0)
    assert Trade.objects.get(order=order).price == Decimal("9.19")
    told = explain(trader.user, order.id, now=world.now)
    assert told.arrival is not None
    assert (told.arrival["bid"], told.arrival["ask"]) == ("9.99857143", "10")  # 69.99 and 70.00


def test_a_stop_and_a_trailing_stop_go_along(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 20)
    stop = world.place(trader, abc, "sell", 5, stop="65.10", tif="gtc")
    trail = world.place(trader, abc, "sell", 5, trail="5.00", tif="gtc")
    by_percent = world.place(trader, abc, "sell", 5, trail="10%", tif="gtc")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert (seen(stop)["quantity"], seen(stop)["stop_price"]) == (35, Decimal("9.30"))
    trail.refresh_from_db()
    assert (trail.trail_price, trail.high_water_mark) == (Decimal("0.72"), 10)
    assert (trail.quantity, trail.stop_price) == (35, Decimal("9.28"))
    by_percent.refresh_from_db()
    assert (by_percent.trail_percent, by_percent.stop_price) == (10, 9)
    assert shares_of(trader) == (140, 105)
    world.tick(abc, "10.49", "10.50", last="10.50")
    trail.refresh_from_db()
    assert (trail.high_water_mark, trail.stop_price) == (D("10.50"), D("9.78"))
    world.tick(abc, "9.77", "9.78", last="9.78")
    world.tick(abc, "9.75", "9.76")
    trail.refresh_from_db()
    assert trail.status == "filled"
    assert seen(stop)["status"] == "new"


def test_a_partly_filled_order_goes_on_as_another_in_its_place(
    world: World, abc: Instrument
) -> None:
    """First come, first served: the heir keeps the place in the queue that its parent had."""
    first, second = world.trader(fees=default_fee_schedule()), world.trader()
    old = world.place(first, abc, "buy", 10, limit="69.30", tif="gtc", key="mine")
    behind = world.place(second, abc, "buy", 10, limit="69.30", tif="gtc")
    world.tick(abc, "69.29", "69.30", size=4)
    old.refresh_from_db()
    assert old.filled_quantity == 4
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    old.refresh_from_db()
    heir = Order.objects.get(replaces=old)
    assert (old.status, old.replaced_by, old.quantity, old.filled_quantity) == (
        "replaced",
        heir.id,
        10,
        4,
    )
    assert (old.reserved, old.commission) == (0, 1)
    assert (heir.status, heir.quantity, heir.filled_quantity) == ("new", 42, 0)
    assert (heir.limit_price, heir.priority) == (D("9.90"), old.priority)
    assert (heir.reserved, heir.commission) == (D("416.80"), 0)  # 42 x 9.90 and 1.00
    assert heir.fee_schedule_id == old.fee_schedule_id
    assert [last_event(old).type, last_event(heir).type] == ["order.replaced", "order.new"]
    assert shares_of(first) == (28, 0)
    world.tick(abc, "9.89", "9.90", size=42)
    heir.refresh_from_db()
    assert (heir.status, heir.commission) == ("filled", 1)
    assert seen(behind)["status"] == "new"
    assert shares_of(first) == (70, 0)


def test_what_is_left_of_an_amount_goes_on(world: World, abc: Instrument) -> None:
    """140 dollars of 500 are spent on old shares; the heir spends no more than the other 360."""
    trader = world.trader(cash="5000", fees=default_fee_schedule())
    world.tick(abc, "69.99", "70.00", size=2)
    old = world.place(trader, abc, "buy", notional="500.00")
    assert (old.status, old.quantity, old.filled_quantity) == ("partially_filled", 7, 2)
    action = split(abc, 7, 1)
    CorporateAction.objects.filter(id=action.id).update(effective_at=world.now + SOON)
    world.wait(seconds=1)
    old.refresh_from_db()
    heir = Order.objects.get(replaces=old)
    assert (old.status, old.reserved, heir.quantity, heir.notional) == ("replaced", 0, 35, 360)
    assert heir.reserved == D("361.00")
    assert seen(heir)["status"] == "new"
    world.tick(abc, "9.99", "10.00", size=20)
    world.tick(abc, "9.39", "9.40", size=30)
    heir.refresh_from_db()
    assert (heir.status, heir.filled_quantity) == ("filled", 37)
    assert heir.filled_value == D("359.80")  # 20 x 10.00 and 17 x 9.40
    assert cash_of(trader) == (5000 - D("140") - D("359.80") - 2, 0)


@pytest.mark.django_db
def test_a_buy_of_an_amount_that_waits_for_the_opening_keeps_it(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        rich, poor = (world.trader(cash, default_fee_schedule()) for cash in ("5000", "501"))
        abc = world.instrument()
        world.tick(abc, "49.99", "50.00")
        world.wait(hours=7)
        kept = world.place(rich, abc, "buy", notional="500.00")
        gone = world.place(poor, abc, "buy", notional="500.00")
        assert (kept.status, kept.quantity, kept.reserved) == ("accepted", 10, D("501.00"))
        split(abc, 20, 1)
        world.wait(hours=8)
        assert (seen(kept)["quantity"], seen(kept)["reserved"]) == (200, D("501.92"))
        assert seen(gone)["status"] == "canceled"  # 384 shares may cost 1.92
        world.wait(hours=9)
        world.tick(abc, "2.49", "2.50")
        kept.refresh_from_db()
        assert (kept.status, kept.filled_quantity, kept.filled_value) == ("filled", 200, 500)
        assert_books_are_clean()


def test_a_fired_stop_that_has_filled_in_part_goes_on_as_fired(
    world: World, abc: Instrument
) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 10)
    stop = world.place(trader, abc, "sell", 10, stop="69.00", tif="gtc")
    world.tick(abc, "69.00", "69.01", last="69.00", size=3)
    world.tick(abc, "68.98", "68.99", size=3)
    assert seen(stop)["status"] == "partially_filled"
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    heir = Order.objects.get(replaces=stop)
    assert heir.triggered_at is not None
    assert (heir.quantity, heir.stop_price) == (49, D("9.85"))
    assert shares_of(trader) == (49, 49)
    world.tick(abc, "9.99", "10.00", size=100)
    assert seen(heir)["status"] == "filled"


def test_commission_on_more_shares_comes_out_of_free_cash(world: World, abc: Instrument) -> None:
    """0.005 a share, at least 1.00: 1000 cost 5.00, the 7000 that they become 35.00."""
    trader = world.trader(cash="100000", fees=default_fee_schedule())
    order = world.place(trader, abc, "buy", 1000, limit="69.93", tif="gtc")
    assert seen(order)["reserved"] == 69_935
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert (seen(order)["quantity"], seen(order)["reserved"]) == (7000, 69_965)
    assert cash_of(trader) == (100_000, 69_965)


def test_where_cash_is_short_an_order_wants_less(world: World, abc: Instrument) -> None:
    trader = world.trader(cash="69935", fees=default_fee_schedule())
    order = world.place(trader, abc, "buy", 1000, limit="69.93", tif="gtc")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    # 6996 x 9.99 and 34.98 in commission are 69 925.02; one more share would be a cent too many
    assert (seen(order)["quantity"], seen(order)["reserved"]) == (6996, D("69925.02"))
    assert cash_of(trader) == (69_935, D("69925.02"))


def test_what_cannot_stand_in_new_prices_is_canceled(world: World) -> None:
    penny = world.instrument("PENNY")
    trader = world.trader()
    world.tick(penny, "0.06", "0.07", last="0.06")
    order = world.place(trader, penny, "buy", 100, limit="0.06", tif="gtc")
    split(penny, 7, 1)
    until(world, MIDNIGHT)
    order.refresh_from_db()
    assert (order.status, order.reserved) == ("canceled", 0)
    assert order.reason == "A 7:1 split leaves no price or size that it could stand at."
    assert cash_of(trader) == (100_000, 0)


def test_a_reverse_split_cancels_all_that_is_open(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 25)
    sell = world.place(trader, abc, "sell", 25, limit="75.00", tif="gtc")
    buy = world.place(trader, abc, "buy", 5, limit="65.00", tif="gtc")
    split(abc, 1, 10)
    until(world, MIDNIGHT)
    assert seen(sell)["status"] == seen(buy)["status"] == "canceled"
    sell.refresh_from_db()
    assert sell.reason == "Canceled by a 1:10 reverse split."
    assert shares_of(trader) == (2, 0)
    assert cash_of(trader)[1] == 0


def test_named_lots_stay_with_their_order(world: World, abc: Instrument) -> None:
    trader = world.trader()
    world.place(trader, abc, "buy", 3)
    world.place(trader, abc, "buy", 5)
    older, younger = Lot.objects.order_by("opened_at", "id")
    order = world.place(
        trader, abc, "sell", 6, limit="72.00", tif="gtc", lots=[(younger, 5), (older, 1)]
    )
    split(abc, 3, 2)
    until(world, MIDNIGHT)
    order.refresh_from_db()
    assert [(lot["lot_id"], lot["quantity"]) for lot in order.lots] == [
        (str(younger.id), "7"),
        (str(older.id), "1"),
    ]
    assert order.quantity == 8
    assert shares_of(trader) == (12, 8)
    world.tick(abc, "48.00", "48.01", last="48.00")
    younger.refresh_from_db()
    assert younger.remaining_quantity == D("0.5")
    assert shares_of(trader) == (4, 0)


def test_what_is_closed_for_cash_is_not_what_an_order_names(world: World, abc: Instrument) -> None:
    """5 and 4 are 13 and a half by 3:2. The order names 7 of the older 7.5; half of it may go."""
    trader = world.trader()
    world.place(trader, abc, "buy", 5)
    world.place(trader, abc, "buy", 4)
    older = Lot.objects.order_by("opened_at", "id")[0]
    order = world.place(trader, abc, "sell", 5, limit="72.00", tif="gtc", lots=[(older, 5)])
    split(abc, 3, 2)
    until(world, MIDNIGHT)
    older.refresh_from_db()
    assert (older.remaining_quantity, shares_of(trader)) == (7, (13, 7))
    world.tick(abc, "48.00", "48.01", last="48.00")
    assert seen(order)["status"] == "filled"
    assert shares_of(trader) == (6, 0)


def test_an_order_of_the_ex_date_was_placed_in_new_shares(world: World, abc: Instrument) -> None:
    """The engine was away at midnight; what came after it stays as it was given."""
    trader = world.trader()
    old = world.place(trader, abc, "buy", 10, limit="65.10", tif="gtc")
    split(abc, 7, 1)
    world.now = MIDNIGHT + SOON
    new = world.place(trader, abc, "buy", 10, limit="65.10", tif="gtc", drain=False)
    world.drain()
    assert (seen(old)["quantity"], seen(old)["limit_price"]) == (70, D("9.30"))
    assert (seen(new)["quantity"], seen(new)["limit_price"]) == (10, D("65.10"))


def test_an_order_that_the_split_overtook_is_canceled(world: World, abc: Instrument) -> None:
    """It was given before midnight and waited for the split's own transaction."""
    trader = world.trader()
    world.place(trader, abc, "buy", 10)
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    world.now = BEFORE
    late = world.place(trader, abc, "sell", 10, stop="65.00", tif="gtc", drain=False)
    world.now = MIDNIGHT + SOON
    assert shares_of(trader) == (70, 10)
    apply_due(world.now)
    late.refresh_from_db()
    assert (late.status, shares_of(trader)) == ("canceled", (70, 0))
    assert late.reason.startswith("A 7:1 split came before it was booked")
    world.engine.forget()
    world.tick(abc, "9.99", "10.00", last="9.99")
    assert shares_of(trader) == (70, 0)


def test_requests_that_nobody_has_answered_are_answered(world: World, abc: Instrument) -> None:
    """The engine is away and staff apply the split by hand: asked to go goes, the rest stays."""
    trader = world.trader()
    asked = world.place(trader, abc, "buy", 10, limit="65.10", tif="gtc")
    gone = world.place(trader, abc, "buy", 10, limit="64.40", tif="gtc")
    split(abc, 7, 1)
    new = world.replace(trader, asked, limit_price=D("66.50"), drain=False)
    request_cancel(gone.id, trader.user, now=world.now)
    apply_due(MIDNIGHT)
    new.refresh_from_db()
    assert (new.status, new.reserved) == ("rejected", 0)
    assert new.reason == "A 7:1 split came before it."
    assert (seen(asked)["status"], seen(asked)["quantity"]) == ("new", 70)
    assert seen(gone)["status"] == "canceled"
    assert cash_of(trader)[1] == seen(asked)["reserved"] == 651
    world.engine.forget()


def test_a_day_order_ends_with_its_day(world: World, abc: Instrument) -> None:
    trader = world.trader()
    order = world.place(trader, abc, "buy", 10, limit="65.10")
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert seen(order)["status"] == "expired"
    assert cash_of(trader)[1] == 0


def cover(trader: Trader) -> None:
    """What is reserved is there."""
    amount, reserved = cash_of(trader)
    assert 0 <= reserved <= amount
    quantity, held = shares_of(trader)
    assert 0 <= held <= quantity


@pytest.mark.parametrize(("new", "old"), [(3, 2), (5, 3), (11, 10), (7, 4)])
def test_odd_ratios_leave_every_order_covered(
    world: World, abc: Instrument, new: int, old: int
) -> None:
    trader = world.trader(fees=default_fee_schedule())
    world.place(trader, abc, "buy", 23)
    for quantity, limit in ((5, "70.50"), (7, "71.00"), (11, "72.00")):
        world.place(trader, abc, "sell", quantity, limit=limit, tif="gtc")
    for quantity, limit in ((5, "65.03"), (7, "66.01"), (300, "67.00")):
        world.place(trader, abc, "buy", quantity, limit=limit, tif="gtc")
    split(abc, new, old)
    until(world, MIDNIGHT)
    cover(trader)
    sizes = Order.objects.filter(side="sell").order_by("id").values_list("quantity", flat=True)
    assert list(sizes) == [quantity * new // old for quantity in (5, 7, 11)]


def test_the_story_of_an_order_tells_its_splits(world: World, abc: Instrument) -> None:
    """Adjusted, carried on, ended: each in words, on both sides of the split."""
    trader = world.trader()
    world.place(trader, abc, "buy", 20)
    kept = world.place(trader, abc, "buy", 10, limit="64.33", tif="gtc")
    part = world.place(trader, abc, "sell", 9, limit="72.00", tif="gtc")
    world.tick(abc, "72.00", "72.01", size=2)
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    heir = Order.objects.get(replaces=part)
    split(abc, 1, 10, ex_date=MIDNIGHT.date() + timedelta(days=1))
    until(world, MIDNIGHT + timedelta(days=1))

    def told(order: Order) -> list[tuple[str, str]]:
        entries = explain(trader.user, order.id, now=world.now).timeline.entries
        return [(entry.title, entry.text) for entry in entries if entry.kind == "split"]

    assert told(kept) == [
        (
            "Adjusted for a 7:1 split",
            "10, limit 64.33 became 70, limit 9.19, in new shares.",
        ),
        ("Canceled", "Canceled by a 1:10 reverse split. 643.30 USD are free again."),
    ]
    assert told(part) == [
        (
            "Goes on as another order",
            "What it has filled was in old shares; another order wants the rest in new ones.",
        )
    ]
    assert told(heir)[0] == (
        "Adjusted for a 7:1 split",
        "7, limit 72.00 became 49, limit 10.29, in new shares.",
    )
    assert told(heir)[1][1] == "Canceled by a 1:10 reverse split. 49 ABC are free again."
