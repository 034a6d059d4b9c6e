"""Splits applied: positions, lots and cash; once, in one piece, and whoever comes first."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import GoodFaithViolation, LedgerTransaction
from accounts.statement import read_statement
from accounts.tests.factories import FeeScheduleFactory
from bengi.events.models import Event
from bengi.terms import CostBasisMethod
from instruments.models import CorporateAction, Instrument, Quote
from instruments.services import flush_quotes, record_quotes
from instruments.tests.factories import QuoteFactory
from instruments.tests.ticks import make_tick
from portfolios.models import Lot, LotClosing, LotSplit, PositionSplit
from portfolios.selectors import positions_of, shares_traded
from trades.corporate import splitting
from trades.corporate.due import Applied, apply_due
from trades.corporate.splitting import apply_split
from trades.engine import Fenced
from trades.models import Shard, Trade
from trades.tests.corporate_stage import (
    BEFORE,
    EX_DATE,
    MIDNIGHT,
    cash_of,
    events_of,
    shares_of,
    split,
    until,
)
from trades.tests.desk import Desk
from trades.tests.world import START, Trader, World, assert_books_are_clean


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "69.99", "70.00", last="70.00", size=10_000)
    return made


def hold(world: World, abc: Instrument, *quantities: int, cash: str = "100000") -> Trader:
    """Return somebody who has bought these quantities at 70.00, one lot each."""
    trader = world.trader(cash=cash)
    for quantity in quantities:
        world.place(trader, abc, "buy", quantity)
    return trader


def lots_of(trader: Trader) -> list[tuple[Decimal, ...]]:
    """Return (bought, left, cost left) of the trader's lots, oldest first."""
    rows = Lot.objects.filter(portfolio=trader.portfolio).order_by("opened_at", "id")
    return list(rows.values_list("quantity", "remaining_quantity", "remaining_cost"))


def test_shares_multiply_and_cost_stays(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 10, 5)
    world.place(trader, abc, "sell", 4)
    before = cash_of(trader)
    action = split(abc, 7, 1)
    until(world, BEFORE)
    assert shares_of(trader) == (11, 0)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (77, 0)
    assert lots_of(trader) == [(70, 42, 420), (35, 35, 350)]
    assert cash_of(trader) == before
    assert events_of(trader)[-1] == "portfolio.split_applied"
    action.refresh_from_db()
    assert (action.status, action.applied_at) == ("applied", MIDNIGHT)
    told = Event.objects.filter(stream_id=abc.id).order_by("seq").values_list("type", flat=True)
    assert list(told) == [
        "corporate_action.proposed",
        "corporate_action.approved",
        "corporate_action.applied",
    ]


def test_it_happens_once_whoever_asks_and_however_often(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 10)
    action = split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert not apply_split(action.id, now=MIDNIGHT)
    assert apply_due(MIDNIGHT + timedelta(days=1)) == Applied()
    until(world, MIDNIGHT + timedelta(days=1))
    assert shares_of(trader) == (70, 0)
    assert PositionSplit.objects.count() == LotSplit.objects.count() == 1


def test_nothing_happens_before_its_day_or_without_a_second_person(
    world: World, abc: Instrument
) -> None:
    trader = hold(world, abc, 10)
    action = split(abc, 7, 1)
    assert not apply_split(action.id, now=BEFORE)
    CorporateAction.objects.update(status="proposed")
    assert not apply_split(action.id, now=MIDNIGHT)
    assert apply_due(MIDNIGHT) == Applied()
    assert shares_of(trader) == (10, 0)
    CorporateAction.objects.update(status="approved")


def test_a_sale_after_the_split_costs_its_share_of_the_lot(world: World, abc: Instrument) -> None:
    """10 at 70.00, 4 sold: 420.00 for the 42 new ones; 21 of them cost 210.00."""
    trader = hold(world, abc, 10)
    world.place(trader, abc, "sell", 4)
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    world.tick(abc, "10.10", "10.11", last="10.10")
    world.place(trader, abc, "sell", 21)
    closing = LotClosing.objects.order_by("-id")[0]
    assert (closing.quantity, closing.cost, closing.proceeds) == (21, 210, Decimal("212.10"))
    assert lots_of(trader) == [(70, 21, 210)]


