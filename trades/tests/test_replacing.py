"""Replace: the engine decides, like a cancel; what is held meanwhile is enough, whatever fills."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from accounts.models import CashBalance
from bengi.errors import Conflict, Refused
from bengi.events.models import Event
from orders.models import Order
from orders.replacing import cash_to_hold
from orders.rules import reservation
from orders.services import request_cancel
from orders.tests.test_rules import FACTS, PER_SHARE, ZERO_FEES
from portfolios.models import Position
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

D = Decimal


def cash(trader: Trader) -> tuple[Decimal, Decimal]:
    balance = CashBalance.objects.get(account=trader.account)
    return balance.amount, balance.reserved


def events(trader: Trader) -> list[str]:
    found = Event.objects.filter(stream_id=trader.account.id).order_by("seq")
    return list(found.values_list("type", flat=True))


@pytest.mark.django_db
def test_a_new_order_takes_over_what_is_left(world: World) -> None:
    """The quantity counts what has filled; the filled part stays with the old order."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=30)
    old = world.place(trader, abc, "buy", 100, limit="100.00")
    new = world.replace(trader, old, quantity=D(80), limit_price=D("99.50"))
    assert (old.status, old.filled_quantity, old.replaced_by) == ("replaced", 30, new.id)
    assert (new.status, new.quantity, new.limit_price) == ("new", 50, D("99.50"))
    assert new.replaces_id == old.id
    assert cash(trader) == (D(97_000), D(4_975))
    assert events(trader)[-4:] == [
        "order.pending_replace",
        "order.held",
        "order.replaced",
        "order.new",
    ]
    world.tick(abc, "99.00", "99.50")
    new.refresh_from_db()
    assert (new.status, new.filled_quantity) == ("filled", 50)


@pytest.mark.django_db
def test_the_larger_reservation_is_held_until_the_engine_decides(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="98.00")
    world.replace(trader, old, quantity=D(20), drain=False)
    assert cash(trader)[1] == D("1960.01")
    world.drain()
    assert cash(trader)[1] == D("1960.00")
    (newest,) = Order.objects.filter(status="new")
    world.replace(trader, newest, quantity=D(5), drain=False)
    assert cash(trader)[1] == D("1960.01")
    world.drain()
    assert cash(trader)[1] == D("490.00")


@pytest.mark.django_db
def test_a_sell_holds_the_larger_number_of_shares(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    world.place(trader, abc, "buy", 10)
    old = world.place(trader, abc, "sell", 6, limit="105.00")
    with pytest.raises(Refused, match="insufficient_position"):
        world.replace(trader, old, quantity=D(11))
    new = world.replace(trader, old, quantity=D(10), drain=False)
    assert Position.objects.get().reserved_quantity == 10
    assert_books_are_clean()
    world.tick(abc, "105.00", "106.00", size=3)
    new.refresh_from_db()
    assert (new.status, new.quantity) == ("partially_filled", 10)
    smaller = world.replace(trader, new, quantity=D(4))
    assert (smaller.quantity, Position.objects.get().reserved_quantity) == (1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("quantity", [30, 10])
def test_a_quantity_below_what_is_filled_is_refused(world: World, quantity: int) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", size=30)
    old = world.place(trader, abc, "buy", 100, limit="100.00")
    with pytest.raises(Refused, match="quantity_below_filled"):
        world.replace(trader, old, quantity=D(quantity))


@pytest.mark.django_db
def test_an_order_that_fills_first_drops_its_replacement_and_tells(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="99.50")
    new = world.replace(trader, old, quantity=D(20), drain=False)
    world.tick(abc, "99.00", "99.50", is_nudged=False)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status) == ("filled", "rejected")
    assert "had closed" in new.reason
    assert cash(trader)[1] == 0
    assert events(trader)[-2:] == ["order.filled", "order.rejected"]
    world.drain()


@pytest.mark.django_db
def test_fills_while_it_waits_count_and_too_many_drop_it(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="99.50")
    new = world.replace(trader, old, quantity=D(6), limit_price=D("99.40"), drain=False)
    world.tick(abc, "99.00", "99.50", size=7, is_nudged=False)
    old.refresh_from_db()
    assert (old.status, old.filled_quantity) == ("pending_replace", 7)
    world.drain()
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status) == ("partially_filled", "rejected")
    assert cash(trader)[1] == D("298.50")


