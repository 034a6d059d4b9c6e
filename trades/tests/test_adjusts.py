"""Adjustments: a trade taken back and booked anew with other terms, in one step."""

from decimal import Decimal

import pytest

from accounts.models import FeeSchedule, LedgerTransaction, UnsettledCash
from bengi.events.models import Event
from bengi.terms import CommissionKind, CostBasisMethod
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from portfolios.selectors import realized_pnl_of
from portfolios.services import change_portfolio
from trades.models import Trade
from trades.tests.desk import cash_of, fills_of, open_lots_of
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db
D = Decimal


def flat() -> FeeSchedule:
    return FeeSchedule.objects.create(code="flat", kind=CommissionKind.FLAT_RATE, rate=D("0.001"))


def bought(world: World, abc, quantity: int = 10, ask: str = "10.00", **terms):
    trader = world.trader(fees=flat())
    world.tick(abc, "9.90", ask)
    order = world.place(trader, abc, "buy", quantity, **terms)
    return trader, order, fills_of(order)[0]


def sold(world: World, trader: Trader, abc, quantity: int, bid: str = "11.00") -> Trade:
    world.tick(abc, bid, "12.00")
    return fills_of(world.place(trader, abc, "sell", quantity))[-1]


@pytest.mark.parametrize(("price", "paid"), [("9.50", "95.10"), ("10.40", "104.10")])
def test_a_buy_at_another_price(world, abc, desk, price, paid):
    trader, order, trade = bought(world, abc)
    assert cash_of(trader) == (D("99899.90"), 0)
    world.now += world.now - trade.executed_at
    again = desk.adjust(trade, price)
    assert cash_of(trader) == (100_000 - D(paid), 0)
    assert open_lots_of(trader) == [(10, D(paid))]
    assert (again.kind, again.corrects_id, again.executed_at) == (
        "correction", trade.exec_id, trade.executed_at,
    )  # fmt: skip
    assert Lot.objects.get(busted_by=None).opened_at == trade.executed_at
    order.refresh_from_db()
    assert (order.average_price, order.filled_quantity, order.busted_quantity) == (D(price), 10, 0)
    kinds = [trade.kind for trade in Trade.objects.order_by("exec_id")]
    assert kinds == ["execution", "bust", "correction"]


def test_a_sale_at_another_price(world, abc, desk):
    trader, _, _ = bought(world, abc)
    trade = sold(world, trader, abc, 4)
    before = cash_of(trader)[0]
    desk.adjust(trade, "10.50")  # 42.00 less 0.04 for 44.00 less 0.04
    assert cash_of(trader)[0] == before - 2
    closing = LotClosing.objects.get(reverses=None, reversed_by=None)
    assert (closing.quantity, closing.cost, closing.proceeds, closing.closed_at) == (
        4, D("40.04"), D("41.96"), trade.executed_at,
    )  # fmt: skip
    assert realized_pnl_of(trader.portfolio) == {"USD": D("1.92")}


def test_fewer_shares(world, abc, desk):
    trader, order, trade = bought(world, abc)
    desk.adjust(trade, quantity=7)
    assert (cash_of(trader)[0], open_lots_of(trader)) == (D("99929.93"), [(7, D("70.07"))])
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.busted_quantity) == ("filled", 7, 3)


def test_fewer_shares_of_an_open_order_are_not_worked_again(world, abc, desk):
    trader = world.trader(fees=flat())
    world.tick(abc, "9.90", "10.00", size=40)
    order = world.place(trader, abc, "buy", 100, limit="10.00", tif="gtc")
    desk.adjust(fills_of(order)[0], "9.99", 30)
    order.refresh_from_db()
    assert (order.leaves_quantity, order.filled_quantity, order.busted_quantity) == (60, 30, 10)
    world.tick(abc, "9.90", "10.00", size=100)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 90)
    assert cash_of(trader) == (100_000 - D("299.70") - 600 - D("0.90"), 0)


def test_an_adjusted_trade_can_be_adjusted_again_and_busted(world, abc, desk):
    trader, order, trade = bought(world, abc)
    first = desk.adjust(trade, "9.90")
    second = desk.adjust(first, "9.80", 5)
    assert (second.corrects_id, second.quantity) == (trade.exec_id, 5)
    desk.bust(second)
    assert (cash_of(trader), open_lots_of(trader)) == ((100_000, 0), [])
    order.refresh_from_db()
    assert order.busted_quantity == 10


