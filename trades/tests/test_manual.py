"""Manual execution: staff fill an open order by hand, by the engine's own booking."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.models import FeeSchedule, IdempotencyKey
from accounts.tests.factories import UserFactory
from bengi.errors import BengiError, Conflict, Forbidden, Malformed, NotFound, Refused
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.realtime.protocol import account_message
from bengi.terms import CommissionKind
from instruments.models import Instrument
from orders.limits import set_limits
from orders.models import Order
from trades.engine import Fenced
from trades.manual import Executed, ManualFill, execute
from trades.models import Shard, Trade
from trades.tests.desk import Desk, cash_of, dealer, fills_of, open_lots_of, trace
from trades.tests.world import World

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def by():
    return dealer("execute_trade")


def fill(
    world: World, by: Any, order: Order, quantity: str | int, price: str, key: str = "k"
) -> Executed:
    wanted = ManualFill(order.id, D(quantity), D(price), "Phone order")
    return execute(by, wanted, key=key, now=world.now)


def resting(world: World, abc, side: str = "buy", quantity: int = 100, limit: str = "9.80"):
    """Return a trader with an order that rests below (or above) the market at 9.90 x 10.00."""
    trader = world.trader()
    world.tick(abc, "9.90", "10.00", last="10.00")
    if side == "sell":
        world.place(trader, abc, "buy", quantity)
    return trader, world.place(trader, abc, side, quantity, limit=limit, tif="gtc")


def test_a_part_of_an_order_is_filled_by_hand(world, abc, by):
    schedule = FeeSchedule.objects.create(
        code="one", kind=CommissionKind.PER_SHARE, per_share=0, minimum=1
    )
    trader = world.trader(fees=schedule)
    world.tick(abc, "9.90", "10.00", last="10.00")
    order = world.place(trader, abc, "buy", 100, limit="9.80", tif="gtc")
    done = fill(world, by, order, 40, "9.75")
    (trade,) = fills_of(order)
    assert done.body["exec_id"] == str(trade.exec_id)
    assert (trade.quantity, trade.price, trade.liquidity, trade.commission) == (
        40, D("9.75"), "manual", 1,
    )  # fmt: skip
    assert (trade.quote_bid, trade.quote_ask, trade.executed_at) == (D("9.90"), 10, world.now)
    order.refresh_from_db()
    assert (order.status, order.leaves_quantity) == ("partially_filled", 60)
    assert cash_of(trader) == (100_000 - 391, 588)
    assert open_lots_of(trader) == [(40, 391)]


def test_the_story_of_the_order_tells_it_and_the_log_by_whom(world, abc, by):
    trader, order = resting(world, abc)
    fill(world, by, order, 40, "9.75")
    executed, partly = Event.objects.filter(stream_id=trader.account.id).order_by("-seq")[:2][::-1]
    assert executed.payload["by_hand"] == {"by": str(by.id), "reason": "Phone order"}
    step = partly.payload["steps"][-1]
    assert (step["kind"], step["code"], step["liquidity"], step["reason"]) == (
        "filled", "manual", "manual", "Phone order",
    )  # fmt: skip
    assert (step["quantity"], step["leaves_quantity"], step["quote"]["last"]) == ("40", "60", "10")
    assert str(by.id) not in str(account_message(trader.account.id, executed))
    assert str(by.id) not in str(partly.payload)


def test_a_running_engine_is_fenced_and_works_what_is_left(world, abc, by):
    _, order = resting(world, abc)
    fill(world, by, order, 40, "9.75")
    with pytest.raises(Fenced):
        world.tick(abc, "9.70", "9.80")
    world.drain()
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 100)


def test_all_that_is_left_closes_the_order(world, abc, by):
    trader, order = resting(world, abc, "sell", limit="10.10")
    fill(world, by, order, 100, "10.20")
    order.refresh_from_db()
    assert (order.status, order.closed_at) == ("filled", world.now)
    assert cash_of(trader) == (100_000 + 20, 0)


def test_an_order_that_is_asked_to_go_may_still_be_filled(world, abc, by):
    trader, order = resting(world, abc)
    world.cancel(trader, order, drain=False)
    fill(world, by, order, 40, "9.80")
    world.engine.forget()
    world.drain()
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("canceled", 40)


def test_a_key_executes_once(world, abc, by):
    _, order = resting(world, abc)
    first = fill(world, by, order, 40, "9.75")
    version = Shard.objects.get().version
    again = fill(world, by, order, 40, "9.75")
    assert (again.body, again.replayed, first.replayed) == (first.body, True, False)
    assert (Trade.objects.count(), Shard.objects.get().version) == (1, version)
    with pytest.raises(Refused, match="idempotency_mismatch"):
        fill(world, by, order, 41, "9.75")
    fill(world, by, order, 40, "9.75", key="another")
    assert Trade.objects.count() == 2


def test_what_was_executed_by_hand_is_busted_like_any_other(world, abc, by):
    trader, order = resting(world, abc)
    fill(world, by, order, 40, "9.75")
    desk = Desk(world)
    again = desk.adjust(fills_of(order)[0], "9.70")
    assert (again.liquidity, cash_of(trader)) == ("manual", (100_000 - 388, 588))
    desk.bust(again)
    assert cash_of(trader) == (100_000, 588)


# --- refusals


def refused(world, by, order, quantity, price, kind: type[BengiError] = Refused) -> BengiError:
    before = trace(), IdempotencyKey.objects.count()
    with pytest.raises(kind) as caught, transaction.atomic():
        fill(world, by, order, quantity, price)
    assert (trace(), IdempotencyKey.objects.count()) == before
    return caught.value


@pytest.mark.parametrize(
    ("quantity", "price", "code", "details"),
    [
        ("101", "9.75", "quantity_above_leaves", {"limit": "100", "value": "101"}),
        ("0.5", "9.75", "invalid_step", {"limit": "1", "value": "0.5"}),
        ("0", "9.75", "invalid_step", {"limit": "1", "value": "0"}),
        ("-1", "9.75", "invalid_step", {"limit": "1", "value": "-1"}),
        ("1", "9.755", "invalid_tick", {"limit": "0.01", "value": "9.755"}),
        ("1", "0", "invalid_tick", {"limit": "0.01", "value": "0"}),
        ("1", "9.81", "price_beyond_limit", {"limit": "9.8", "value": "9.81"}),
        ("1", "8.99", "price_collar", {"limit": ["9", "11"], "value": "8.99", "last": "10"}),
    ],
)
def test_terms_that_the_order_or_the_market_do_not_allow(
    world, abc, by, quantity, price, code, details
):
    _, order = resting(world, abc)
    error = refused(world, by, order, quantity, price)
    told = {each.code: each.details for each in error.errors}
    assert told[code] == details


def test_everything_that_is_wrong_is_told_together(world, abc, by):
    _, order = resting(world, abc)
    Instrument.objects.update(status="halted")
    error = refused(world, by, order, "101", "12.345")
    assert [each.code for each in error.errors] == [
        "symbol_halted", "quantity_above_leaves", "invalid_tick", "price_beyond_limit",
        "price_collar",
    ]  # fmt: skip
    Instrument.objects.update(status="active")


def test_at_the_edges_of_the_band_and_the_limit_it_may_trade(world, abc, by):
    _, order = resting(world, abc)
    fill(world, by, order, 1, "9.00", key="a")
    fill(world, by, order, 1, "9.80", key="b")
    world.engine.forget()
    _, order = resting(world, abc, "sell", limit="10.50")
    assert refused(world, by, order, 1, "11.01").code == "price_collar"
    assert refused(world, by, order, 1, "10.49").code == "price_beyond_limit"
    fill(world, by, order, 1, "11.00", key="c")


def test_an_account_may_have_a_band_of_its_own(world, abc, by):
    trader, order = resting(world, abc)
    set_limits(trader.account.id, {"collar": D("0.03")}, by=by, reason="Calm", now=world.now)
    error = refused(world, by, order, 1, "9.69")
    assert (error.code, error.details["limit"]) == ("price_collar", ["9.7", "10.3"])
    fill(world, by, order, 1, "9.70")


def test_where_nothing_has_traded_there_is_no_band(world, by):
    own = world.instrument("OWN", has_feed=False)
    order = world.place(world.trader(), own, "buy", 10, limit="5.00", tif="gtc")
    fill(world, by, order, 10, "1.00")
    assert fills_of(order)[0].price == 1


def test_only_an_order_at_work_is_executed(world, abc, by):
    trader, order = resting(world, abc)
    waiting = world.place(trader, abc, "buy", 1, limit="9.80", drain=False)
    stop = world.place(trader, abc, "buy", 1, stop="10.50", tif="gtc", drain=False)
    world.replace(trader, order, quantity=D(90), drain=False)
    held = Order.objects.get(status="held")
    for each, reason in (
        (waiting, "The engine has not taken it up yet."),
        (held, "The order is held."),
    ):
        error = refused(world, by, each, 1, "9.75", Conflict)
        assert (error.code, error.detail) == ("order_not_executable", reason)
    world.drain()
    error = refused(world, by, stop, 1, "9.75", Conflict)
    assert error.detail == "Its stop has not fired."
    world.cancel(trader, waiting)
    error = refused(world, by, waiting, 1, "9.75", Conflict)
    assert (error.code, error.details) == ("order_not_executable", {"order_status": "canceled"})


def test_orders_of_a_group_are_the_engines(world, abc, by):
    trader, _ = resting(world, abc)
    entry = world.place(
        trader, abc, "buy", 10, limit="9.80", profit="10.80", loss="9.20", tif="gtc"
    )
    error = refused(world, by, entry, 1, "9.75", Conflict)
    assert (error.code, error.detail.partition(",")[0]) == (
        "order_not_executable", "It belongs to a group",
    )  # fmt: skip


def test_a_stop_that_has_fired_is_an_order_like_others(world, abc, by):
    trader, _ = resting(world, abc)
    stop = world.place(trader, abc, "buy", 10, stop="10.20", limit="10.20", tif="gtc")
    world.tick(abc, "10.20", "10.40", last="10.20")
    fill(world, by, stop, 10, "10.20")
    stop.refresh_from_db()
    assert stop.status == "filled"


def test_fill_or_kill_is_filled_whole(world, abc, by):
    """It waits for a fresh quote."""
    trader = world.trader()
    world.tick(abc, "9.90", "10.00", last="10.00")
    world.now = world.now.replace(minute=5)
    order = world.place(trader, abc, "buy", 10, limit="10.00", tif="fok")
    assert order.status == "new"
    assert refused(world, by, order, 9, "10.00").code == "quantity_below_leaves"
    fill(world, by, order, 10, "10.00")


def test_who_and_why(world, abc, by):
    trader, order = resting(world, abc)
    for outsider in (trader.user, UserFactory(is_staff=True), dealer("correct_trade")):
        assert refused(world, outsider, order, 1, "9.75", Forbidden).code == "forbidden"
    with pytest.raises(Malformed, match="invalid_field"):
        execute(by, ManualFill(order.id, D(1), D("9.75"), " "), key="k", now=world.now)
    with pytest.raises(NotFound):
        execute(by, ManualFill(new_id(), D(1), D("9.75"), "Why"), key="k", now=world.now)
    root = UserFactory(is_staff=True, is_superuser=True)
    fill(world, root, order, 1, "9.75")
