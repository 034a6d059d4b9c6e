"""Orders of an amount: never more than that, parts of a share at the price of the fill."""

from contextlib import suppress
from decimal import Decimal
from random import Random

import pytest

from accounts.models import CashBalance
from accounts.services import default_fee_schedule
from accounts.tests.factories import FeeScheduleFactory
from bengi.books import check_books
from bengi.errors import Conflict, Malformed, Refused
from orders.models import Order
from portfolios.models import Lot, Position
from trades.explaining import explain
from trades.manual import ManualFill, execute
from trades.models import Trade
from trades.tests.desk import Desk, dealer, fills_of
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
D = Decimal
PARTS = {"quantity_step": "0.0001", "exchange_step": "1"}


@pytest.fixture
def market(world: World) -> World:
    return world


@pytest.fixture
def abc(market: World):
    return market.instrument(**PARTS)


def cash(trader: Trader) -> tuple[Decimal, Decimal]:
    balance = CashBalance.objects.get(account=trader.account)
    return balance.amount, balance.reserved


def fills(order: Order) -> list[tuple[Decimal, Decimal]]:
    return list(order.trades.order_by("exec_id").values_list("quantity", "price"))


def test_it_buys_what_the_amount_comes_to(market: World, abc) -> None:
    """500 / 228.50 = 2.18818..: 2.1881 shares for 499.98085, booked as 499.98."""
    trader = market.trader()
    market.tick(abc, "228.40", "228.50")
    order = market.place(trader, abc, "buy", notional="500")
    assert (order.status, order.quantity, order.filled_quantity) == (
        "filled",
        D("2.1881"),
        D("2.1881"),
    )
    assert fills(order) == [(D("2.1881"), D("228.50"))]
    assert order.filled_value == D("499.98085")
    assert cash(trader) == (D("99500.02"), 0)
    assert Position.objects.get().quantity == D("2.1881")
    assert Lot.objects.get().cost == D("499.98")


@pytest.mark.parametrize(
    ("ask", "bought"),
    [("237.64", "2.1040"), ("200.00", "2.5000"), ("125.00", "4.0000"), ("100.00", "4.2080")],
)
def test_it_takes_the_price_of_the_fill(market: World, abc, ask: str, bought: str) -> None:
    """Up to the protection price, 1.04 x 228.50; down to where it would be too many shares.

    At most 2 x 500 / 237.64 = 4.2080, so that the commission reserved is enough.
    """
    trader = market.trader()
    market.tick(abc, "228.40", "228.50")
    order = market.place(trader, abc, "buy", notional="500", drain=False)
    assert (order.quantity, order.protection_price) == (D("2.1881"), D("237.64"))
    market.engine.forget()  # and with it the quote it was placed at
    market.tick(abc, "50.00", ask)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.quantity) == ("filled", D(bought), D(bought))
    assert order.filled_value == D(bought) * D(ask) <= 500


def test_above_its_protection_it_waits_and_ends_with_its_day(settings) -> None:
    """Given in the evening; the market opens 5 % higher and never comes back."""
    settings.MARKET_HOURS = "exchange"
    with open_world("exchange") as world:
        abc, trader = world.instrument(**PARTS), world.trader()
        world.tick(abc, "228.40", "228.50")
        world.wait(hours=8)
        order = world.place(trader, abc, "buy", notional="500")
        assert (order.status, order.reserved) == ("accepted", 500)
        world.wait(hours=15, minutes=31)
        world.tick(abc, "239.80", "239.90")
        order.refresh_from_db()
        assert (order.status, order.filled_quantity) == ("new", 0)
        world.wait(hours=7)
        order.refresh_from_db()
        assert (order.status, order.reserved) == ("expired", 0)
        assert_books_are_clean()


