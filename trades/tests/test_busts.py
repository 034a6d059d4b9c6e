"""Busts: docs/trading-rules.md, "Currencies and corrections"; docs/adr/0012."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    FeeSchedule,
    GoodFaithViolation,
    LedgerEntry,
    LedgerTransaction,
    RegulatoryRate,
    UnsettledCash,
    UnsettledUse,
)
from accounts.selectors import accounts_of, cash_states_of, with_unsettled
from accounts.services import deposit
from bengi.events.models import Event
from bengi.events.selectors import events_after
from bengi.realtime.protocol import account_message
from bengi.terms import CommissionKind, CostBasisMethod
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from portfolios.selectors import realized_pnl_of, shares_traded
from portfolios.services import change_portfolio
from trades.corrections import approve, ask_bust
from trades.models import Trade
from trades.tests.desk import Desk, cash_of, fills_of, open_lots_of
from trades.tests.world import START, Trader, World

pytestmark = pytest.mark.django_db
D = Decimal
STATEMENTS_MAX = 39 if connection.vendor == "postgresql" else 34  # there without joins


def per_share() -> FeeSchedule:
    return FeeSchedule.objects.create(
        code="per-share",
        kind=CommissionKind.PER_SHARE,
        per_share=D("0.005"),
        minimum=D(1),
        maximum_rate=D("0.01"),
    )


def bought(world: World, abc, quantity: int = 10, **who) -> tuple[Trader, Trade]:
    """Return a trader who has just bought at 10.00, and the trade."""
    trader = world.trader(**who)
    world.tick(abc, "9.90", "10.00")
    (trade,) = fills_of(world.place(trader, abc, "buy", quantity))
    return trader, trade


def sold(world: World, trader: Trader, abc, quantity: int, bid: str = "11.00") -> Trade:
    world.tick(abc, bid, "12.00")
    return fills_of(world.place(trader, abc, "sell", quantity))[-1]


def test_a_busted_buy_leaves_nothing_but_its_rows(world, abc, desk):
    trader, trade = bought(world, abc, fees=per_share())
    world.now += timedelta(seconds=1)
    assert cash_of(trader) == (D("99899.00"), 0)  # 10 x 10.00 and 1.00
    row = desk.bust(trade)
    assert cash_of(trader) == (100_000, 0)
    assert open_lots_of(trader) == []
    assert Position.objects.get().quantity == 0
    bust = Trade.objects.get(busts=trade)
    assert (bust.kind, bust.quantity, bust.gross_amount, bust.commission, bust.net_amount) == (
        "bust", -10, -100, -1, 101,
    )  # fmt: skip
    assert (bust.executed_at, bust.trade_date, bust.correction) == (
        trade.executed_at, trade.trade_date, row,
    )  # fmt: skip
    assert (trade.booked_at, bust.booked_at) == (trade.executed_at, world.now)
    lot = Lot.objects.get()
    assert (lot.quantity, lot.remaining_quantity, lot.busted_by) == (10, 0, bust.exec_id)
    order = Order.objects.get()
    assert (order.status, order.filled_quantity, order.busted_quantity) == ("filled", 0, 10)
    assert (order.filled_value, order.commission, order.average_price) == (0, 0, None)
    assert (row.outcome, row.decided_by, row.decided_at) == ("approved", desk.two, world.now)


def test_the_ledger_is_reversed_leg_by_leg_and_no_row_changes(world, abc, desk):
    _, trade = bought(world, abc, fees=per_share())
    before = list(LedgerEntry.objects.order_by("id").values())
    desk.bust(trade, reason="Fat finger")
    reversals = LedgerTransaction.objects.filter(kind="reversal").order_by("id")
    assert [(r.reverses.kind, r.reverses.reference) for r in reversals] == [
        ("trade", str(trade.exec_id)),
        ("commission", str(trade.exec_id)),
    ]
    assert reversals[0].description == "Reversal: Bought 10 ABC at 10 (Fat finger)"
    legs = LedgerEntry.objects.filter(transaction__in=reversals)
    assert sorted(legs.values_list("book", "amount")) == [
        ("clearing", -100), ("commission", -1), ("customer_cash", 1), ("customer_cash", 100),
    ]  # fmt: skip
    assert list(LedgerEntry.objects.order_by("id").values())[: len(before)] == before


def test_what_is_told_of_a_bust(world, abc, desk):
    trader, trade = bought(world, abc)
    seen = Event.objects.filter(stream_id=trader.account.id).count()
    desk.bust(trade, reason="Fat finger")
    told = events_after(trader.account.id, seen)
    assert [event.type for event in told] == [
        "correction.requested", "correction.approved", "trade.busted", "order.corrected",
    ]  # fmt: skip
    asked, approved, busted, corrected = (account_message(trader.account.id, e) for e in told)
    for message in (asked, approved):  # the owner hears that there was one, not who moved it
        assert set(message) == {"type", "topic", "seq", "event", "occurred_at"}
    assert (busted["type"], busted["trade"]["busts"]) == ("TRADE_BUSTED", str(trade.exec_id))
    assert set(busted) == {"type", "topic", "seq", "event", "trade"}
    assert corrected["order"]["busted_quantity"] == "10"
    (step,) = told[-1].payload["steps"]
    assert (step["kind"], step["quantity"], step["price"], step["reason"]) == (
        "busted", "10", "10", "Fat finger",
    )  # fmt: skip
    assert step["busts"] == str(trade.exec_id)
    assert told[1].payload["correction"]["decided_by"] == str(desk.two.id)


def test_a_busted_sale_opens_its_lots_again(world, abc, desk):
    trader = world.trader(fees=per_share())
    for ask in ("10.00", "12.00"):
        world.tick(abc, "9.00", ask)
        world.place(trader, abc, "buy", 10)
    trade = sold(world, trader, abc, 15)
    assert open_lots_of(trader) == [(5, D("60.50"))]
    assert realized_pnl_of(trader.portfolio) == {"USD": D("2.50")}  # 164 - 101 - 60.50
    desk.bust(trade)
    assert open_lots_of(trader) == [(10, 101), (10, 121)]
    assert realized_pnl_of(trader.portfolio) == {"USD": 0}
    assert cash_of(trader) == (D(100_000) - 101 - 121, 0)
    rows = LotClosing.objects.filter(reverses__isnull=False).order_by("-quantity")
    assert [(c.quantity, c.cost, c.proceeds, c.fees, c.realized_pnl) for c in rows] == [
        (-5, D("-60.50"), D("-54.67"), D("-0.33"), D("5.83")),
        (-10, -101, D("-109.33"), D("-0.67"), D("-8.33")),
    ]
    again = sold(world, trader, abc, 15)
    assert again.net_amount == trade.net_amount
    assert realized_pnl_of(trader.portfolio) == {"USD": D("2.50")}


def test_one_of_several_fills_goes(world, abc, desk):
    """The first fill paid the minimum of 1.00; without it the second owes it."""
    trader = world.trader(fees=per_share())
    world.tick(abc, "9.90", "10.00", size=40)
    order = world.place(trader, abc, "buy", 300, tif="gtc")
    world.tick(abc, "9.90", "10.10", size=60)
    world.tick(abc, "9.90", "10.20", size=200)
    fills = fills_of(order)
    assert [(f.quantity, f.commission) for f in fills] == [(40, 1), (60, 0), (200, D("0.50"))]
    desk.bust(fills[0])
    stands = fills_of(order)
    assert [(f.kind, f.quantity, f.price, f.commission) for f in stands] == [
        ("correction", 60, D("10.10"), 1), ("correction", 200, D("10.20"), D("0.30")),
    ]  # fmt: skip
    assert [f.corrects_id for f in stands] == [fills[1].exec_id, fills[2].exec_id]
    assert [f.executed_at for f in stands] == [fills[1].executed_at, fills[2].executed_at]
    assert open_lots_of(trader) == [(60, 607), (200, D("2040.30"))]
    assert cash_of(trader)[0] == 100_000 - 607 - D("2040.30")
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.busted_quantity) == ("filled", 260, 40)
    assert order.commission == D("1.30")


def test_the_last_fill_goes_alone(world, abc, desk):
    trader = world.trader(fees=per_share())
    world.tick(abc, "9.90", "10.00", size=40)
    order = world.place(trader, abc, "buy", 100, tif="gtc")
    world.tick(abc, "9.90", "10.10", size=60)
    first, last = fills_of(order)
    desk.bust(last)
    assert fills_of(order) == [first]
    assert Trade.objects.count() == 3


def test_what_is_busted_of_an_open_order_is_not_worked_again(world, abc, desk):
    trader = world.trader(fees=per_share())
    world.tick(abc, "9.90", "10.00", size=40)
    order = world.place(trader, abc, "buy", 100, limit="10.00", tif="gtc")
    assert cash_of(trader) == (D("99599.00"), 600)
    desk.bust(fills_of(order)[0])
    order.refresh_from_db()
    assert (order.status, order.leaves_quantity) == ("partially_filled", 60)
    assert cash_of(trader) == (100_000, 601)  # the minimum is to be paid again
    world.tick(abc, "9.90", "10.00", size=1000)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.busted_quantity) == ("filled", 60, 40)
    assert cash_of(trader) == (D("99399.00"), 0)


def test_an_open_sell_goes_on_with_what_it_still_wants(world, abc, desk):
    trader, _ = bought(world, abc, quantity=100)
    world.tick(abc, "10.00", "10.10", size=40)
    order = world.place(trader, abc, "sell", 100, limit="10.00", tif="gtc")
    desk.bust(fills_of(order)[0])
    position = Position.objects.get()
    assert (position.quantity, position.reserved_quantity) == (100, 60)
    world.tick(abc, "10.00", "10.10", size=1000)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 60)
    assert Position.objects.get().quantity == 40


def test_an_order_whose_fill_is_busted_can_be_replaced_and_canceled(world, abc, desk):
    trader = world.trader()
    world.tick(abc, "9.90", "10.00", size=40)
    order = world.place(trader, abc, "buy", 100, limit="10.00", tif="gtc")
    desk.bust(fills_of(order)[0])
    world.tick(abc, "9.80", "10.20")
    order.refresh_from_db()
    new = world.replace(trader, order, quantity=D(90))
    assert (order.status, new.status, new.quantity) == ("replaced", "new", 50)
    assert cash_of(trader) == (100_000, 500)
    assert world.cancel(trader, new).status == "canceled"


def test_both_sides_of_a_match_go_together(world, abc, desk):
    seller, _ = bought(world, abc)
    buyer = world.trader()
    world.tick(abc, "9.00", "11.00", last="10.00")
    offer = world.place(seller, abc, "sell", 10, limit="10.50", tif="gtc")
    bid = world.place(buyer, abc, "buy", 4, limit="10.50")
    ours, theirs = fills_of(bid)[0], fills_of(offer)[0]
    assert ours.match_id == theirs.match_id
    desk.bust(theirs)
    assert fills_of(bid) == fills_of(offer) == []
    assert cash_of(buyer) == (100_000, 0)
    assert (open_lots_of(buyer), open_lots_of(seller)) == ([], [(10, 100)])
    for trader in (buyer, seller):
        told = Event.objects.filter(stream_id=trader.account.id, type="trade.busted")
        assert told.count() == 1
    offer.refresh_from_db()
    assert (offer.status, offer.leaves_quantity, offer.busted_quantity) == (
        "partially_filled", 6, 4,
    )  # fmt: skip


def test_fees_of_us_sales_are_reckoned_anew(world, desk):
    """0.0002 a share, rounded up once per order: 0.01 on the first 50, nothing on the next."""
    RegulatoryRate.objects.create(code="taf", effective_from="2026-01-01", per_share="0.0002")
    xyz = world.instrument("XYZ", mic="XNYS")
    trader, _ = bought(world, xyz, quantity=90)
    world.tick(xyz, "10.00", "10.10", size=30)
    order = world.place(trader, xyz, "sell", 90, tif="gtc")
    world.tick(xyz, "10.00", "10.10", size=20)
    world.tick(xyz, "10.00", "10.10", size=40)
    fills = fills_of(order)
    assert [f.fees for f in fills] == [D("0.01"), 0, D("0.01")]
    desk.bust(fills[0])
    assert [f.fees for f in fills_of(order)] == [D("0.01"), D("0.01")]
    assert [(f.quantity, f.net_amount) for f in fills_of(order)] == [
        (20, D("199.99")), (40, D("399.99")),
    ]  # fmt: skip


def test_averaged_cost_goes_back_where_it_was(world, abc, desk):
    trader = world.trader()
    change_portfolio(
        trader.portfolio.id, trader.user, now=world.now, cost_basis_method=CostBasisMethod.AVERAGE
    )
    for ask in ("10.00", "13.00", "11.50"):
        world.tick(abc, "9.50", ask)
        world.place(trader, abc, "buy", 10)
    trade = sold(world, trader, abc, 15)
    assert open_lots_of(trader) == [(5, D("57.50")), (10, 115)]
    desk.bust(trade)
    assert open_lots_of(trader) == [(10, 100), (10, 130), (10, 115)]
    assert not Lot.objects.exclude(cost_shift=0).exists()
    desk.bust(fills_of(Order.objects.filter(side="buy").latest("-id"))[0])  # untouched again
    assert open_lots_of(trader) == [(10, 130), (10, 115)]


def test_named_lots_can_be_sold_again(world, abc, desk):
    trader = world.trader()
    for ask in ("10.00", "13.00"):
        world.tick(abc, "9.50", ask)
        world.place(trader, abc, "buy", 10)
    one, two = Lot.objects.order_by("id")
    world.tick(abc, "12.00", "12.10", size=4)
    order = world.place(
        trader, abc, "sell", 12, limit="12.00", tif="gtc", lots=[(two, 7), (one, 5)]
    )
    desk.bust(fills_of(order)[0])
    assert open_lots_of(trader) == [(10, 100), (10, 130)]
    world.tick(abc, "12.00", "12.10", size=100)
    closings = LotClosing.objects.filter(reverses=None, reversed_by=None).order_by("id")
    assert [(c.lot_id, c.quantity) for c in closings] == [(two.id, 7), (one.id, 1)]


# --- settled and unsettled cash


def cash_state(world: World, trader: Trader) -> tuple[Decimal, ...]:
    """Return cash, settled and unsettled."""
    state = cash_states_of(with_unsettled(accounts_of(trader.user), world.now).get(), world.now)
    return state["USD"].cash, state["USD"].settled, state["USD"].unsettled


@pytest.fixture
def day_trader(world: World):
    return sell_and_buy_with_it(world)


def sell_and_buy_with_it(world: World):
    """Return somebody who has sold all for 1000 and bought 30 with it, and both trades."""
    xyz = world.instrument("XYZ", mic="XNYS")
    trader = world.trader(cash="1000")
    world.tick(xyz, "10.00", "10.00")
    world.place(trader, xyz, "buy", 100, limit="10.00")
    (sale,) = fills_of(world.place(trader, xyz, "sell", 100))
    (buy,) = fills_of(world.place(trader, xyz, "buy", 30, limit="10.00"))
    assert cash_state(world, trader) == (700, 0, 700)
    return trader, xyz, sale, buy


def test_a_busted_buy_gives_unsettled_cash_back(world, desk, day_trader):
    trader, _, _, buy = day_trader
    desk.bust(buy)
    assert cash_state(world, trader) == (1000, 0, 1000)
    uses = UnsettledUse.objects.order_by("id").values_list("trade_id", "amount")
    assert list(uses) == [(buy.exec_id, 300), (buy.busted_by.exec_id, -300)]


def test_the_proceeds_of_a_busted_sale_vanish(world, desk, day_trader):
    trader, _, sale, buy = day_trader
    desk.bust(buy)
    desk.bust(sale)
    assert cash_state(world, trader) == (0, 0, 0)
    row = UnsettledCash.objects.get()
    assert (row.amount, row.remaining_amount) == (1000, 0)


def test_settled_proceeds_are_cash_like_any_other(world, desk, day_trader):
    """A buy has used them, and they have settled since: nothing hangs on them any more."""
    trader, _, sale, _ = day_trader
    world.wait(days=2)
    deposit(trader.account, D(300), "USD", key="more", now=world.now)
    desk.bust(sale)
    assert cash_state(world, trader) == (0, 0, 0)
    assert open_lots_of(trader) == [(100, 1000), (30, 300)]


def test_a_violation_goes_with_its_sale_and_may_come_again(world, desk, day_trader):
    trader, xyz, _, _ = day_trader
    (bad,) = fills_of(world.place(trader, xyz, "sell", 10))
    violation = GoodFaithViolation.objects.get()
    assert violation.trade_id == bad.exec_id
    desk.bust(bad)
    violation.refresh_from_db()
    assert violation.busted_by == bad.busted_by.exec_id
    account = with_unsettled(accounts_of(trader.user), world.now).get()
    assert list(account.violations.all()) == []
    world.tick(xyz, "10.00", "10.00")
    world.place(trader, xyz, "sell", 5)
    assert GoodFaithViolation.objects.filter(busted_by=None).count() == 1


def test_all_violations_of_a_sale_go_with_it(world, desk, day_trader):
    """It has sold what two buys paid for with unsettled cash."""
    trader, xyz, _, _ = day_trader
    world.place(trader, xyz, "buy", 20, limit="10.00")
    (bad,) = fills_of(world.place(trader, xyz, "sell", 50))
    assert GoodFaithViolation.objects.filter(trade_id=bad.exec_id).count() == 2
    desk.bust(bad)
    assert not GoodFaithViolation.objects.filter(busted_by=None).exists()


def test_a_months_volume_is_net_of_busts(world, abc, desk):
    trader, trade = bought(world, abc)
    sale = sold(world, trader, abc, 4)
    accounts = [trader.account.id]
    assert shares_traded(accounts, since=START)[trader.account.id] == 14
    desk.bust(sale)
    assert shares_traded(accounts, since=START)[trader.account.id] == 10
    desk.bust(trade)
    assert shares_traded(accounts, since=START)[trader.account.id] == 0


# --- cost, repetition and what the database refuses


def statements_of_a_bust(world: World, abc, desk: Desk, fills: int) -> int:
    trader = world.trader()
    world.tick(abc, "9.90", "10.00", size=1)
    order = world.place(trader, abc, "buy", fills, tif="gtc")
    for _ in range(fills - 1):
        world.tick(abc, "9.90", "10.00", size=1)
    made = fills_of(order)
    assert len(made) == fills
    asked = ask_bust(desk.one, made[0].exec_id, reason="Why", now=world.now)
    with CaptureQueriesContext(connection) as found:
        approve(asked.id, desk.two, now=world.now)
    world.engine.forget()
    return len(found)


def test_a_bust_takes_as_many_statements_for_many_fills(world, abc, desk):
    statements_of_a_bust(world, abc, desk, 2)  # the desk's permissions are known from now on
    few, many = (statements_of_a_bust(world, abc, desk, fills) for fills in (2, 9))
    assert few == many <= STATEMENTS_MAX


def test_the_database_refuses_half_a_bust(world, abc, desk):
    _, trade = bought(world, abc)
    row = desk.bust(trade)
    bust = Trade.objects.get(busts=trade)
    for change in (
        {"quantity": 10},
        {"correction": None},
        {"corrects": trade},
        {"price": 0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Trade.objects.filter(exec_id=bust.exec_id).update(**change)
    for change in ({"decided_by": row.requested_by}, {"decided_by": None}, {"price": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(id=row.id).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lot.objects.update(remaining_quantity=1)


def test_a_tier_and_a_day_stay_those_of_the_order(world, desk):
    """An adjustment months later books by the day the trade was done on."""
    RegulatoryRate.objects.create(code="taf", effective_from="2026-01-01", per_share="0.0002")
    RegulatoryRate.objects.create(code="taf", effective_from="2026-04-01", per_share="0.0400")
    xyz = world.instrument("XYZ", mic="XNYS")
    trader, _ = bought(world, xyz, quantity=50)
    sale = sold(world, trader, xyz, 50)
    world.now += timedelta(days=60)
    again = desk.adjust(sale, "11.50")
    assert (again.fees, again.trade_date, again.settles_on) == (
        D("0.01"), sale.trade_date, sale.settles_on,
    )  # fmt: skip
    posted = LedgerTransaction.objects.get(kind="trade", reference=str(again.exec_id))
    assert posted.occurred_at == world.now
