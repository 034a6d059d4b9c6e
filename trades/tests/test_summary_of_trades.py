"""What trading has come to, and what a portfolio was worth, in a market that really trades."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bengi import clock
from bengi.ids import new_id
from instruments.services import flush_quotes
from orders.tests.http import signed_in, told
from portfolios.history import history_of
from portfolios.selectors import positions_of
from portfolios.summary import summary_of
from trades.summary import Period
from trades.tests.corporate_stage import MIDNIGHT, split, until
from trades.tests.desk import Desk, fills_of
from trades.tests.world import START, World

pytestmark = pytest.mark.django_db
URL = "/api/v1/trades/summary"


@pytest.fixture
def abc(world: World):
    return world.instrument(mic="BNGI")  # no regulatory fees


@pytest.fixture(autouse=True)
def _now():
    clock.use(lambda: START + timedelta(days=60))
    yield
    clock.reset()


def ask(trader, query=""):
    return signed_in(trader.user).get(f"{URL}{query}")


def trade(world, trader, abc, side, quantity, price):
    world.tick(abc, price, price, last=price, size=10_000)
    limit = price if side == "buy" else "9.70"
    return fills_of(world.place(trader, abc, side, quantity, limit=limit))[0]


def play(world, abc, trader):
    """Three days: 30 bought at 10; 10 sold at 10.50 and 10 at 9.80; 10 at 10, for nothing."""
    trade(world, trader, abc, "buy", 30, "10.00")
    world.wait(days=1)
    won = trade(world, trader, abc, "sell", 10, "10.50")
    lost = trade(world, trader, abc, "sell", 10, "9.80")
    world.wait(days=7)
    even = trade(world, trader, abc, "sell", 10, "10.00")
    return won, lost, even


def test_in_all_by_symbol_and_by_day(world, abc):
    trader = world.trader()
    play(world, abc, trader)
    body = ask(trader).json()
    (total,) = body["totals"]
    assert total == {
        "currency": "USD",
        "count": 4,
        "quantity": "60",
        "volume": "603",
        "bought": "300",
        "sold": "303",
        "commission": "0",
        "fees": "0",
        "realized_pnl": "3",
        "sales": 3,
        "wins": 1,
        "losses": 1,
        "win_rate": "0.3333",
        "average_win": "5",
        "average_loss": "-2",
    }
    (row,) = body["by_symbol"]
    assert row == {"symbol": "ABC", **total}
    days = body["by_period"]
    keys = ("starts_on", "count", "volume", "realized_pnl")
    assert [tuple(row[key] for key in keys) for row in days] == [
        ("2026-03-02", 1, "300", "0"),
        ("2026-03-03", 2, "203", "3"),
        ("2026-03-10", 1, "100", "0"),
    ]


@pytest.mark.parametrize(
    ("query", "starts", "counts"),
    [
        ("?period=week", ["2026-03-02", "2026-03-09"], [3, 1]),
        ("?period=month", ["2026-03-01"], [4]),
        ("?from=2026-03-03&to=2026-03-09", ["2026-03-03"], [2]),
        ("?to=2026-03-01", [], []),
    ],
)
def test_periods_and_ranges(world, abc, query, starts, counts):
    trader = world.trader()
    play(world, abc, trader)
    rows = ask(trader, query).json()["by_period"]
    assert [row["starts_on"] for row in rows] == starts
    assert [row["count"] for row in rows] == counts


def test_busts_are_netted_and_corrections_count_in_their_place(world, abc):
    trader, desk = world.trader(), Desk(world)
    won, lost, even = play(world, abc, trader)
    desk.bust(even)
    desk.bust(lost)
    (total,) = ask(trader).json()["totals"]
    assert [total[k] for k in ("count", "quantity", "volume", "sales", "wins", "losses")] == [
        *(2, "40", "405", 1, 1, 0)
    ]
    assert (total["win_rate"], total["average_loss"]) == ("1", None)
    assert total["average_win"] == total["realized_pnl"] == "5"
    desk.adjust(won, "9.90")
    (total,) = ask(trader).json()["totals"]
    assert [total[k] for k in ("count", "sold", "wins", "losses")] == [2, "99", 0, 1]
    assert total["average_loss"] == total["realized_pnl"] == "-1"


def test_nothing_traded_is_nothing(world):
    body = ask(world.trader()).json()
    assert (body["totals"], body["by_symbol"], body["by_period"]) == ([], [], [])


def test_whose_it_is(world):
    trader, other = world.trader(), world.trader()
    foreign, absent = (
        ask(trader, f"?account={key}").json() | {"request_id": ""}
        for key in (other.account.id, new_id())
    )
    assert foreign == absent
    assert foreign["code"] == "not_found"
    assert ask(trader, f"?account={trader.account.id}").status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?period=year", "period"),
        ("?from=2024-01-01", "from"),
        ("?from=2026-01-02&to=2026-01-01", "to"),
        ("?symbol=ABC", "symbol"),
    ],
)
def test_wrong_queries(world, query, field):
    assert told(ask(world.trader(), query)) == {field: "invalid_parameter"}


def test_periods_begin():
    from datetime import date

    wednesday = date(2026, 4, 1)
    assert [period.start(wednesday) for period in Period] == [
        date(2026, 4, 1),
        date(2026, 3, 30),
        date(2026, 4, 1),
    ]


def test_the_trades_of_an_order(world, abc):
    trader, desk = world.trader(), Desk(world)
    won, _, even = play(world, abc, trader)
    desk.bust(even)
    api = signed_in(trader.user)
    rows = api.get(f"/api/v1/orders/{even.order_id}/trades").json()["results"]
    assert [row["kind"] for row in rows] == ["execution", "bust"]
    assert rows[0]["busted_by"] == rows[1]["exec_id"]
    alone = api.get(f"/api/v1/orders/{won.order_id}/trades?ordering=-price").json()["results"]
    assert [row["exec_id"] for row in alone] == [str(won.exec_id)]
    file = api.get(f"/api/v1/orders/{even.order_id}/trades?format=csv").content.decode()
    assert file.count("\r\n") == 3
    foreign, absent = (
        signed_in(world.trader().user).get(f"/api/v1/orders/{key}/trades")
        for key in (won.order_id, new_id())
    )
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() | {"request_id": ""} == absent.json() | {"request_id": ""}


def test_history_and_summary_agree_with_the_books_through_a_split(world, abc):
    """What was held is told in today's shares; at its end history says what the books say."""
    trader = world.trader(cash="10000")
    world.tick(abc, "69.99", "70.00", last="70.00", size=10_000)
    for quantity in (10, 5):
        world.place(trader, abc, "buy", quantity)
    world.place(trader, abc, "sell", 4)
    flush_quotes()
    split(abc, 7, 1)
    until(world, MIDNIGHT)
    world.tick(abc, "10.49", "10.50", last="10.50", size=10_000)
    world.place(trader, abc, "sell", 7)
    flush_quotes()
    history = history_of(trader.portfolio, START.date(), world.now.date())
    first, last = history.days[0], history.days[-1]
    assert first.market_value == Decimal("770.00"), "77 of today's shares, at 10.00 of them"
    (held,) = positions_of(trader.portfolio)
    assert last.market_value == held.market_value == held.quantity * Decimal("10.5")
    trader.account.refresh_from_db()
    summary = summary_of(trader.portfolio, world.now)
    assert summary.total.equity == last.equity
    flows = summary.total.total_pnl
    assert summary.total.equity == Decimal(10_000) + flows
