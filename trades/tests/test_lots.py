"""Sales close the lots that the portfolio's method or the order itself says.

trading-rules, "Cash, settlement, lots": FIFO default; LIFO, HIFO, average and specific lot as the
portfolio's method; every sale stores which lots it closed, cost, proceeds, fee share, holding
period; buy fees go into cost, sell fees out of proceeds.
"""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.tests.factories import FeeScheduleFactory
from bengi.errors import Malformed, NotFound, Refused
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.terms import CommissionKind, CostBasisMethod
from orders.models import Order
from portfolios.models import Lot, LotClosing
from portfolios.services import change_portfolio
from trades.models import Trade
from trades.tests.world import Trader, World, assert_books_are_clean

pytestmark = pytest.mark.django_db
D = Decimal


def three_lots(world: World, trader: Trader, abc) -> list[Lot]:
    """Buy 10 at 10.00, 10 at 13.00 and 10 at 11.50."""
    for ask in ("10.00", "13.00", "11.50"):
        world.tick(abc, "9.50", ask)
        world.place(trader, abc, "buy", 10)
    world.tick(abc, "12.00", "12.10")
    return list(Lot.objects.filter(portfolio=trader.portfolio).order_by("opened_at"))


def use(world: World, trader: Trader, method: str) -> None:
    chosen = CostBasisMethod(method)
    change_portfolio(trader.portfolio.id, trader.user, now=world.now, cost_basis_method=chosen)


def closed(order: Order) -> list[tuple[Decimal, Decimal, str]]:
    """Return (quantity, cost, method) of what the order's sales closed."""
    exec_ids = Trade.objects.filter(order=order).values_list("exec_id", flat=True)
    closings = LotClosing.objects.filter(trade_id__in=exec_ids).order_by("id")
    return [(c.quantity, c.cost, c.method) for c in closings]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("fifo", [(10, 100), (5, 65)]),
        ("lifo", [(10, 115), (5, 65)]),
        ("hifo", [(10, 130), (5, D("57.50"))]),
        ("average", [(10, 115), (5, D("57.50"))]),
        ("specific", [(10, 100), (5, 65)]),
    ],
)
def test_a_sale_closes_lots_by_the_portfolios_method(world, abc, method, expected) -> None:
    trader = world.trader()
    three_lots(world, trader, abc)
    use(world, trader, method)
    order = world.place(trader, abc, "sell", 15)
    assert closed(order) == [(quantity, cost, method) for quantity, cost in expected]
    assert_books_are_clean()
    world.place(trader, abc, "sell", 15)
    sold = LotClosing.objects.all()
    assert sum(closing.cost for closing in sold) == 345
    assert sum(closing.realized_pnl for closing in sold) == 15
    assert_books_are_clean()


def test_a_change_of_method_affects_later_sales_only(world, abc) -> None:
    trader = world.trader()
    three_lots(world, trader, abc)
    first = world.place(trader, abc, "sell", 4)
    use(world, trader, "average")
    second = world.place(trader, abc, "sell", 13)
    use(world, trader, "lifo")
    third = world.place(trader, abc, "sell", 6)
    assert closed(first) == [(4, 40, "fifo")]
    average = D("305.00") * 13 / 26
    assert sum(cost for _, cost, _ in closed(second)) == average
    assert closed(third) == [(6, D("70.39"), "lifo")]  # of 117.31 for 10, its part of 152.50
    assert closed(first) == [(4, 40, "fifo")]
    assert Event.objects.filter(type="portfolio.updated").count() == 2
    use(world, trader, "lifo")
    assert Event.objects.filter(type="portfolio.updated").count() == 2
    assert_books_are_clean()


def test_partial_fills_take_named_lots_in_the_given_order(world, abc) -> None:
    trader = world.trader()
    one, two, three = three_lots(world, trader, abc)
    order = world.place(
        trader, abc, "sell", 12, limit="12.50", tif="gtc", lots=[(three, 7), (one, 5)]
    )
    world.tick(abc, "12.50", "12.60", size=4)
    world.tick(abc, "12.50", "12.60", size=5)
    world.tick(abc, "12.50", "12.60", size=100)
    order.refresh_from_db()
    assert order.status == "filled"
    assert closed(order) == [
        (4, 46, "specific"),
        (3, D("34.50"), "specific"),
        (2, 20, "specific"),
        (3, 30, "specific"),
    ]
    two.refresh_from_db()
    assert two.remaining_quantity == 10
    assert_books_are_clean()