def test_it_is_spent_over_several_quotes(market: World, abc) -> None:
    """One share is on offer at a time; the quantity says each time what the rest comes to."""
    trader = market.trader()
    market.tick(abc, "99.90", "100.00", size=1)
    order = market.place(trader, abc, "buy", notional="250")
    assert (order.status, order.quantity, order.filled_quantity) == (
        "partially_filled",
        D("2.5"),
        1,
    )
    assert (order.leaves_quantity, cash(trader)) == (D("1.5"), (D("99900"), D("150")))
    market.tick(abc, "100.90", "101.00", size=1)
    order.refresh_from_db()
    assert order.quantity == 2 + D("0.4851")  # 49 / 101
    market.engine.forget()
    market.tick(abc, "97.90", "98.00", size=1)
    order.refresh_from_db()
    assert (order.status, order.quantity) == ("filled", D("2.5"))
    assert fills(order) == [(1, 100), (1, 101), (D("0.5"), 98)]
    assert (order.filled_value, cash(trader)) == (250, (D("99750"), 0))


def test_commission_comes_on_top_and_is_reserved_for_the_most_it_can_be(market: World, abc) -> None:
    """0.005 a share, at least 1.00, at most 1 % of the value: 1.00 on 500, 0.50 on 50."""
    trader = market.trader(fees=default_fee_schedule())
    market.tick(abc, "9.90", "10.00")
    order = market.place(trader, abc, "buy", notional="5000", drain=False)
    assert order.reserved == D("5004.81")  # 2 x 5000 / 10.40 = 961.5384 shares at 0.005
    market.drain()
    order.refresh_from_db()
    assert (order.commission, cash(trader)) == (D("2.50"), (D("94997.50"), 0))
    small = market.place(trader, abc, "buy", notional="50")
    assert (small.commission, small.filled_value) == (D("0.50"), 50)
    tiny = market.place(trader, abc, "buy", notional="0.40")
    assert (tiny.status, tiny.commission, tiny.filled_quantity) == ("filled", 0, D("0.04"))


def test_all_the_money_can_be_spent_and_a_cent_more_is_refused(market: World, abc) -> None:
    trader = market.trader(
        cash="500", fees=FeeScheduleFactory(code="flat", kind="flat_rate", rate=D("0.001"))
    )
    market.tick(abc, "99.90", "100.00")
    with pytest.raises(Refused) as refused:
        market.place(trader, abc, "buy", notional="499.51")
    assert (refused.value.code, refused.value.field) == ("insufficient_funds", "notional")
    assert refused.value.details == {"needed": "500.01", "available": "500"}
    assert cash(trader) == (500, 0)
    order = market.place(trader, abc, "buy", notional="499.50")
    assert (order.status, cash(trader)) == ("filled", (0, 0))


def test_whole_shares_are_rounded_down_and_less_than_one_is_refused(market: World) -> None:
    trader, whole = market.trader(), market.instrument("XYZ")
    market.tick(whole, "99.90", "100.00")
    order = market.place(trader, whole, "buy", notional="399.99")
    assert (order.status, order.filled_quantity, order.filled_value) == ("filled", 3, 300)
    with pytest.raises(Malformed) as refused:
        market.place(trader, whole, "buy", notional="99.99")
    assert (refused.value.code, refused.value.field) == ("invalid_quantity", "notional")
    assert Order.objects.count() == 1


def test_a_sell_is_of_the_shares_the_amount_comes_to_at_the_bid(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "99.00", "100.00")
    market.place(trader, abc, "buy", notional="500")
    order = market.place(trader, abc, "sell", notional="250", drain=False)
    assert (order.quantity, Position.objects.get().reserved_quantity) == (D("2.5252"), D("2.5252"))
    market.engine.forget()
    market.tick(abc, "90.00", "91.00")
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", D("2.5252"))
    assert Trade.objects.get(order=order).gross_amount == D("227.27")
    with pytest.raises(Refused) as refused:
        market.place(trader, abc, "sell", notional="250")
    assert (refused.value.code, refused.value.field) == ("insufficient_position", "notional")
    assert refused.value.details == {"needed": "2.7777", "available": "2.4748"}


