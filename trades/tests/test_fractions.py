"""Parts of a share through the books: lots, costs, fees, reservations, replacing."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from accounts.models import CashBalance, RegulatoryRate
from accounts.services import default_fee_schedule
from bengi.errors import Refused
from bengi.terms import CostBasisMethod
from orders.models import Order
from portfolios.models import Lot, LotClosing, Position
from portfolios.services import change_portfolio
from trades.models import Trade
from trades.tests.world import World

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def market(world: World) -> World:
    return world


@pytest.fixture
def abc(market: World):
    return market.instrument(quantity_step="0.0001", exchange_step="1")


def test_lots_of_parts_cost_what_they_cost_to_the_cent(market: World, abc) -> None:
    """0.3333 at 228.50 is 76.159..; a third of it and then the rest are sold."""
    trader = market.trader()
    market.tick(abc, "228.50", "228.50")
    market.place(trader, abc, "buy", "0.3333")
    assert Lot.objects.get().cost == D("76.16")
    market.place(trader, abc, "sell", "0.1111")
    market.place(trader, abc, "sell", "0.2222")
    parts = list(LotClosing.objects.order_by("id").values_list("quantity", "cost", "proceeds"))
    assert parts == [
        (D("0.1111"), D("25.39"), D("25.39")),
        (D("0.2222"), D("50.77"), D("50.77")),
    ]
    assert Position.objects.get().quantity == 0
    assert CashBalance.objects.get(account=trader.account).amount == 100_000


def test_commission_and_fees_on_parts(market: World, abc) -> None:
    """At least 1.00, at most 1 % of the value; each of the regulators' at least a cent."""
    RegulatoryRate.objects.create(
        code="finra-taf", effective_from=date(2026, 1, 1), per_share=D("0.000195"), cap=D("9.79")
    )
    RegulatoryRate.objects.create(
        code="sec-31", effective_from=date(2026, 1, 1), per_million=D("20.60")
    )
    trader = market.trader(fees=default_fee_schedule())
    market.tick(abc, "228.50", "228.50")
    buy = market.place(trader, abc, "buy", "0.5")
    assert (buy.filled_value, buy.commission) == (D("114.25"), D("1.00"))
    small = market.place(trader, abc, "buy", "0.0100")
    assert (small.filled_value, small.commission) == (D("2.285"), D("0.02"))
    sale = market.place(trader, abc, "sell", "0.5")
    assert (sale.commission, sale.fees) == (D("1.00"), D("0.02"))


def test_parts_meet_whole_orders_and_leave_parts_behind(market: World, abc) -> None:
    """A whole order for longer may be left with a part, be replaced and fill."""
    seller, buyer = market.trader(), market.trader()
    market.tick(abc, "99.00", "100.00")
    market.place(seller, abc, "buy", 20)
    whole = market.place(seller, abc, "sell", 10, limit="99.50", tif="gtc")
    market.place(buyer, abc, "buy", "3.5", limit="99.50")
    whole.refresh_from_db()
    assert (whole.status, whole.leaves_quantity) == ("partially_filled", D("6.5"))
    with pytest.raises(Refused) as refused:
        market.replace(seller, whole, quantity=D("9.5"))
    assert refused.value.code == "unsupported_combination"
    new = market.replace(seller, whole, quantity=D(9))
    assert (new.status, new.quantity) == ("new", D("5.5"))
    market.place(buyer, abc, "buy", "5.5", limit="99.50")
    new.refresh_from_db()
    assert new.status == "filled"


def test_a_part_for_the_day_cannot_become_one_for_longer(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "99.00", "100.00")
    order = market.place(trader, abc, "buy", "1.5", limit="98.00")
    with pytest.raises(Refused) as refused:
        market.replace(trader, order, time_in_force="gtc")
    assert (refused.value.code, refused.value.field) == ("unsupported_combination", "quantity")
    assert Order.objects.count() == 1
    new = market.replace(trader, order, quantity=D(2), time_in_force="gtc")
    assert (new.status, new.time_in_force) == ("new", "gtc")


def test_a_part_that_is_held_can_be_sold_to_the_last_place(market: World, abc) -> None:
    trader = market.trader()
    market.tick(abc, "228.40", "228.50")
    market.place(trader, abc, "buy", notional="500")
    with pytest.raises(Refused):
        market.place(trader, abc, "sell", "2.1882")
    assert market.place(trader, abc, "sell", "2.1881").status == "filled"
    assert Position.objects.get().quantity == 0


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo", "average"])
def test_random_parts_leave_clean_books(market: World, abc, method: str) -> None:
    """Bought and sold by every method, in several fills each; the fixture checks the books."""
    random = Random(method)
    trader = market.trader(fees=default_fee_schedule())
    change_portfolio(
        trader.portfolio.id, trader.user, now=market.now, cost_basis_method=CostBasisMethod(method)
    )
    held = D(0)
    for _ in range(40):
        price = D(random.randrange(2000, 3000)) / 100
        market.tick(abc, str(price), str(price), size=random.randrange(1, 4))
        quantity = D(random.randrange(1, 60_000)) / 10_000
        if random.random() < 0.5 or quantity > held:
            order = market.place(trader, abc, "buy", quantity, limit=str(price))
        else:
            order = market.place(trader, abc, "sell", quantity, limit=str(price))
        order = market.cancel(trader, order) if order.is_open else order
        held += order.filled_quantity * (1 if order.side == "buy" else -1)
    assert Position.objects.get().quantity == held
    assert LotClosing.objects.exists()
    assert Trade.objects.filter(quantity__lt=1).exists()