def test_what_an_order_has_named_is_not_sold_by_another(world, abc) -> None:
    trader = world.trader()
    one, two, _ = three_lots(world, trader, abc)
    naming = world.place(trader, abc, "sell", 8, limit="13.00", tif="gtc", lots=[(one, 8)])
    plain = world.place(trader, abc, "sell", 6)
    assert closed(plain) == [(2, 20, "fifo"), (4, 52, "fifo")]
    assert_books_are_clean()
    world.cancel(trader, naming)
    plain = world.place(trader, abc, "sell", 6)
    assert closed(plain) == [(6, 60, "fifo")]
    assert_books_are_clean()
    two.refresh_from_db()
    assert two.remaining_quantity == 6


def test_named_lots_must_be_there_and_unclaimed(world, abc) -> None:
    trader, other = world.trader(), world.trader()
    one, two, _ = three_lots(world, trader, abc)
    (foreign, *_) = three_lots(world, other, abc)
    world.place(trader, abc, "sell", 8, limit="13.00", tif="gtc", lots=[(one, 8)])

    def refusal(quantity, lots):
        with pytest.raises(Refused) as caught:
            world.place(trader, abc, "sell", quantity, limit="13.00", lots=lots)
        details = caught.value.details
        assert (caught.value.code, caught.value.field) == ("insufficient_position", "lots")
        return (details["lot_id"], details["needed"], details["available"])

    assert refusal(3, [(one, 3)]) == (str(one.id), "3", "2")
    assert refusal(11, [(two, 11)]) == (str(two.id), "11", "10")
    assert refusal(1, [(foreign, 1)]) == (str(foreign.id), "1", "0")
    for side, quantity, lots in (
        ("buy", 1, [(two, 1)]),
        ("sell", 5, [(two, 4)]),
        ("sell", 4, [(two, 2), (two, 2)]),
    ):
        with pytest.raises(Malformed) as caught:
            world.place(trader, abc, side, quantity, limit="12.50", lots=lots)
        assert (caught.value.code, caught.value.field) == ("invalid_field", "lots")
    world.place(trader, abc, "sell", 12, limit="13.00", tif="gtc", lots=[(one, 2), (two, 10)])
    assert_books_are_clean()


def test_one_batch_cannot_name_the_same_shares_twice(world, abc) -> None:
    trader = world.trader()
    one, *_ = three_lots(world, trader, abc)
    world.place(trader, abc, "sell", 6, limit="13.00", tif="gtc", lots=[(one, 6)], drain=False)
    with pytest.raises(Refused):
        world.place(trader, abc, "sell", 6, limit="13.00", lots=[(one, 6)], drain=False)
    assert_books_are_clean()


def client_of(trader: Trader) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(trader.user)
    return client


