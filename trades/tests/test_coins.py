"""Coins: a market that never closes, to the last decimal place, settled the day they trade."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.models import CashBalance
from accounts.services import withdraw
from bengi.errors import Refused
from bengi.terms import InstrumentType
from instruments import calendar
from instruments.models import Instrument
from instruments.services import import_catalog
from orders.models import Order
from portfolios.models import LotClosing, Position
from trades.models import Trade
from trades.settlement import settles_on
from trades.tests.world import Trader, World, assert_books_are_clean, open_world

pytestmark = pytest.mark.django_db
D = Decimal
SATURDAY = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@pytest.fixture
def weekend(settings) -> Iterator[World]:
    """The night of a Saturday, with real hours; the books must be clean at the end."""
    settings.MARKET_HOURS = "exchange"
    with open_world("exchange") as made:
        made.now = SATURDAY
        yield made
        assert_books_are_clean()


@pytest.fixture
def btc(weekend: World) -> Instrument:
    import_catalog()
    return Instrument.objects.get(symbol="BTCUSD")


@pytest.fixture
def trader(weekend: World) -> Trader:
    return weekend.trader()


def test_it_trades_in_the_night_of_a_saturday_and_its_day_is_utcs(weekend, btc, trader) -> None:
    weekend.tick(btc, "96419.99", "96420.01")
    order = weekend.place(trader, btc, "buy", "0.5")
    assert (order.status, order.average_price) == ("filled", D("96420.01"))
    trade = Trade.objects.get()
    assert trade.trade_date == trade.settles_on == date(2026, 11, 28)
    resting = weekend.place(trader, btc, "buy", "0.1", limit="90000")
    weekend.now = datetime(2026, 11, 28, 23, 59, 59, tzinfo=UTC)
    weekend.drain()
    resting.refresh_from_db()
    assert resting.status == "new"
    weekend.wait(seconds=1)
    resting.refresh_from_db()
    assert (resting.status, resting.closed_at) == ("expired", weekend.now)


def test_the_last_place_counts(weekend, btc, trader) -> None:
    """0.00000123 at 96 420.01 is 0.1185966123: exact on the order, 12 cents in the ledger."""
    weekend.tick(btc, "96419.99", "96420.01")
    order = weekend.place(trader, btc, "buy", "0.00000123")
    assert (order.filled_value, order.average_price) == (D("0.1185966123"), D("96420.01"))
    assert Trade.objects.get().gross_amount == D("0.12")
    more = weekend.place(trader, btc, "buy", "0.12345678", limit="96420.01")
    assert more.filled_value == D("0.12345678") * D("96420.01")
    weekend.tick(btc, "97000.07", "97000.09")
    sale = weekend.place(trader, btc, "sell", "0.12345678")
    assert (sale.status, sale.average_price) == ("filled", D("97000.07"))
    assert Position.objects.get().quantity == D("0.00000123")
    taken = LotClosing.objects.order_by("id").values_list("quantity", flat=True)
    assert sum(taken) == D("0.12345678")


def test_an_amount_buys_it_to_the_last_place(weekend, btc, trader) -> None:
    """500 / 96 420.01 = 0.005185645...; what is left would not buy 0.00000001 more."""
    weekend.tick(btc, "96419.99", "96420.01")
    order = weekend.place(trader, btc, "buy", notional="500")
    assert order.filled_quantity == D("0.00518564")
    left = 500 - order.filled_value
    assert 0 <= left < D("0.00000001") * D("96420.01")
    assert Trade.objects.get().gross_amount == 500


def test_what_a_sale_brings_is_settled_at_once(weekend, btc, trader) -> None:
    weekend.tick(btc, "100000.00", "100000.00")
    weekend.place(trader, btc, "buy", "0.9")
    weekend.place(trader, btc, "sell", "0.9")
    settled = withdraw(trader.account.id, D(100_000), "USD", key="all", now=weekend.now)
    assert settled
    assert CashBalance.objects.get(account=trader.account).amount == 0


def test_shares_of_the_same_venue_settle_later(weekend) -> None:
    assert settles_on("BNGI", SATURDAY.date()) == date(2026, 11, 30)
    assert settles_on("BNGI", SATURDAY.date(), InstrumentType.CRYPTO) == SATURDAY.date()
    assert calendar.phase("BNGI", SATURDAY, "exchange") == "open"


def test_its_limits_are_those_of_everything(weekend, btc, trader) -> None:
    weekend.tick(btc, "96419.99", "96420.01")
    with pytest.raises(Refused) as refused:
        weekend.place(trader, btc, "buy", "2.6")
    assert {error.code for error in refused.value.errors} == {"max_notional", "insufficient_funds"}
    with pytest.raises(Refused) as refused:
        weekend.place(trader, btc, "buy", "0.00000001")
    assert refused.value.code == "min_notional"
    assert Order.objects.count() == 0


@pytest.mark.parametrize("tif", ["gtc", "gtd", "ioc", "fok"])
def test_parts_of_it_go_with_every_time_in_force(weekend, btc, trader, tif: str) -> None:
    weekend.tick(btc, "96419.99", "96420.01")
    until = datetime(2026, 12, 1, tzinfo=UTC) if tif == "gtd" else None
    order = weekend.place(trader, btc, "buy", "0.123", limit="96500.00", tif=tif, expires_at=until)
    assert order.status == "filled"


def test_stops_fire_at_any_hour(weekend, btc, trader) -> None:
    weekend.tick(btc, "96419.99", "96420.01")
    weekend.place(trader, btc, "buy", "0.5")
    stop = weekend.place(trader, btc, "sell", "0.25", stop="95000.00", tif="gtc")
    weekend.tick(btc, "94900.00", "94910.00", last="94900.00", after_s=3600)
    weekend.tick(btc, "94800.00", "94810.00")
    stop.refresh_from_db()
    assert (stop.status, stop.average_price) == ("filled", D("94800.00"))