@pytest.mark.django_db
def test_only_less_keeps_the_place_in_the_queue(world: World) -> None:
    first, second, seller = world.trader(), world.trader(), world.trader()
    abc = world.instrument()
    world.tick(abc, "99.00", "100.00")
    world.place(seller, abc, "buy", 10)
    early = world.place(first, abc, "buy", 5, limit="99.50")
    late = world.place(second, abc, "buy", 5, limit="99.50")
    less = world.replace(first, early, quantity=D(3))
    world.engine.forget()
    world.place(seller, abc, "sell", 3, limit="99.50")
    less.refresh_from_db()
    assert less.status == "filled"
    more = world.replace(second, late, quantity=D(7))
    last = world.place(first, abc, "buy", 1, limit="99.50")
    bigger = world.replace(second, more, quantity=D(8))
    world.place(seller, abc, "sell", 1, limit="99.50")
    last.refresh_from_db()
    bigger.refresh_from_db()
    assert (last.status, bigger.status) == ("filled", "new")


@pytest.mark.django_db
def test_the_same_key_replaces_once(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="98.00")
    first = world.replace(trader, old, key="again", quantity=D(9))
    assert world.replace(trader, old, key="again", quantity=D(9)).id == first.id
    with pytest.raises(Refused, match="idempotency_mismatch"):
        world.replace(trader, old, key="again", quantity=D(8))