def test_it_can_be_canceled_and_not_replaced(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "99.90", "100.00", size=1)
    order = market.place(trader, abc, "buy", notional="250")
    with pytest.raises(Conflict) as refused:
        market.replace(trader, order, quantity=D(5))
    assert refused.value.code == "order_not_replaceable"
    assert market.cancel(trader, order).status == "canceled"
    assert (order.filled_quantity, order.reserved, cash(trader)) == (1, 0, (D("99900"), 0))


def test_it_trades_with_customers_where_nobody_quotes(market: World) -> None:
    """What is left after the resting orders is canceled, as of any market order there."""
    seller, buyer = market.trader(), market.trader()
    own = market.instrument("OWN", mic="BNGI", quantity_step="0.01")
    market.tick(own, "9.90", "10.00")
    market.place(seller, own, "buy", 20)
    type(own).objects.filter(id=own.id).update(has_feed=False)
    market.engine.forget()
    market.place(seller, own, "sell", 3, limit="10.00", tif="gtc")
    market.place(seller, own, "sell", 1, limit="10.20", tif="gtc")
    order = market.place(buyer, own, "buy", notional="45")
    assert (order.status, order.filled_quantity, order.filled_value) == ("canceled", 4, D("40.20"))
    whole = market.place(seller, own, "sell", 9, limit="10.00", tif="gtc")
    again = market.place(buyer, own, "buy", notional="45")
    assert (again.status, again.filled_quantity) == ("filled", D("4.5"))
    whole.refresh_from_db()
    assert whole.filled_quantity == D("4.5")


@pytest.mark.parametrize("seed", range(6))
def test_no_market_makes_it_spend_more(market: World, seed: int) -> None:
    """Random amounts, sizes, prices, fees, restarts; the books are checked at the end."""
    random = Random(seed)
    fees = random.choice(
        [
            default_fee_schedule(),
            FeeScheduleFactory(code="flat", kind="flat_rate", rate=D("0.003")),
            FeeScheduleFactory(
                code="custom",
                kind="custom",
                rate=D("0.001"),
                per_share=D("0.37"),
                minimum=D("0.10"),
            ),
        ]
    )
    trader, orders = market.trader(cash="4000", fees=fees), []
    abc = market.instrument("ABC", quantity_step=random.choice(["0.0001", "0.01", "1"]))
    for _ in range(60):
        price = D(random.randrange(300, 3000)) / 100
        market.tick(abc, str(price - D("0.02")), str(price), size=random.randrange(4, 60))
        if random.random() < 0.4:
            amount = D(random.randrange(3000, 90000)) / 100
            with suppress(Refused):  # for want of money
                orders.append(market.place(trader, abc, "buy", notional=str(amount)))
        if random.random() < 0.2:
            market.engine.forget()
        if orders and random.random() < 0.1:
            last = orders[-1]
            last.refresh_from_db()
            if last.is_open:
                market.cancel(trader, last)
    assert len(orders) > 3
    for order in orders:
        order.refresh_from_db()
        assert order.filled_value <= order.notional
        gross = sum(trade.gross_amount for trade in order.trades.all())
        assert gross <= order.notional


def test_an_amount_that_was_overspent_is_noticed(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "99.90", "100.00")
    order = market.place(trader, abc, "buy", notional="250")
    Order.objects.filter(id=order.id).update(notional=D("249.99"))
    (line,) = check_books()["amounts_are_not_overspent"]
    assert line.endswith("filled for 250 of an amount of 249.99")
    Order.objects.filter(id=order.id).update(notional=D("250"))


def test_the_key_of_an_amount_is_not_that_of_a_quantity(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "99.90", "100.00")
    first = market.place(trader, abc, "buy", notional="250", key="once")
    assert market.place(trader, abc, "buy", notional="250.00", key="once").id == first.id
    for other in ({"notional": "251"}, {"quantity": "2.5"}):
        with pytest.raises(Refused) as refused:
            market.place(trader, abc, "buy", key="once", **other)
        assert refused.value.code == "idempotency_mismatch"


