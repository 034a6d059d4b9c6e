"""What trades cost, end to end: dated schedules, regulatory fees, ledger, lots, preview, events."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import FeeSchedule, LedgerEntry, RegulatoryRate
from accounts.services import import_fees
from accounts.tariff import RATES, SCHEDULES, TIERED
from bengi.terms import CommissionKind, OrderType, Side, TimeInForce
from orders.preview import preview
from orders.tickets import OrderTicket
from portfolios.models import Lot, LotClosing
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean

pytestmark = pytest.mark.django_db
D = Decimal
CENT = D("0.01")
APRIL_3 = datetime(2026, 4, 3, 18, 0, tzinfo=UTC)
APRIL_4 = datetime(2026, 4, 4, 18, 0, tzinfo=UTC)


@pytest.fixture
def abc(world: World):
    import_fees()
    return world.instrument()


def schedule(code: str) -> FeeSchedule:
    return FeeSchedule.objects.get(code=code)


def holder(world: World, abc, quantity: int = 1000, code: str = "zero") -> Trader:
    """Return a trader who holds shares bought at 100.00."""
    trader = world.trader(cash="1000000", fees=schedule(code))
    world.tick(abc, "99.00", "100.00", size=100_000)
    world.place(trader, abc, "buy", quantity)
    return trader


def test_fees_are_imported_once() -> None:
    import_fees()
    RegulatoryRate.objects.filter(code="sec-31").update(per_million=D("1.00"))
    import_fees()
    assert RegulatoryRate.objects.count() == len(RATES)
    assert FeeSchedule.objects.count() == len(SCHEDULES)
    assert set(RegulatoryRate.objects.filter(code="sec-31").values_list("per_million")) == {(1,)}


@pytest.mark.parametrize(
    ("day", "fees"),
    [
        (datetime(2013, 10, 7, 18, tzinfo=UTC), "0"),
        (datetime(2024, 12, 31, 18, tzinfo=UTC), "0"),
        (datetime(2025, 6, 2, 18, tzinfo=UTC), "0.17"),
        (datetime(2026, 1, 1, 4, 59, tzinfo=UTC), "0.17"),
        (datetime(2026, 1, 1, 5, 1, tzinfo=UTC), "0.20"),
        (datetime(2026, 4, 4, 3, 59, tzinfo=UTC), "0.20"),
        (datetime(2026, 4, 4, 4, 1, tzinfo=UTC), "2.44"),
    ],
)
def test_a_sale_pays_the_rates_of_the_exchanges_own_day(world, abc, day, fees) -> None:
    """1 000 shares for 108 500.00; a day starts at midnight in New York."""
    world.now = day - timedelta(seconds=10)
    trader = holder(world, abc)
    world.now = day
    world.tick(abc, "108.50", "109.00", size=100_000, after_s=0)
    order = world.place(trader, abc, "sell", 1000)
    trade = Trade.objects.get(order=order)
    assert (order.fees, trade.fees, trade.net_amount) == (D(fees), D(fees), 108_500 - D(fees))
    closing = LotClosing.objects.get()
    assert (closing.fees, closing.proceeds) == (trade.fees, trade.net_amount)
    assert closing.realized_pnl == 8_500 - D(fees)
    entries = LedgerEntry.objects.filter(transaction__kind="fee")
    moved = {entry.book: entry.amount for entry in entries}
    assert moved == ({"customer_cash": -D(fees), "fees": D(fees)} if D(fees) else {})
    assert_books_are_clean()


def test_buys_and_other_exchanges_owe_nothing(world, abc) -> None:
    world.now = APRIL_4
    trader = holder(world, abc)
    london = world.instrument("XYZ", mic="XLON")
    world.tick(london, "99.00", "100.00", size=100_000)
    world.place(trader, london, "buy", 100)
    world.place(trader, london, "sell", 100)
    assert not Trade.objects.exclude(fees=0).exists()
    assert_books_are_clean()


def test_partial_fills_round_up_once(world, abc) -> None:
    """Ten fills of 10 shares at 99.50 owe what one of 100 does: 0.21 and 0.02."""
    world.now = APRIL_4
    trader = holder(world, abc)
    order = world.place(trader, abc, "sell", 100, limit="99.50", tif="gtc")
    for _ in range(10):
        world.tick(abc, "99.50", "100.00", size=10)
    order.refresh_from_db()
    trades = Trade.objects.filter(order=order)
    assert (order.status, trades.count()) == ("filled", 10)
    assert sum(trade.fees for trade in trades) == order.fees == D("0.21") + D("0.02")
    assert sum(closing.fees for closing in LotClosing.objects.all()) == order.fees
    assert_books_are_clean()


def test_an_order_over_two_days_pays_each_days_rate(world, abc) -> None:
    world.now = APRIL_3
    trader = holder(world, abc)
    order = world.place(trader, abc, "sell", 200, limit="99.50", tif="gtc")
    world.tick(abc, "99.50", "100.00", size=100)
    world.now = APRIL_4
    world.tick(abc, "99.50", "100.00", size=100)
    order.refresh_from_db()
    first, second = Trade.objects.filter(order=order).order_by("exec_id")
    assert (first.fees, second.fees) == (D("0.02"), D("0.21") + D("0.02"))
    assert order.fees == D("0.25")
    assert_books_are_clean()


def test_a_sale_never_costs_more_than_it_brings(world, abc) -> None:
    """One share for 0.02 owes two fees of a cent and 1.00 commission: it pays 0.02, no more."""
    world.now = APRIL_4
    dear = FeeSchedule.objects.create(
        code="dear", name="Dear", kind=CommissionKind.CUSTOM, minimum=D("1.00")
    )
    trader = world.trader(fees=dear)
    world.tick(abc, "0.02", "0.03", size=100_000)
    world.place(trader, abc, "buy", 5)
    order = world.place(trader, abc, "sell", 1)
    trade = Trade.objects.get(order=order)
    assert (trade.gross_amount, trade.commission, trade.fees) == (D("0.02"), D("0.02"), 0)
    assert trade.net_amount == 0
    assert_books_are_clean()


def test_the_schedule_is_pinned_at_acceptance(world, abc) -> None:
    """A dearer row between acceptance and fill does not reach the order that was given before."""
    world.now = APRIL_3
    flat = schedule("flat-rate")
    trader = world.trader(cash="10010.00", fees=flat)
    world.tick(abc, "99.00", "101.00")
    waiting = world.place(trader, abc, "buy", 100, limit="100.00", tif="gtc")
    assert waiting.reserved == D("10010.00")
    dearer = FeeSchedule.objects.create(
        code=flat.code,
        effective_from=date(2026, 4, 4),
        name="1 %",
        kind=CommissionKind.FLAT_RATE,
        rate=D("0.01"),
    )
    world.now = APRIL_4
    world.tick(abc, "99.50", "100.00", size=1000)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.commission) == ("filled", D("10.00"))
    assert waiting.fee_schedule_id == flat.id
    later = world.place(trader, abc, "sell", 100)
    assert (later.fee_schedule_id, later.commission) == (dearer.id, D("99.50"))
    assert_books_are_clean()


def test_a_row_counts_from_its_own_day_at_the_exchange(world, abc) -> None:
    trader = holder(world, abc, code="flat-rate")
    FeeSchedule.objects.create(
        code="flat-rate",
        effective_from=date(2026, 4, 4),
        name="1 %",
        kind=CommissionKind.FLAT_RATE,
        rate=D("0.01"),
    )
    paid = []
    for moment in (datetime(2026, 4, 4, 3, 59, tzinfo=UTC), datetime(2026, 4, 4, 4, 1, tzinfo=UTC)):
        world.now = moment
        world.tick(abc, "100.00", "101.00", after_s=0)
        paid.append(world.place(trader, abc, "sell", 10).commission)
    assert paid == [D("1.00"), D("10.00")]
    assert_books_are_clean()


def test_tiers_count_the_months_shares(world, abc) -> None:
    """After 300 000 shares this month the next thousand cost 2.00; next month 3.50 again."""
    assert TIERED.tiers[0] == ("300000", "0.0035")
    trader = world.trader(cash="1000000", fees=schedule("tiered"))
    world.tick(abc, "0.99", "1.00", size=1_000_000)
    for _ in range(2):
        world.place(trader, abc, "buy", 100_000)
    sold = world.place(trader, abc, "sell", 100_000)
    assert sold.month_volume == 200_000
    bought = world.place(trader, abc, "buy", 1000, limit="1.00")
    assert (bought.month_volume, bought.commission) == (300_000, D("2.00"))
    world.now = datetime(2026, 4, 1, 15, tzinfo=UTC)
    world.tick(abc, "0.99", "1.00", size=1_000_000)
    bought = world.place(trader, abc, "buy", 1000, limit="1.00")
    assert (bought.month_volume, bought.commission) == (0, D("3.50"))
    assert_books_are_clean()


def test_the_preview_shows_the_fees(world, abc) -> None:
    world.now = APRIL_4
    trader = holder(world, abc, code="flat-rate")

    def ask(side: str):
        ticket = OrderTicket(
            account_id=trader.account.id,
            portfolio_id=trader.portfolio.id,
            symbol="ABC",
            side=Side(side),
            type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            quantity=D(100),
            client_order_id="preview",
        )
        return preview(ticket, now=world.now)

    seen = ask("sell")
    assert (seen.gross_amount, seen.commission, seen.fees) == (9900, D("9.90"), D("0.23"))
    assert ask("buy").fees == 0
    order = world.place(trader, abc, "sell", 100)
    assert (order.commission, order.fees) == (seen.commission, seen.fees)
    assert Lot.objects.get().remaining_quantity == 900
    assert_books_are_clean()