@pytest.mark.django_db
def test_what_cannot_be_replaced_says_so(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", last="100.00")
    filled = world.place(trader, abc, "buy", 10)
    asked = world.place(trader, abc, "buy", 10, limit="98.00")
    held = world.replace(trader, asked, quantity=D(9), drain=False)
    fired = world.place(trader, abc, "sell", 5, stop="95.00", limit="94.00", drain=False)
    for order in (filled, asked, held):
        with pytest.raises(Conflict, match="order_not_replaceable"):
            world.replace(trader, order, quantity=D(8), drain=False)
    with pytest.raises(Conflict, match="order_not_cancelable"):
        request_cancel(held.id, trader.user, now=world.now)
    world.tick(abc, "90.00", "91.00", last="90.00")
    with pytest.raises(Conflict, match="order_not_replaceable"):
        world.replace(trader, fired, limit_price=D("93.00"))


@pytest.mark.django_db
def test_a_cancel_after_a_replace_wins_and_drops_the_new_order(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="98.00")
    new = world.replace(trader, old, quantity=D(20), drain=False)
    old = world.cancel(trader, old)
    new.refresh_from_db()
    assert (old.status, new.status) == ("canceled", "rejected")
    assert cash(trader)[1] == 0


@pytest.mark.django_db
def test_a_trailing_stop_keeps_its_mark(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    old = world.place(trader, abc, "sell", 10, trail="2.00")
    world.tick(abc, "102.00", "104.00", last="103.00")
    world.tick(abc, "101.00", "104.00", last="102.00")
    new = world.replace(trader, old, trail_percent=D(1))
    assert (new.high_water_mark, new.stop_price, new.trail_price) == (103, D("101.97"), None)


@pytest.mark.django_db
def test_out_of_hours_the_new_order_waits_for_the_open(settings: Any) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "100.00")
        old = world.place(trader, abc, "buy", 10, limit="98.00", tif="gtc")
        world.wait(hours=7)
        new = world.replace(trader, old, limit_price=D("98.50"))
        assert (old.status, new.status) == ("replaced", "accepted")
        later = world.replace(trader, new, limit_price=D("98.60"))
        assert (new.status, later.status) == ("replaced", "accepted")
        world.wait(hours=17)
        world.tick(abc, "98.00", "98.60")
        later.refresh_from_db()
        assert later.status == "filled"
        assert_books_are_clean()


@pytest.mark.django_db
def test_a_replace_that_comes_while_the_engine_reads_its_requests_waits_for_the_next_look(
    world: World,
) -> None:
    """The order is about to be filled as a new one; its replacement must not be worked with it."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    old = world.place(trader, abc, "buy", 10, limit="100.00", drain=False)
    asked: list[Order] = []

    def ask_once(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if not asked and params and "accepted" in params and "FROM" in sql:
            asked.append(old)
            asked.append(world.replace(trader, old, quantity=D(20), drain=False))
        return answer

    with connection.execute_wrapper(ask_once):
        world.drain()
    world.drain()
    new = asked[1]
    old.refresh_from_db()
    new.refresh_from_db()
    assert {old.status, new.status} <= {"filled", "rejected", "replaced"}
    assert old.filled_quantity + new.filled_quantity in {10, 20}
    assert_books_are_clean()


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{"quantity": D(5)}, {"limit_price": D("98.50")}])
def test_a_new_order_whose_time_is_over_never_works(
    world: World, changes: dict[str, Decimal]
) -> None:
    """The engine comes late: the old order was replaced in time, the new one is over already."""
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    ends_at = world.now + timedelta(seconds=5)
    old = world.place(trader, abc, "buy", 10, limit="98.00", tif="gtd", expires_at=ends_at)
    new = world.replace(trader, old, **changes, drain=False)
    world.now += timedelta(seconds=6)
    world.tick(abc, "97.00", "98.00")
    world.drain()
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status, new.filled_quantity) == ("replaced", "expired", 0)
    assert cash(trader)[1] == 0
    assert_books_are_clean()


@pytest.mark.django_db
def test_a_day_order_that_replaced_one_before_the_close_is_not_worked_the_day_after(
    settings: Any,
) -> None:
    settings.MARKET_HOURS = "exchange"
    with open_world(mode="exchange") as world:
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "100.00")
        old = world.place(trader, abc, "buy", 10, limit="98.00", tif="day")
        new = world.replace(trader, old, limit_price=D("98.50"), drain=False)
        world.now += timedelta(days=1)
        world.tick(abc, "97.00", "98.00")
        world.drain()
        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.status, new.status, new.filled_quantity) == ("expired", "rejected", 0)
        assert_books_are_clean()


small = st.integers(1, 12).map(D)
prices = st.integers(1, 40).map(lambda ticks: D(ticks) / 4)


@given_settings(max_examples=500, deadline=None)
@given(st.sampled_from([ZERO_FEES, PER_SHARE]), small, small, prices, prices, st.data())
def test_what_both_orders_hold_is_enough_whatever_fills(
    schedule: Any, quantity: Decimal, left: Decimal, price: Decimal, old_price: Decimal, data: Any
) -> None:
    """The old order may fill more, at its price or better, before the new one takes over."""
    fill_price = data.draw(st.sampled_from([old_price, old_price / 2]))
    filled = data.draw(st.integers(0, int(min(quantity, left)) - 1))
    order = Order(side="buy", quantity=quantity, filled_quantity=D(0), limit_price=old_price)
    facts = changed(
        FACTS,
        ticket=changed(FACTS.ticket, quantity=left, limit_price=price),
        account=changed(FACTS.account, schedule=schedule),
    )
    extra = cash_to_hold(order, facts, price)
    value = fill_price * filled
    paid = reservation(schedule, fill_price, D(filled), "USD") if filled else D(0)
    held = reservation(
        schedule,
        old_price,
        quantity - filled,
        "USD",
        filled_quantity=D(filled),
        filled_value=value,
        paid=paid,
    )
    assert held + extra >= reservation(schedule, price, left - filled, "USD")