def test_a_reverse_split_pays_for_the_fraction(world: World, abc: Instrument) -> None:
    """105 shares at 70.00 become 10 and half a share of 700.00, closed out of the oldest lot."""
    trader = hold(world, abc, 100, 5)
    world.tick(abc, "69.98", "69.99", last="69.99")
    flush_quotes()
    cash, _ = cash_of(trader)
    split(abc, 1, 10)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (10, 0)
    assert cash_of(trader) == (cash + Decimal("349.95"), 0)  # half of 699.90, the last print
    assert lots_of(trader) == [(10, Decimal("9.5"), 6650), (Decimal("0.5"), Decimal("0.5"), 350)]
    (record,) = PositionSplit.objects.all()
    assert (record.quantity_before, record.quantity_after, record.excess) == (
        105,
        10,
        Decimal("0.5"),
    )
    assert (record.cost_before, record.cost_after, record.cost_closed) == (7350, 7000, 350)
    closing = LotClosing.objects.get()
    assert (closing.trade_id, closing.realized_pnl) == (record.id, Decimal("-0.05"))
    posted = LedgerTransaction.objects.get(kind="cash_in_lieu")
    assert posted.description == "Cash in lieu of 0.5 ABC, 1:10 split"
    assert set(posted.entries.values_list("book", "amount")) == {
        ("customer_cash", Decimal("349.95")),
        ("issuers", Decimal("-349.95")),
    }
    line = read_statement(trader.account, "USD").lines()[-1]
    assert (line.entry.amount, line.balance) == (Decimal("349.95"), cash_of(trader)[0])


def test_whoever_is_left_with_less_than_a_share_has_cash_only(
    world: World, abc: Instrument
) -> None:
    trader = hold(world, abc, 9)
    split(abc, 1, 10, cash_in_lieu_price=Decimal(701))
    until(world, MIDNIGHT)
    assert shares_of(trader) == (0, 0)
    assert positions_of(trader.portfolio) == []
    assert lots_of(trader) == [(Decimal("0.9"), 0, 0)]
    assert cash_of(trader) == (100_000 - 630 + Decimal("630.90"), 0)
    assert LotClosing.objects.get().realized_pnl == Decimal("0.90")


def test_fractions_are_one_for_the_holding_not_one_a_lot(world: World, abc: Instrument) -> None:
    """Two lots of 5 become 15 shares by 3:2; by the lot it would be 7 and 7, and cash for one."""
    trader = hold(world, abc, 5, 5)
    split(abc, 3, 2)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (15, 0)
    assert not LedgerTransaction.objects.filter(kind="cash_in_lieu").exists()
    assert [left for _, left, _ in lots_of(trader)] == [Decimal("7.5"), Decimal("7.5")]


@pytest.mark.parametrize("method", list(CostBasisMethod))
def test_what_is_left_over_is_closed_by_the_portfolios_method(
    world: World, abc: Instrument, method: CostBasisMethod
) -> None:
    """7 at 70.00 and 6 at 80.00 by 1:2 are 6 shares; the half costs as the method says."""
    trader = world.trader()
    trader.portfolio.cost_basis_method = method
    trader.portfolio.save()
    Event.objects.filter(type="portfolio.updated").delete()
    world.place(trader, abc, "buy", 7)
    world.tick(abc, "79.99", "80.00", last="80.00")
    world.tick(abc, "79.99", "80.00", last="80.00")
    world.tick(abc, "79.99", "80.00", last="80.00")
    world.place(trader, abc, "buy", 6)
    split(abc, 1, 2)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (6, 0)
    (closing,) = LotClosing.objects.all()
    average = Decimal("74.62")  # (490 + 480) / 6.5 / 2, to the even cent
    cost = {"fifo": 70, "specific": 70, "lifo": 80, "hifo": 80, "average": average}[method]
    assert (closing.quantity, closing.cost, closing.method) == (Decimal("0.5"), cost, method)
    assert closing.proceeds == 80  # half of 160
    trader.portfolio.cost_basis_method = CostBasisMethod.FIFO
    trader.portfolio.save()


def test_a_split_that_comes_late_pays_fractions_at_the_new_price(
    world: World, abc: Instrument
) -> None:
    """Nobody was there at midnight: the market quotes new shares by the time it is applied."""
    trader = hold(world, abc, 5)
    cash, _ = cash_of(trader)
    split(abc, 1, 10)
    world.now = MIDNIGHT + timedelta(hours=10)
    said = {"bid": Decimal(710), "ask": Decimal(711), "last": Decimal(710), "as_of": world.now}
    record_quotes([make_tick(abc, **said)])
    flush_quotes()
    until(world, world.now)
    assert cash_of(trader) == (cash + 355, 0)  # half of 710.00