def test_both_sides_of_a_match_are_adjusted(world, abc, desk):
    seller, _, _ = bought(world, abc)
    buyer = world.trader()
    world.tick(abc, "9.00", "11.00", last="10.00")
    offer = world.place(seller, abc, "sell", 10, limit="10.40", tif="gtc")
    bid = world.place(buyer, abc, "buy", 4, limit="10.50")
    desk.adjust(fills_of(bid)[0], "10.45", 3)
    ours, theirs = fills_of(bid)[0], fills_of(offer)[0]
    assert ours.match_id == theirs.match_id != Trade.objects.get(busts=ours.corrects_id).match_id
    assert (ours.price, ours.quantity, theirs.price, theirs.quantity) == (
        D("10.45"), 3, D("10.45"), 3,
    )  # fmt: skip
    assert cash_of(buyer)[0] == 100_000 - D("31.35")
    assert Position.objects.get(portfolio=seller.portfolio).quantity == 7


def test_a_side_that_is_booked_anew_for_its_costs_keeps_its_match(world, abc, desk):
    """The buyer's first fill goes; the second was a match, whose other side is not touched."""
    seller, _, _ = bought(world, abc)
    buyer = world.trader(fees=flat_or_one())
    world.tick(abc, "9.00", "10.00", size=2, last="10.00")
    bid = world.place(buyer, abc, "buy", 10, limit="10.00", tif="gtc")
    world.tick(abc, "9.90", "11.00")
    offer = world.place(seller, abc, "sell", 4, limit="10.00")
    first, second = fills_of(bid)
    assert second.match_id is not None
    desk.bust(first)
    (left,) = fills_of(bid)
    assert (left.match_id, left.commission) == (second.match_id, 1)
    assert Trade.objects.filter(order=offer).count() == 1


def flat_or_one() -> FeeSchedule:
    return FeeSchedule.objects.create(
        code="one", kind=CommissionKind.PER_SHARE, per_share=0, minimum=1
    )


@pytest.mark.parametrize("method", list(CostBasisMethod))
def test_a_corrected_sale_closes_what_was_there(world, abc, desk, method):
    """Shares bought after the sale, dearer and newer, are not what it sold."""
    trader = world.trader()
    change_portfolio(trader.portfolio.id, trader.user, now=world.now, cost_basis_method=method)
    for ask in ("10.00", "13.00"):
        world.tick(abc, "9.50", ask)
        world.place(trader, abc, "buy", 10)
    trade = sold(world, trader, abc, 6)
    before = list(LotClosing.objects.values_list("lot_id", "quantity", "cost", "method"))
    world.tick(abc, "10.00", "20.00")
    world.place(trader, abc, "buy", 10)
    change_portfolio(
        trader.portfolio.id, trader.user, now=world.now, cost_basis_method=CostBasisMethod.SPECIFIC
    )
    desk.adjust(trade, "11.01")
    closings = LotClosing.objects.filter(reverses=None, reversed_by=None)
    assert list(closings.values_list("lot_id", "quantity", "cost", "method")) == before
    desk.adjust(fills_of(trade.order)[0], quantity=3)
    assert closings.count() == 1
    assert closings.get().quantity == 3


def test_proceeds_are_unsettled_as_long_as_the_trades_were(world, desk):
    xyz = world.instrument("XYZ", mic="XNYS")
    trader, _, _ = bought(world, xyz)
    trade = sold(world, trader, xyz, 4)
    again = desk.adjust(trade, "11.50")
    row = UnsettledCash.objects.get(trade_id=again.exec_id)
    assert (row.remaining_amount, row.settles_on) == (D("45.95"), trade.settles_on)
    assert UnsettledCash.objects.get(trade_id=trade.exec_id).remaining_amount == 0


def test_money_moves_now_and_the_trade_is_of_then(world, abc, desk):
    _, _, trade = bought(world, abc)
    world.wait(days=3)
    again = desk.adjust(trade, "9.50")
    posted = LedgerTransaction.objects.filter(reference=str(again.exec_id))
    assert {each.occurred_at for each in posted} == {world.now}
    assert (again.executed_at, again.booked_at) == (trade.executed_at, world.now)
    told = Event.objects.get(type="trade.executed", payload__trade__exec_id=str(again.exec_id))
    assert told.occurred_at == world.now
    steps = Event.objects.get(type="order.corrected").payload["steps"]
    assert [(step["kind"], step["price"]) for step in steps] == [
        ("busted", "10"), ("corrected", "9.5"),
    ]  # fmt: skip
    assert Order.objects.get().updated_at == world.now
