"""Fills and settlement: trading-rules.md, "settled and unsettled cash", "good-faith violations"."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import GoodFaithViolation, UnsettledCash, UnsettledUse
from accounts.selectors import accounts_of, cash_states_of, with_unsettled
from accounts.services import deposit
from bengi.events.models import Event
from bengi.money import plain
from trades.settlement import settles_at
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db

# World starts on Monday 2026-03-02, 15:00 UTC; New York settles on Tuesday, 05:00 UTC.


@pytest.fixture
def world():
    with open_world() as found:
        yield found
    assert_books_are_clean()


def cash(world: World, trader: Trader) -> tuple[str, ...]:
    """Return cash, settled, unsettled, buying power and withdrawable of the trader's USD."""
    account = with_unsettled(accounts_of(trader.user), world.now).get()
    state = cash_states_of(account, world.now)["USD"]
    told = (state.cash, state.settled, state.unsettled, state.buying_power, state.withdrawable)
    return tuple(map(plain, told))


def bought(world: World, quantity: int = 10, start: str = "1000"):
    """Return a trader who paid 10.00 a share, and the instrument."""
    trader = world.trader(cash=start)
    abc = world.instrument(mic="XNYS")
    world.tick(abc, "10.00", "10.00")
    world.place(trader, abc, "buy", quantity, limit="10.00")
    return trader, abc


def test_a_sale_leaves_its_proceeds_unsettled_until_the_settlement_date(world):
    trader, abc = bought(world)
    assert cash(world, trader) == ("900", "900", "0", "900", "900")
    world.place(trader, abc, "sell", 4)
    assert cash(world, trader) == ("940", "900", "40", "940", "900")
    row = UnsettledCash.objects.get()
    assert (row.amount, row.remaining_amount, row.settles_on.isoformat()) == (40, 40, "2026-03-03")
    assert row.settles_at == datetime(2026, 3, 3, 5, tzinfo=UTC)
    world.wait(hours=14, minutes=1)
    assert cash(world, trader) == ("940", "940", "0", "940", "940")


def test_a_buy_takes_settled_cash_first(world):
    trader, abc = bought(world)
    world.place(trader, abc, "sell", 10)
    world.place(trader, abc, "buy", 90, limit="10.00")
    assert UnsettledUse.objects.count() == 0
    assert cash(world, trader) == ("100", "0", "100", "100", "0")
    order = world.place(trader, abc, "buy", 4)
    use = UnsettledUse.objects.get()
    assert (use.amount, use.order_id) == (40, order.id)
    assert UnsettledCash.objects.get().remaining_amount == 60
    assert cash(world, trader) == ("60", "0", "60", "60", "0")


def test_a_deposit_after_a_buy_with_unsettled_cash_can_be_withdrawn(world):
    trader, abc = bought(world, quantity=100)
    world.place(trader, abc, "sell", 100)
    world.place(trader, abc, "buy", 60)
    assert cash(world, trader) == ("400", "0", "400", "400", "0")
    deposit(trader.account, Decimal(50), "USD", key="k", now=world.now)
    assert cash(world, trader) == ("450", "50", "400", "450", "50")


def test_what_an_open_buy_holds_is_not_withdrawable(world):
    trader, abc = bought(world)
    world.place(trader, abc, "sell", 10)
    world.place(trader, abc, "buy", 50, limit="9.50", tif="gtc")
    assert cash(world, trader) == ("1000", "900", "100", "525", "425")


def test_selling_what_unsettled_proceeds_paid_for_is_one_violation(world):
    trader, abc = bought(world, quantity=100)
    world.place(trader, abc, "sell", 100)
    buy = world.place(trader, abc, "buy", 30)
    sale = world.place(trader, abc, "sell", 10)
    world.place(trader, abc, "sell", 20)
    violation = GoodFaithViolation.objects.get()
    assert (violation.bought_by, violation.sold_by) == (buy.id, sale.id)
    assert (violation.amount, violation.currency) == (Decimal(300), "USD")
    event = Event.objects.get(type="account.good_faith_violation")
    assert event.stream_id == trader.account.id
    assert event.payload["violation"]["bought_by"] == str(buy.id)


def test_selling_after_the_proceeds_have_settled_is_in_good_faith(world):
    trader, abc = bought(world, quantity=100)
    world.place(trader, abc, "sell", 100)
    world.place(trader, abc, "buy", 30)
    world.tick(abc, "10.00", "10.00", after_s=15 * 3600)
    world.place(trader, abc, "sell", 30)
    assert GoodFaithViolation.objects.count() == 0


def test_selling_what_settled_cash_paid_for_is_in_good_faith(world):
    trader, abc = bought(world, quantity=10)
    world.place(trader, abc, "sell", 10)
    world.place(trader, abc, "buy", 20)
    world.place(trader, abc, "sell", 20)
    assert GoodFaithViolation.objects.count() == 0


def test_two_buys_sold_at_once_are_two_violations(world):
    trader, abc = bought(world, quantity=100)
    world.place(trader, abc, "sell", 100)
    world.place(trader, abc, "buy", 30)
    world.place(trader, abc, "buy", 30)
    world.place(trader, abc, "sell", 60)
    assert GoodFaithViolation.objects.count() == 2


@pytest.mark.parametrize(
    ("mic", "day", "moment"),
    [
        ("XNYS", "2026-03-06", "2026-03-06T05:00"),
        ("XNYS", "2026-03-09", "2026-03-09T04:00"),
        ("XLON", "2026-03-03", "2026-03-03T00:00"),
        ("XLON", "2026-03-30", "2026-03-29T23:00"),
        ("XTKS", "2026-03-03", "2026-03-02T15:00"),
        ("BNGI", "2026-03-03", "2026-03-03T00:00"),
    ],
)
def test_settlement_day_starts_where_the_exchange_is(mic, day, moment):
    at = settles_at(mic, datetime.fromisoformat(day).date())
    assert at == datetime.fromisoformat(moment).replace(tzinfo=UTC)