def test_the_story_of_an_amount_says_what_is_held_for_it(market: World, abc) -> None:
    trader = market.trader(fees=default_fee_schedule())
    market.tick(abc, "99.90", "100.00", size=2)
    order = market.place(trader, abc, "buy", notional="500")
    first, *_ = explain(trader.user, order.id, now=market.now).timeline.entries
    assert first.text.endswith(
        "501.00 USD are set aside, so that it can always be paid for: the amount of 500.00 USD and "
        "at most 1.00 USD commission."
    )
    assert "500.00 USD" in first.text


def test_why_it_waited_is_told_as_it_was_then(market: World) -> None:
    """Of 202 a share is bought at 100; the other 102 buy none at 102.50, and one at 101."""
    trader, xyz = market.trader(), market.instrument()
    market.tick(xyz, "99.50", "100.00", size=1)
    order = market.place(trader, xyz, "buy", notional="202")
    market.tick(xyz, "102.00", "102.50")
    told = explain(trader.user, order.id, now=market.now)
    assert told.now is not None
    assert (told.now.code, told.now.numbers) == (
        "amount_too_small",
        {"left": "102", "ask": "102.5"},
    )
    market.tick(xyz, "100.50", "101.00")
    order.refresh_from_db()
    assert (order.status, order.filled_value) == ("filled", 201)
    entries = explain(trader.user, order.id, now=market.now).timeline.entries
    (look,) = [entry for entry in entries if "102.5" in entry.text]
    assert "buys nothing" in look.text


def test_what_was_busted_of_an_amount_is_not_spent_again(market: World, abc) -> None:
    """Of 250 the first 100 are busted: 150 go on, and 251 less what they cost are free again."""
    trader, desk = market.trader(fees=default_fee_schedule()), Desk(market)
    market.tick(abc, "99.90", "100.00", size=1)
    order = market.place(trader, abc, "buy", notional="250")
    assert cash(trader)[1] == 250 + 1 - 101
    desk.bust(fills_of(order)[0])
    order.refresh_from_db()
    assert (order.filled_value, order.busted_value, order.quantity) == (0, 100, D("2.5"))
    assert cash(trader) == (100_000, 150 + 1)
    market.tick(abc, "99.90", "100.00", size=1)
    market.tick(abc, "99.90", "100.00", size=1)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.reserved) == ("filled", D("1.5"), 0)
    assert order.filled_value == 150
    assert cash(trader) == (100_000 - 150 - 1, 0)


def test_a_fill_adjusted_to_a_higher_price_takes_nothing_from_the_rest(market: World, abc) -> None:
    """Its first 100 at 100.00 become 103.00, paid out of free cash; 150 are still to be spent."""
    trader, desk = market.trader(), Desk(market)
    market.tick(abc, "99.90", "100.00", size=1)
    order = market.place(trader, abc, "buy", notional="250")
    desk.adjust(fills_of(order)[0], "103.00")
    assert cash(trader) == (100_000 - 103, 150)
    market.tick(abc, "99.90", "100.00", size=9)
    order.refresh_from_db()
    assert (order.status, order.filled_value, order.busted_value) == ("filled", 253, -3)
    assert cash(trader) == (100_000 - 253, 0)


def test_an_amount_is_not_executed_by_hand(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "99.90", "100.00", size=1)
    order = market.place(trader, abc, "buy", notional="250")
    wanted = ManualFill(order.id, D("0.5"), D("100.00"), "By telephone")
    with pytest.raises(Conflict) as refused:
        execute(dealer("execute_trade"), wanted, key="k", now=market.now)
    assert refused.value.code == "order_not_executable"
    assert len(fills(order)) == 1