def test_lots_that_went_before_a_split_are_ranked_in_the_shares_of_then(
    world: World, abc: Instrument
) -> None:
    """The dearest goes at 80.00; were it 40.00 of the new shares, the one at 70.00 would have."""
    trader = world.trader()
    trader.portfolio.cost_basis_method = CostBasisMethod.HIFO
    trader.portfolio.save()
    Event.objects.filter(type="portfolio.updated").delete()
    world.place(trader, abc, "buy", 7)
    for _ in range(3):
        world.tick(abc, "79.99", "80.00", last="80.00")
    world.place(trader, abc, "buy", 6)
    world.place(trader, abc, "sell", 6)
    split(abc, 1, 2, cash_in_lieu_price=Decimal(160))
    until(world, MIDNIGHT)
    assert shares_of(trader) == (3, 0)
    trader.portfolio.cost_basis_method = CostBasisMethod.FIFO
    trader.portfolio.save()


def test_without_a_quote_a_fraction_is_worth_what_the_last_trade_was(
    world: World, abc: Instrument
) -> None:
    first, second = hold(world, abc, 1), hold(world, abc, 3)
    assert not Quote.objects.exists()
    split(abc, 1, 2)
    until(world, MIDNIGHT)
    records = PositionSplit.objects.order_by("quantity_before")
    assert [(each.price, each.cash_in_lieu) for each in records] == [(140, 70), (140, 70)]
    assert (shares_of(first), shares_of(second)) == ((0, 0), (1, 0))


def test_a_trade_that_was_taken_back_says_nothing_of_what_a_share_is_worth(
    world: World, abc: Instrument
) -> None:
    trader = hold(world, abc, 5)
    for _ in range(3):
        world.tick(abc, "79.99", "80.00", last="80.00")
    world.place(trader, abc, "buy", 10)
    Desk(world).bust(Trade.objects.latest("exec_id"))
    cash, _ = cash_of(trader)
    split(abc, 1, 10)
    until(world, MIDNIGHT)
    assert cash_of(trader) == (cash + 350, 0)  # half of 700.00


def test_cash_in_lieu_is_no_sale_in_bad_faith_and_no_volume(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 15, cash="1092")
    world.place(trader, abc, "sell", 15)
    world.place(trader, abc, "buy", 13)  # paid with proceeds that have not settled
    volume = shares_traded([trader.account.id], since=START)[trader.account.id]
    split(abc, 1, 2)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (6, 0)
    assert not GoodFaithViolation.objects.exists()
    found = shares_traded([trader.account.id], since=START)
    assert found == {trader.account.id: volume} == {trader.account.id: Decimal(43)}


def test_everybody_is_split_and_the_statements_do_not_grow(world: World, abc: Instrument) -> None:
    counts = []
    for instrument, people in ((abc, 2), (world.instrument("XYZ"), 9)):
        world.tick(instrument, "69.99", "70.00", last="70.00", size=10_000)
        for _ in range(people):
            trader = hold(world, instrument, 3, 2)
            world.place(trader, instrument, "sell", 1, limit="75.00", tif="gtc")
            world.place(trader, instrument, "buy", 1, limit="65.00", tif="gtc")
        action = split(instrument, 3, 2)
        with CaptureQueriesContext(connection) as queries:
            assert apply_split(action.id, now=MIDNIGHT)
        world.engine.forget()
        counts.append(len(queries))
    assert PositionSplit.objects.count() == 11
    assert counts[0] == counts[1] <= 40


def test_a_failure_half_way_leaves_nothing_and_the_next_look_heals(
    world: World, abc: Instrument, monkeypatch: Any
) -> None:
    trader = hold(world, abc, 10)
    world.place(trader, abc, "sell", 4, limit="75.00", tif="gtc")
    action = split(abc, 7, 1)
    version = Shard.objects.get().version

    def break_down(*_: Any) -> None:
        raise RuntimeError("out of disk")

    monkeypatch.setattr(splitting, "save", break_down)
    world.now = MIDNIGHT
    with pytest.raises(RuntimeError):
        world.drain()
    assert shares_of(trader) == (10, 4)
    action.refresh_from_db()
    assert (action.status, Shard.objects.get().version) == ("approved", version)
    assert_books_are_clean()
    monkeypatch.undo()
    until(world, MIDNIGHT + timedelta(hours=9, minutes=30))
    assert shares_of(trader) == (70, 28)


