"""Dividends: who held the shares when the ex-date began is paid on the pay date, once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import LedgerTransaction
from accounts.statement import read_statement, statement_shape
from instruments.models import CorporateAction, Instrument
from portfolios.models import DividendEntitlement, Portfolio
from trades.corporate import dividends
from trades.corporate.due import Applied, apply_due
from trades.tests.corporate_stage import (
    BEFORE,
    EX_DATE,
    MIDNIGHT,
    cash_of,
    dividend,
    events_of,
    shares_of,
    split,
    until,
)
from trades.tests.world import Trader, World

PAY_DAY = MIDNIGHT + timedelta(days=2)
SECOND = timedelta(seconds=1)


@pytest.fixture
def abc(world: World) -> Instrument:
    made = world.instrument()
    world.tick(made, "69.99", "70.00", last="70.00", size=10_000)
    return made


def hold(world: World, abc: Instrument, quantity: int) -> Trader:
    trader = world.trader()
    world.place(trader, abc, "buy", quantity)
    return trader


def owed(trader: Trader) -> list[tuple[Decimal, ...]]:
    rows = DividendEntitlement.objects.filter(portfolio=trader.portfolio)
    return list(rows.values_list("quantity", "gross_amount", "withheld_amount"))


def test_a_dividend_is_recorded_then_paid_less_the_tax(world: World, abc: Instrument) -> None:
    """100 shares at 0.47, 30 % kept in the United States: 47.00 and 14.10."""
    trader = hold(world, abc, 100)
    action = dividend(abc, "0.47")
    assert apply_due(BEFORE) == Applied()
    assert apply_due(MIDNIGHT) == Applied(entitled=1)
    assert owed(trader) == [(100, 47, Decimal("14.10"))]
    assert cash_of(trader) == (93_000, 0)
    assert apply_due(PAY_DAY - SECOND) == Applied()
    assert apply_due(PAY_DAY) == Applied(paid=1)
    assert cash_of(trader) == (Decimal("93032.90"), 0)
    action.refresh_from_db()
    assert (action.status, action.applied_at, action.paid_at) == ("paid", MIDNIGHT, PAY_DAY)
    assert events_of(trader)[-2:] == ["dividend.entitled", "dividend.paid"]


def test_the_statement_shows_the_dividend_and_the_tax(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 100)
    dividend(abc, "0.47")
    apply_due(PAY_DAY)
    lines = statement_shape(read_statement(trader.account, "USD"))["lines"][-2:]
    assert [(line["kind"], line["description"], line["amount"]) for line in lines] == [
        ("dividend", "Dividend on 100 ABC, ex 2026-03-03", "47"),
        ("withholding", "Tax on 100 ABC, ex 2026-03-03", "-14.1"),
    ]
    assert lines[-1]["balance"] == "93032.9"
    posted = LedgerTransaction.objects.filter(kind__in=["dividend", "withholding"])
    books = {(e.book, e.amount) for each in posted for e in each.entries.exclude(account=None)}
    assert books == {("customer_cash", Decimal(47)), ("customer_cash", Decimal("-14.1"))}
    house = {(e.book, e.amount) for each in posted for e in each.entries.filter(account=None)}
    assert house == {("issuers", Decimal(-47)), ("withholding", Decimal("14.1"))}


def test_bought_before_the_ex_date_counts_bought_on_it_does_not(
    world: World, abc: Instrument
) -> None:
    """Trades done before count though they settle later; the last look may come late."""
    early, late, seller, leaver = (hold(world, abc, 10), *(world.trader() for _ in range(3)))
    world.place(seller, abc, "buy", 10)
    world.place(leaver, abc, "buy", 10)
    world.place(leaver, abc, "sell", 10)
    dividend(abc, "1.00")
    world.now = MIDNIGHT
    world.tick(abc, "69.99", "70.00", last="70.00", size=10_000)
    world.place(late, abc, "buy", 10)
    world.place(early, abc, "buy", 5)
    world.place(seller, abc, "sell", 10)
    assert shares_of(seller) == (0, 0)
    apply_due(world.now)
    assert owed(early) == [(10, 10, 3)]
    assert owed(seller) == [(10, 10, 3)]
    assert owed(late) == owed(leaver) == []


def test_nobody_is_paid_twice(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 100)
    action = dividend(abc, "0.47")
    apply_due(PAY_DAY)
    assert apply_due(PAY_DAY + SECOND) == Applied()
    assert dividends.entitle(action.id, now=PAY_DAY) == dividends.pay(action.id, now=PAY_DAY) == 0
    assert cash_of(trader) == (Decimal("93032.90"), 0)
    CorporateAction.objects.update(status="applied")  # whatever goes wrong, the ledger refuses
    with pytest.raises(IntegrityError), transaction.atomic():
        dividends.pay(action.id, now=PAY_DAY)
    CorporateAction.objects.update(status="approved")
    with pytest.raises(IntegrityError), transaction.atomic():
        dividends.entitle(action.id, now=PAY_DAY)
    CorporateAction.objects.update(status="paid")


def test_each_portfolio_is_paid_on_all_its_lots_at_once(world: World, abc: Instrument) -> None:
    """Three lots of one at 0.005 are 0.015 and paid 0.02; lot by lot it would be nothing."""
    trader = world.trader()
    second = Portfolio.objects.create(account=trader.account, name="Second")
    for _ in range(3):
        world.place(trader, abc, "buy", 1)
    world.place(Trader(trader.user, trader.account, second), abc, "buy", 4)
    dividend(abc, "0.005", withholding_rate=Decimal(0))
    apply_due(PAY_DAY)
    assert owed(trader) == [(3, Decimal("0.02"), 0)]
    rows = DividendEntitlement.objects.filter(portfolio=second)
    assert [row.gross_amount for row in rows] == [Decimal("0.02")]
    assert cash_of(trader)[0] == 100_000 - 7 * 70 + Decimal("0.04")
    assert LedgerTransaction.objects.filter(kind="dividend").count() == 2
    assert not LedgerTransaction.objects.filter(kind="withholding").exists()


def test_what_rounds_to_nothing_is_owed_to_nobody(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 1)
    action = dividend(abc, "0.004")
    assert apply_due(PAY_DAY) == Applied()
    action.refresh_from_db()
    assert action.status == "paid"
    assert owed(trader) == []


def test_a_dividend_in_another_currency_opens_its_balance(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 10)
    dividend(abc, "1.10", currency="EUR", withholding_rate=Decimal("0.15"))
    apply_due(PAY_DAY)
    assert cash_of(trader, "EUR") == (Decimal("9.35"), 0)
    assert cash_of(trader)[0] == 100_000 - 700


def test_a_split_on_the_ex_date_comes_after_the_dividend(world: World, abc: Instrument) -> None:
    """The amount is that of an old share, and holders are those of old shares."""
    trader = hold(world, abc, 10)
    dividend(abc, "1.00")
    split(abc, 7, 1)
    apply_due(PAY_DAY)
    assert owed(trader) == [(10, 10, 3)]
    assert shares_of(trader) == (70, 0)
    world.engine.forget()


def test_an_engine_that_splits_first_changes_nothing_about_it(
    world: World, abc: Instrument
) -> None:
    """The holders of an earlier ex-date are found through the split, and a later one after it."""
    trader = hold(world, abc, 10)
    dividend(abc, "1.00")
    split(abc, 7, 1, ex_date=EX_DATE + timedelta(days=1))
    until(world, MIDNIGHT + timedelta(days=1))
    assert shares_of(trader) == (70, 0)
    world.tick(abc, "9.99", "10.00", last="10.00", size=100)
    world.place(trader, abc, "sell", 20)
    apply_due(world.now)
    assert owed(trader) == [(10, 10, 3)]
    split_at = MIDNIGHT + timedelta(days=1)
    mine = trader.portfolio.id
    assert dividends.holdings_at(abc.id, split_at) == {mine: Decimal(10)}
    assert dividends.holdings_at(abc.id, split_at + timedelta(hours=1)) == {mine: Decimal(50)}


def test_a_late_approval_pays_who_held_then(world: World, abc: Instrument) -> None:
    """A dividend may be entered when its ex-date is past; a split may not."""
    trader, late = hold(world, abc, 10), world.trader()
    world.now = MIDNIGHT + timedelta(hours=10)
    world.tick(abc, "69.99", "70.00", last="70.00", size=10_000)
    world.place(trader, abc, "sell", 10)
    world.place(late, abc, "buy", 10)
    dividend(abc, "1.00")
    apply_due(world.now)
    assert (owed(trader), owed(late)) == ([(10, 10, 3)], [])


def test_the_statements_do_not_grow_with_the_holders(world: World, abc: Instrument) -> None:
    counts = []
    for instrument, people in ((abc, 2), (world.instrument("XYZ"), 9)):
        world.tick(instrument, "69.99", "70.00", last="70.00", size=10_000)
        for _ in range(people):
            hold(world, instrument, 10)
        action = dividend(instrument, "1.00")
        with CaptureQueriesContext(connection) as queries:
            assert dividends.entitle(action.id, now=MIDNIGHT) == people
            assert dividends.pay(action.id, now=PAY_DAY) == people
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_a_dividend_leaves_orders_and_prices_alone(world: World, abc: Instrument) -> None:
    trader = hold(world, abc, 10)
    order = world.place(trader, abc, "buy", 1, limit="65.00", tif="gtc")
    dividend(abc, "1.00")
    apply_due(PAY_DAY)
    order.refresh_from_db()
    assert (order.limit_price, order.quantity, order.status) == (65, 1, "new")
