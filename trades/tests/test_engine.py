"""Use cases: an order from acceptance to its end, with rows, money and events asserted."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import CashBalance, FeeSchedule, LedgerEntry
from bengi.bus import TICKS, get_bus
from bengi.errors import BengiError, Conflict, Refused
from bengi.events.models import Event
from bengi.terms import CommissionKind, LedgerBook
from instruments.quotes import Tick
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from trades.engine import Engine, Fenced
from trades.models import Shard, Trade
from trades.session import SessionHours
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db


def cash(trader: Trader) -> tuple[Decimal, Decimal]:
    balance = CashBalance.objects.get(account=trader.account, currency="USD")
    return balance.amount, balance.reserved


def events(trader: Trader) -> list[str]:
    found = Event.objects.filter(stream_id=trader.account.id).order_by("seq")
    return list(found.values_list("type", flat=True))


def per_share() -> FeeSchedule:
    return FeeSchedule.objects.create(
        code="per-share",
        name="Per share",
        kind=CommissionKind.PER_SHARE,
        per_share=Decimal("0.005"),
        minimum=Decimal(1),
        maximum_rate=Decimal("0.01"),
    )


def test_market_buy_fills_at_the_ask_and_books_everything(world: World) -> None:
    trader, abc = world.trader(fees=per_share()), world.instrument()
    world.tick(abc, "99.98", "100.02")
    order = world.place(trader, abc, "buy", 30)
    assert (order.status, order.filled_quantity, order.average_price) == (
        "filled",
        30,
        Decimal("100.02"),
    )
    assert cash(trader) == (Decimal("96998.40"), 0)  # 100000 - 30 x 100.02 - 1.00
    trade = Trade.objects.get()
    assert (trade.gross_amount, trade.commission, trade.net_amount) == (
        Decimal("3000.60"),
        Decimal("1.00"),
        Decimal("-3001.60"),
    )
    assert (trade.quote_bid, trade.quote_ask) == (Decimal("99.98"), Decimal("100.02"))
    position = Position.objects.get()
    assert (position.quantity, position.reserved_quantity) == (30, 0)
    lot = Lot.objects.get()
    assert (lot.remaining_quantity, lot.remaining_cost) == (30, Decimal("3001.60"))
    books = dict(
        LedgerEntry.objects.filter(transaction__reference=str(trade.exec_id))
        .exclude(book=LedgerBook.CUSTOMER_CASH)
        .values_list("book", "amount")
    )
    assert books == {"clearing": Decimal("3000.60"), "commission": Decimal("1.00")}
    assert events(trader) == [
        "account.opened",
        "cash.posted",
        "order.accepted",
        "trade.executed",
        "order.filled",
    ]


def test_limit_sell_above_the_market_rests_and_is_canceled(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.98", "100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, limit="105.00")
    assert order.status == "new"
    assert Position.objects.get().reserved_quantity == 10
    order = world.cancel(trader, order)
    assert (order.status, order.reason) == ("canceled", "Canceled on request.")
    assert Position.objects.get().reserved_quantity == 0
    assert events(trader)[-4:] == [
        "order.accepted",
        "order.new",
        "order.pending_cancel",
        "order.canceled",
    ]


def test_partial_fills_shrink_the_reservation_and_sum_up(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", size=30)
    order = world.place(trader, abc, "buy", 100, limit="100.00")
    assert (order.status, order.filled_quantity) == ("partially_filled", 30)
    assert cash(trader) == (Decimal(97_000), Decimal(7_000))
    world.tick(abc, "99.80", "99.90", size=50)
    order.refresh_from_db()
    assert (order.filled_quantity, order.average_price) == (80, Decimal("99.9375"))
    assert cash(trader) == (Decimal("92005.00"), Decimal(2_000))
    world.tick(abc, "99.80", "99.90", size=50)
    order.refresh_from_db()
    assert order.status == "filled"
    assert cash(trader) == (Decimal("90007.00"), 0)


def test_sell_closes_lots_oldest_first_with_realized_pnl(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    for ask in ("10.00", "12.00"):
        world.tick(abc, "9.00", ask)
        world.place(trader, abc, "buy", 10)
    world.tick(abc, "11.00", "11.10")
    world.place(trader, abc, "sell", 15)
    closings = LotClosing.objects.order_by("id").values_list("quantity", "cost", "realized_pnl")
    assert list(closings) == [
        (Decimal(10), Decimal(100), Decimal(10)),
        (Decimal(5), Decimal(60), Decimal(-5)),
    ]
    assert Lot.objects.get(remaining_quantity__gt=0).remaining_cost == 60


def test_customers_match_at_the_resting_price(world: World) -> None:
    buyer, seller = world.trader(), world.trader()
    abc = world.instrument()
    world.tick(abc, "99.00", "101.00")
    world.place(seller, abc, "buy", 10)
    world.place(seller, abc, "sell", 10, limit="100.00")
    order = world.place(buyer, abc, "buy", 4, limit="100.50")
    assert (order.status, order.average_price) == ("filled", Decimal("100.00"))
    sides = Trade.objects.filter(match_id__isnull=False).order_by("side")
    assert [(t.side, t.quantity, t.liquidity) for t in sides] == [
        ("buy", 4, "book"),
        ("sell", 4, "book"),
    ]
    assert sides[0].match_id == sides[1].match_id


def test_stop_triggers_on_a_print_and_fills_at_the_next_quote(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, stop="95.00")
    world.tick(abc, "94.00", "94.10", last="94.00")
    order.refresh_from_db()
    assert order.triggered_at == world.now
    assert order.filled_quantity == 0
    world.tick(abc, "92.00", "92.10")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal("92.00"))
    assert "order.triggered" in events(trader)


def test_a_stop_limit_is_a_limit_order_once_it_fires(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, stop="95.00", limit="94.00")
    world.tick(abc, "90.00", "90.10", last="90.00")
    world.tick(abc, "91.00", "91.10")
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("new", 0)
    assert order.triggered_at is not None
    world.tick(abc, "94.50", "94.60", size=4)
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("partially_filled", Decimal("94.50"))
    world.engine.forget()
    world.tick(abc, "94.00", "94.60")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal("94.20"))


def test_a_stop_limit_buy_reserves_its_limit(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10, stop="105.00", limit="106.00")
    assert cash(trader) == (100_000, 1_060)


def test_a_trailing_sell_follows_the_market_up_and_is_told(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, trail="2.00")
    assert (order.stop_price, order.high_water_mark) == (98, 100)
    for last in ("101.00", "103.00", "102.00"):
        world.tick(abc, "99.90", "104.00", last=last)
    order.refresh_from_db()
    assert (order.stop_price, order.high_water_mark) == (101, 103)
    assert events(trader)[-2:] == ["order.trailed", "order.trailed"]
    world.tick(abc, "100.00", "104.00", last="100.50")
    world.tick(abc, "100.25", "104.00")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal("100.25"))


def test_moves_of_a_trailing_stop_are_booked_once_a_second_and_before_it_fires(
    world: World,
) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    order = world.place(trader, abc, "sell", 10, trail="2%")
    for cents in range(1, 9):
        world.tick(abc, "99.90", "104.00", last=f"101.0{cents}", after_s=0.25)
    moves = events(trader).count("order.trailed")
    assert moves == 2
    order.refresh_from_db()
    assert order.high_water_mark == Decimal("101.05")
    world.tick(abc, "98.00", "104.00", last="99.06", after_s=0.1)
    order.refresh_from_db()
    assert (order.high_water_mark, order.triggered_at) == (Decimal("101.05"), None)
    world.wait(seconds=1)
    order.refresh_from_db()
    assert (order.high_water_mark, order.stop_price) == (Decimal("101.08"), Decimal("99.05"))
    assert events(trader).count("order.trailed") == moves + 1
    world.tick(abc, "98.00", "104.00", last="99.05")
    order.refresh_from_db()
    assert order.triggered_at == world.now


def test_a_restarted_engine_trails_on_from_the_booked_mark(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    order = world.place(trader, abc, "buy", 10, trail="5.00")
    assert (order.stop_price, order.protection_price) == (105, Decimal("109.20"))
    assert cash(trader)[1] == 1_092
    world.tick(abc, "96.90", "97.00", last="97.00")
    world.engine.forget()
    world.tick(abc, "97.90", "98.00", last="98.00")
    order.refresh_from_db()
    assert (order.high_water_mark, order.stop_price) == (97, 102)
    assert cash(trader)[1] == 1_092  # the cap stays what was reserved
    world.tick(abc, "101.90", "102.00", last="102.00")
    world.tick(abc, "109.10", "109.21")
    order.refresh_from_db()
    assert order.filled_quantity == 0
    world.tick(abc, "109.10", "109.20")
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal("109.20"))


def test_prints_outside_the_session_move_no_trailing_stop(db: None) -> None:
    with open_world(mode="exchange") as world:  # Monday 15:00 UTC is 10:00 in New York
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.90", "100.00", last="100.00")
        order = world.place(trader, abc, "buy", 10, trail="5.00", tif="gtc")
        world.wait(hours=7)
        world.tick(abc, "89.90", "90.00", last="90.00")
        order.refresh_from_db()
        assert order.high_water_mark == 100
        world.wait(hours=17)
        world.tick(abc, "94.90", "95.00", last="95.00")
        order.refresh_from_db()
        assert (order.high_water_mark, order.stop_price) == (95, 100)
        assert_books_are_clean()


def test_day_order_expires_at_the_close_and_gtc_stays(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    day = world.place(trader, abc, "buy", 1, limit="95.00")
    gtc = world.place(trader, abc, "buy", 1, limit="95.00", tif="gtc")
    world.wait(hours=10)
    for order in (day, gtc):
        order.refresh_from_db()
    assert (day.status, gtc.status) == ("expired", "new")
    assert cash(trader)[1] == Decimal("95.00")


@pytest.mark.parametrize(
    ("tif", "status", "filled"), [("ioc", "canceled", 30), ("fok", "canceled", 0)]
)
def test_immediate_orders_end_at_once(world: World, tif: str, status: str, filled: int) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", size=30)
    order = world.place(trader, abc, "buy", 100, limit="100.00", tif=tif)
    assert (order.status, order.filled_quantity) == (status, filled)
    assert cash(trader) == (100_000 - Decimal(100 * filled), 0)


def test_a_refusal_names_every_failing_rule_and_leaves_no_trace(world: World) -> None:
    trader, abc = world.trader(cash="1000"), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    before = (cash(trader), events(trader))
    with pytest.raises(Refused) as refused:
        world.place(trader, abc, "buy", "20.5", limit="120.005")
    codes = {error.code for error in refused.value.errors}
    assert codes == {"invalid_tick", "invalid_step", "price_collar", "insufficient_funds"}
    assert (cash(trader), events(trader)) == before
    assert not Order.objects.exists()


def test_the_same_key_is_the_same_order_and_never_another(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    first = world.place(trader, abc, "buy", 1, key="mine")
    again = world.place(trader, abc, "buy", 1, key="mine")
    assert first.id == again.id
    with pytest.raises(BengiError, match="idempotency_mismatch"):
        world.place(trader, abc, "buy", 2, key="mine")
    assert Trade.objects.count() == 1


def test_a_closed_order_cannot_be_canceled(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    order = world.place(trader, abc, "buy", 1)
    with pytest.raises(Conflict, match="order_not_cancelable"):
        world.cancel(trader, order)


def test_a_cancel_before_the_engine_saw_the_order_closes_it(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    order = world.place(trader, abc, "buy", 1, drain=False)
    order = world.cancel(trader, order)
    assert (order.status, order.filled_quantity) == ("canceled", 0)
    assert cash(trader)[1] == 0


def test_a_cancel_that_comes_after_the_fill_in_one_batch_does_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    order = world.place(trader, abc, "buy", 1, limit="99.50")
    with monkeypatch.context() as busy:
        busy.setattr(world, "drain", lambda: 0)
        world.tick(abc, "99.40", "99.50")
    world.now += timedelta(seconds=1)
    order = world.cancel(trader, order)
    assert (order.status, order.filled_quantity) == ("filled", 1)
    assert cash(trader)[1] == 0


def test_a_quote_that_comes_again_does_not_replace_a_newer_one(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    heard: list[Sequence[Tick]] = []
    unsubscribe = get_bus().subscribe(TICKS, heard.append)
    world.tick(abc, "99.90", "100.00")
    world.tick(abc, "100.90", "101.00")
    unsubscribe()
    world.engine.on_ticks(heard[0])
    order = world.place(trader, abc, "buy", 1)
    assert order.average_price == 101


def test_a_print_from_before_a_stop_does_not_fire_it_when_it_comes_again(world: World) -> None:
    """Heard before there was a market for it, and a word of what has been quoted before."""
    trader, abc = world.trader(), world.instrument()
    heard: list[Sequence[Tick]] = []
    unsubscribe = get_bus().subscribe(TICKS, heard.append)
    world.tick(abc, "99.90", "100.00", last="99.95", is_new_quote=False)
    unsubscribe()
    stop = world.place(trader, abc, "buy", 1, stop="99.95")
    world.engine.on_ticks(heard[0])
    world.wait(seconds=0)
    stop.refresh_from_db()
    assert (stop.status, stop.triggered_at) == ("new", None)
    world.tick(abc, "99.90", "100.00", last="99.95")
    stop.refresh_from_db()
    assert stop.triggered_at is not None


def test_a_restarted_engine_keeps_queue_and_triggers(world: World) -> None:
    first, second, seller = world.trader(), world.trader(), world.trader()
    abc = world.instrument()
    world.tick(abc, "99.00", "100.00", last="99.50")
    world.place(seller, abc, "buy", 10)
    stop = world.place(seller, abc, "sell", 5, stop="98.50")
    early = world.place(first, abc, "buy", 5, limit="98.30")
    late = world.place(second, abc, "buy", 5, limit="98.30")
    world.tick(abc, "98.40", "100.00", last="98.40")
    world.engine.forget()
    world.place(seller, abc, "sell", 5, limit="98.30")
    for order in (early, late):
        order.refresh_from_db()
    assert (early.status, late.status) == ("filled", "new")
    world.tick(abc, "98.00", "100.00")
    stop.refresh_from_db()
    # The fired stop came back as a market order and met the better of book and street.
    assert (stop.status, stop.average_price) == ("filled", Decimal("98.30"))


def test_a_second_writer_is_fenced_off_and_catches_up(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.00", "100.00")
    world.place(trader, abc, "buy", 1, limit="98.00", tif="gtc")
    other = Engine(0, hours=SessionHours("always"))
    order = world.place(trader, abc, "buy", 1, limit="97.00", tif="gtc", drain=False)
    assert other.drain(world.now) == 1
    world.place(trader, abc, "buy", 1, limit="96.00", tif="gtc", drain=False)
    with pytest.raises(Fenced):
        world.drain()
    assert world.drain() == 1
    order.refresh_from_db()
    assert order.status == "new"
    assert Shard.objects.get(id=0).version == 3  # one per batch that was booked


def test_a_tick_that_comes_too_late_fills_nothing(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00")
    order = world.place(trader, abc, "buy", 5, limit="99.00")
    world.tick(abc, "98.00", "98.50", heard_after_s=16)
    order.refresh_from_db()
    assert order.filled_quantity == 0
    world.tick(abc, "98.00", "98.60", heard_after_s=15)
    order.refresh_from_db()
    assert order.average_price == Decimal("98.60")


def test_a_print_nobody_believes_fires_no_stop_and_fills_nothing(world: World) -> None:
    trader, abc = world.trader(), world.instrument()
    world.tick(abc, "99.90", "100.00", last="100.00")
    world.place(trader, abc, "buy", 10)
    stop = world.place(trader, abc, "sell", 10, stop="95.00")
    world.tick(abc, "49.90", "50.00", last="50.00")
    stop.refresh_from_db()
    assert (stop.status, stop.triggered_at) == ("new", None)
    world.tick(abc, "94.00", "94.10", last="94.00")
    stop.refresh_from_db()
    assert stop.triggered_at == world.now


def test_outside_its_hours_an_order_waits_for_the_open(db: None) -> None:
    with open_world(mode="exchange") as world:  # Monday 15:00 UTC is 10:00 in New York
        trader, abc = world.trader(), world.instrument()
        world.tick(abc, "99.00", "100.00")
        world.wait(hours=7)
        order = world.place(trader, abc, "buy", 1, limit="100.00")
        assert order.status == "accepted"
        world.tick(abc, "98.00", "99.00")
        order.refresh_from_db()
        assert order.status == "accepted"
        world.wait(hours=17)
        world.tick(abc, "98.00", "99.00")
        order.refresh_from_db()
        assert (order.status, order.average_price) == ("filled", Decimal("99.00"))
        assert_books_are_clean()
