"""The statement of a period: it adds up, page and API say the same, and it is one's own."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CashBalance
from accounts.tests.factories import UserFactory
from bengi.money import ZERO
from portfolios.models import LotClosing
from portfolios.selectors import realized_pnl_of
from trades.period import read_period_statement
from trades.tests.desk import Desk, correct_a_little, fills_of
from trades.tests.test_busts import per_share
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db
D = Decimal
OF_TRADES = {"trade", "commission", "fee", "reversal"}


def whole(world: World, trader: Trader):
    """Return the statement of all days there have been."""
    day = world.now.date()
    return read_period_statement(trader.account, day - timedelta(days=30), day)


def turn_over(world: World, abc, trader: Trader, price: int = 10) -> None:
    """Buy ten and sell four of them one dearer."""
    world.tick(abc, f"{price - 1}.90", f"{price}.00")
    world.place(trader, abc, "buy", 10)
    world.tick(abc, f"{price + 1}.00", f"{price + 2}.00")
    world.place(trader, abc, "sell", 4)


def test_cash_trades_and_sales_add_up_with_their_costs(world):
    trader = world.trader(fees=per_share())
    turn_over(world, world.instrument(), trader)  # commission: 1.00, and 1 % of 44.00
    told = whole(world, trader)
    (usd,) = told.currencies
    assert usd.opening == 0
    assert usd.closing == CashBalance.objects.get(account=trader.account).amount == D("99942.56")
    assert {total.kind: (total.count, total.amount) for total in usd.totals} == {
        "deposit": (1, D(100_000)),
        "trade": (2, D("-56.00")),
        "commission": (2, D("-1.44")),
    }
    (total,) = told.trade_totals
    assert (total.bought, total.sold, total.commission) == (D(100), D(44), D("1.44"))
    assert (total.count, total.net_amount) == (2, D("-57.44"))
    (row,) = told.realized
    assert (row.quantity, row.cost, row.proceeds) == (D(4), D("40.40"), D("43.56"))
    assert row.realized_pnl == told.realized_totals["USD"] == D("3.16")


def test_busts_and_corrections_leave_it_adding_up(world):
    correct_a_little(world)
    for balance in CashBalance.objects.select_related("account"):
        day = world.now.date()
        told = read_period_statement(balance.account, day - timedelta(days=9), day)
        (usd,) = told.currencies
        assert usd.opening + sum((line.entry.amount for line in usd.lines), ZERO) == usd.closing
        assert usd.closing == balance.amount
        moved = sum((total.amount for total in usd.totals if total.kind in OF_TRADES), ZERO)
        assert sum((total.net_amount for total in told.trade_totals), ZERO) == moved
        portfolio = balance.account.portfolios.get()
        made = realized_pnl_of(portfolio).get("USD", ZERO)
        assert told.realized_totals.get("USD", ZERO) == made
    assert LotClosing.objects.exists()


def test_a_later_bust_belongs_to_its_own_day(world):
    abc, desk = world.instrument(), Desk(world)
    trader = world.trader()
    turn_over(world, abc, trader)
    day = world.now.date()
    before = read_period_statement(trader.account, day, day)
    world.now += timedelta(days=1)
    sale = trader.account.trades.get(side="sell")
    desk.bust(sale)
    assert read_period_statement(trader.account, day, day).realized == before.realized
    after = read_period_statement(trader.account, world.now.date(), world.now.date())
    assert after.currencies[0].opening == before.currencies[0].closing
    assert after.realized_totals["USD"] == -before.realized_totals["USD"]
    assert after.trade_totals[0].count == -1


@pytest.fixture
def reader(client, world):
    """Return a client of somebody who has traded."""
    trader = world.trader()
    turn_over(world, world.instrument(), trader)
    client.force_login(trader.account.user)
    client.trader = trader
    return client


def days(world: World) -> dict[str, str]:
    return {"from": "2026-01-01", "to": world.now.date().isoformat()}


def test_the_page_and_the_api_tell_the_same(reader, world):
    asked = days(world)
    page = reader.get("/account/statement", asked)
    told = page.context["statement"]
    address = f"/api/v1/accounts/{reader.trader.account.id}/statement/period"
    api = reader.get(address, asked).json()
    (usd,) = api["currencies"]
    assert D(usd["closing"]) == told.currencies[0].closing
    assert len(usd["lines"]) == len(told.currencies[0].lines) == 3
    assert [D(row["realized_pnl"]) for row in api["realized"]] == [
        row.realized_pnl for row in told.realized
    ]
    assert D(api["trade_totals"][0]["net_amount"]) == told.trade_totals[0].net_amount
    text = page.content.decode()
    for words in ("Opening balance", "Closing balance", "Realized profit and loss", "Bought"):
        assert words in text


def test_without_days_it_is_this_month(reader):
    told = reader.get("/account/statement").context["statement"]
    assert told.since.day == 1
    assert told.since.replace(day=28) <= told.until.replace(day=28)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"from": "2024-01-01", "to": "2026-01-01"}, "Ask for 1 to 366 days."),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "It is before the first day."),
        ({"from": "x"}, "Write a day, such as 2026-03-31."),
        ({"from": "2999-12-31", "to": "9999-12-31"}, "Write a day of the years 1901 to 2999."),
    ],
)
def test_days_that_cannot_be_shown_say_why(reader, asked, words):
    answer = reader.get("/account/statement", asked)
    text = answer.content.decode()
    assert words in text
    assert "These days cannot be shown" in text


def test_a_period_with_too_much_in_it_is_refused(reader, world, monkeypatch):
    monkeypatch.setattr("accounts.period.LINES_MAX", 2)
    text = reader.get("/account/statement", days(world)).content.decode()
    assert "More than 2 movements; ask for a shorter time." in text


def test_an_empty_period_says_so(reader):
    asked = {"from": "2020-01-01", "to": "2020-01-31"}
    assert "Nothing in this period" in reader.get("/account/statement", asked).content.decode()


def test_it_is_ones_own(client, world):
    trader = world.trader()
    client.force_login(UserFactory())
    address = f"/api/v1/accounts/{trader.account.id}/statement/period"
    assert client.get(address).status_code == 404
    assert "No account yet" in client.get("/account/statement").content.decode()
    client.logout()
    assert client.get("/account/statement")["Location"].startswith("/signin")


def test_it_takes_as_many_queries_over_more(reader, world):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get("/account/statement", days(world))
        return len(asked)

    before = queries()
    for number in range(4):
        turn_over(world, world.instrument(f"S{number}"), reader.trader, 20)
    assert fills_of(reader.trader.account.orders.first())
    assert queries() == before <= 22