def test_an_engine_that_has_not_heard_is_fenced(world: World, abc: Instrument) -> None:
    """Somebody else applies the split; the engine's old books fill nothing at old prices."""
    trader = hold(world, abc, 10)
    order = world.place(trader, abc, "sell", 4, limit="75.00", tif="gtc")
    split(abc, 7, 1)
    world.now = MIDNIGHT + timedelta(seconds=1)
    apply_due(world.now)
    with pytest.raises(Fenced):
        world.tick(abc, "76.00", "76.01", last="76.00", is_nudged=False)
    world.engine.on_ticks([])
    world.drain()
    order.refresh_from_db()
    assert (order.quantity, order.limit_price) == (28, Decimal("10.72"))
    assert shares_of(trader) == (42, 0)  # sold at 76.00, for the test's market knows no split
    assert Trade.objects.get(order=order).price == Decimal("76.00")


def test_what_came_before_the_split_is_worked_before_it(world: World, abc: Instrument) -> None:
    """Ticks and orders of the old day fill at the old day's prices, however late the engine is."""
    trader = hold(world, abc, 10)
    sold = world.place(trader, abc, "sell", 4, limit="71.00", tif="gtc")
    split(abc, 7, 1)
    world.now = BEFORE - timedelta(seconds=2)
    world.place(trader, abc, "buy", 1, limit="71.10", tif="gtc", drain=False)
    hear(world, abc, "71.00", "71.01")
    world.now = MIDNIGHT + timedelta(minutes=5)
    world.drain()
    trades = Trade.objects.order_by("-exec_id").values_list("side", "quantity", "price")[:2]
    assert set(trades) == {("sell", 4, 71), ("buy", 1, Decimal("71.01"))}
    sold.refresh_from_db()
    assert sold.status == "filled"
    assert shares_of(trader) == (49, 0)


def test_an_old_price_that_comes_late_fills_nothing(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 10)
    world.place(trader, abc, "sell", 10, limit="71.00", tif="gtc")
    split(abc, 7, 1)
    until(world, MIDNIGHT + timedelta(seconds=1))
    late = MIDNIGHT - timedelta(milliseconds=1)
    hear(world, abc, "71.00", "71.01", at=late)
    world.drain()
    assert shares_of(trader) == (70, 70)
    hear(world, abc, "10.20", "10.21", at=MIDNIGHT + timedelta(seconds=2))
    world.wait(seconds=1)
    assert shares_of(trader) == (0, 0)


def hear(world: World, abc: Instrument, bid: str, ask: str, at: Any = None) -> None:
    """Hand the engine a tick, as the bus does; the board is not asked."""
    tick = make_tick(
        abc, bid=Decimal(bid), ask=Decimal(ask), last=Decimal(bid), as_of=at or world.now
    )
    world.engine.on_ticks([tick])


def test_the_next_split_starts_from_the_last(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 10, 3)
    split(abc, 7, 1)
    split(abc, 1, 4, ex_date=EX_DATE + timedelta(days=1))
    split(abc, 3, 2, ex_date=EX_DATE + timedelta(days=2))
    until(world, MIDNIGHT + timedelta(days=5))
    # 13, 91, 22 and three quarters in cash, 33
    assert shares_of(trader) == (33, 0)
    (first, second, third) = PositionSplit.objects.order_by("action__effective_at")
    assert (first.quantity_after, second.quantity_after, second.excess) == (
        91,
        22,
        Decimal("0.75"),
    )
    assert (third.quantity_before, third.quantity_after) == (22, 33)
    assert first.cost_before == 910
    assert third.cost_after + second.cost_closed == 910


def test_a_commission_by_tiers_counts_shares_as_they_were_traded(
    world: World, abc: Instrument
) -> None:
    trader = world.trader(fees=FeeScheduleFactory())
    world.place(trader, abc, "buy", 10)
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    split(abc, 2, 1, ex_date=EX_DATE + timedelta(days=1))
    until(world, MIDNIGHT + timedelta(days=1))
    assert shares_of(trader) == (140, 0)
    assert shares_traded([trader.account.id], since=START) == {trader.account.id: 10}


def test_who_holds_nothing_is_told_nothing(world: World, abc: Instrument) -> None:
    bystander, seller = world.trader(), hold(world, abc, 2)
    world.place(seller, abc, "sell", 2)
    QuoteFactory(instrument=world.instrument("ELSE"))
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    assert "portfolio.split_applied" not in events_of(bystander) + events_of(seller)
    assert not PositionSplit.objects.exists()