def test_lots_over_http(world, abc, monkeypatch) -> None:
    fees = FeeScheduleFactory(code="flat", kind=CommissionKind.FLAT_RATE, rate=D("0.01"))
    trader = world.trader(fees=fees)
    world.tick(abc, "9.50", "10.00")
    world.place(trader, abc, "buy", 10)
    lot = Lot.objects.get()
    world.tick(abc, "12.00", "12.10", after_s=86_400 * 366)
    order = world.place(trader, abc, "sell", 4, lots=[(lot, 4)])
    trade = Trade.objects.get(order=order)
    monkeypatch.setattr("bengi.clock.now", lambda: world.now)
    url = f"/api/v1/portfolios/{trader.portfolio.id}/lots"
    (shown,) = client_of(trader).get(url).json()["results"]
    closing = {
        "exec_id": str(trade.exec_id),
        "lot_id": str(lot.id),
        "opened_at": "2026-03-02T15:00:01.000000Z",
        "closed_at": "2027-03-03T15:00:01.000000Z",
        "method": "specific",
        "quantity": "4",
        "cost": "40.4",
        "proceeds": "47.52",
        "fees": "0.48",
        "realized_pnl": "7.12",
        "holding_days": 366,
        "term": "long",
    }
    assert shown == {
        "lot_id": str(lot.id),
        "exec_id": str(lot.trade_id),
        "symbol": "ABC",
        "currency": "USD",
        "opened_at": "2026-03-02T15:00:01.000000Z",
        "quantity": "10",
        "remaining_quantity": "6",
        "cost": "101",
        "cost_basis": "60.6",
        "unit_cost": "10.1",
        "holding_days": 366,
        "term": "long",
        "busted_by": None,
        "closings": [closing],
        "splits": [],
    }
    client = client_of(trader)
    assert client.get(url + "?closed=true&symbol=abc").json()["results"] == [shown]
    assert client.get(url + "?symbol=NOPE").json()["results"] == []
    assert client.get(f"/api/v1/trades/{trade.exec_id}").json()["closings"] == [closing]
    assert client.get(f"/api/v1/trades/{lot.trade_id}").json()["closings"] == []
    page = client.get(f"/orders/{order.id}").content.decode()
    assert "Lots it closed" in page
    assert "366 days, long term" in page


def test_lots_take_as_many_statements_for_many(world, abc, django_assert_num_queries) -> None:
    trader = world.trader()
    three_lots(world, trader, abc)
    world.place(trader, abc, "sell", 15)
    client, url = client_of(trader), f"/api/v1/portfolios/{trader.portfolio.id}/lots"
    with django_assert_num_queries(6):  # session, user, portfolio, lots, closings, splits
        assert len(client.get(url).json()["results"]) == 2
    with django_assert_num_queries(6):
        assert len(client.get(url + "?closed=true").json()["results"]) == 2


def test_the_method_is_set_by_its_owner_alone(world, abc) -> None:
    trader, other = world.trader(), world.trader()
    url = f"/api/v1/portfolios/{trader.portfolio.id}"

    def patch(who: Trader, body: str, where: str = url):
        return client_of(who).patch(where, body, content_type="application/json")

    answer = patch(trader, '{"cost_basis_method": "hifo"}')
    assert answer.json() == {
        "id": str(trader.portfolio.id),
        "account_id": str(trader.account.id),
        "name": "Main",
        "cost_basis_method": "hifo",
    }
    assert client_of(trader).get(url).json() == answer.json()
    foreign = patch(other, '{"cost_basis_method": "lifo"}')
    absent = patch(other, '{"cost_basis_method": "lifo"}', f"/api/v1/portfolios/{new_id()}")
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert patch(trader, '{"cost_basis_method": "best"}').status_code == 400
    assert Client().patch(url, "{}", content_type="application/json").status_code in {401, 403}
    with pytest.raises(NotFound):
        change_portfolio(
            trader.portfolio.id, other.user, now=world.now, cost_basis_method=CostBasisMethod.LIFO
        )
    assert_books_are_clean()


def test_an_order_names_lots_over_http(world, abc, monkeypatch) -> None:
    trader = world.trader()
    _, two, _ = three_lots(world, trader, abc)
    monkeypatch.setattr("bengi.clock.now", lambda: world.now)
    body = {"symbol": "ABC", "side": "sell", "type": "limit", "limit_price": "12.50"}
    named = [{"lot_id": str(two.id), "quantity": "5"}]

    def post(**more):
        return client_of(trader).post(
            "/api/v1/orders", body | more, content_type="application/json"
        )

    answer = post(quantity="5", lots=named, client_order_id="a")
    assert (answer.status_code, answer.json()["lots"]) == (201, named)
    assert post(quantity="5", lots=named, client_order_id="a").status_code == 200
    assert post(quantity="5", client_order_id="a").json()["code"] == "idempotency_mismatch"
    for wrong in (
        "x",
        {},
        [1],
        [{"lot_id": "x", "quantity": "5"}],
        [{}] * 51,
        [{**named[0], "a": 1}],
    ):
        assert post(quantity="5", lots=wrong).status_code == 400
    world.drain()
    assert_books_are_clean()
