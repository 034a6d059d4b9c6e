"""Every page of a trader who is discreet: no amount of theirs stands anywhere in the HTML."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.conversions import convert
from accounts.models import CashBalance, LedgerEntry, User
from accounts.services import deposit, withdraw
from accounts.tests.money_stage import rate
from bengi import clock
from bengi.money import grouped, plain
from orders.models import Order
from orders.tests.http import signed_in
from portfolios.bar import read_bar
from portfolios.models import Lot
from trades.models import Trade
from trades.tests.world import Trader, World

D = Decimal
TELLING = D(40)
"""Smaller amounts, such as a commission, are numbers that a page may hold for another reason."""
CONVERTED = D("1357.91")
PATHS = (
    *("/positions", "/positions?sort=-market_value", "/positions?reduce={position}"),
    *("/trade/ABC?tab=positions", "/trade/ABC?tab=orders", "/trade/ABC?tab=fills"),
    *("/trade/ABC/panels?tab=positions", "/trade/ABC/panels?tab=fills", "/portfolio?period=ALL"),
    *("/portfolio", "/orders", "/orders/{filled}", "/orders/{sold}", "/orders/{resting}"),
    *("/orders/{resting}/replace", "/orders/cancel?status=open", "/fills", "/account"),
    *("/account?move=withdraw", "/account?move=convert", "/account?currency=EUR"),
    *("/account/facts?what=deposit&amount=7&currency=USD", "/account/statement"),
    *("/account/facts?what=withdraw&amount=7&currency=USD", "/notifications", "/alerts"),
    *("/account/facts?what=convert&amount=7&source=USD&target=EUR", "/watchlists", "/markets"),
    *("/settings/profile", "/settings/trading", "/help", "/search?q=nothing"),
)


@pytest.fixture
def trader(world: World) -> Iterator[Trader]:
    clock.use(lambda: world.now)
    yield busy(world)
    clock.reset()


def busy(world: World) -> Trader:
    """Return somebody who has done a bit of everything, over two days."""
    trader = world.trader(cash="87654.32")
    abc = world.instrument()
    world.tick(abc, "97.31", "97.33", size=100)
    deposit(trader.account, D("54321.09"), "USD", key="in", now=world.now)
    withdraw(trader.account.id, D("4321.07"), "USD", key="out", now=world.now)
    rate("EUR/USD", "1.08", world.now)
    convert(trader.account.id, "USD", "EUR", CONVERTED, key="fx", now=world.now)
    world.place(trader, abc, "buy", 77)
    world.now += timedelta(days=1)
    world.tick(abc, "98.71", "98.73", size=100)
    world.place(trader, abc, "sell", 13)
    world.place(trader, abc, "buy", 31, limit="95.17")
    return trader


@pytest.fixture
def reader(trader: Trader) -> Client:
    return signed_in(trader.user)


def amounts_of(user: User) -> set[Decimal]:
    """Return what the user has, had, moved, paid, made and holds back, from the tables."""
    found = {CONVERTED}
    for rows, names in (
        (CashBalance.objects.filter(account__user=user), ("amount", "reserved")),
        (LedgerEntry.objects.filter(account__user=user), ("amount",)),
        (Order.objects.filter(account__user=user), ("reserved",)),
        (Trade.objects.filter(account__user=user), ("gross_amount", "net_amount")),
        (Lot.objects.filter(portfolio__account__user=user), ("cost",)),
    ):
        found |= {value for row in rows.values_list(*names) for value in row}
    for balance in CashBalance.objects.filter(account__user=user):
        found.add(balance.amount - balance.reserved)
    entries = LedgerEntry.objects.filter(account__user=user, currency="USD").order_by("id")
    running = D(0)
    for amount in entries.values_list("amount", flat=True):
        running += amount
        found.add(running)
    bar = read_bar(user, clock.now())
    found |= {bar.cash, bar.value, bar.equity, bar.gain}
    return {abs(amount) for amount in found if amount and abs(amount) > TELLING}


def told_in(page: str, amounts: set[Decimal]) -> set[str]:
    """Return those of the amounts that stand in a page, plain or as one reads them."""
    written = {plain(amount) for amount in amounts} | {f"{amount:.2f}" for amount in amounts}
    written |= {grouped(amount) for amount in amounts} | {f"{amount:,.2f}" for amount in amounts}
    return {text for text in written if re.search(rf"(?<![\d.,]){re.escape(text)}(?![\d])", page)}


def pages(reader: Client, trader: Trader) -> dict[str, str]:
    orders = Order.objects.filter(account=trader.account).order_by("accepted_at", "id")
    ids = dict(zip(("filled", "sold", "resting"), orders.values_list("id", flat=True), strict=True))
    ids["position"] = trader.portfolio.positions.get().id
    found = {}
    for path in PATHS:
        answer = reader.get(path.format(**ids))
        assert answer.status_code == 200, path
        found[path] = answer.content.decode()
    return found


def be_discreet(trader: Trader) -> None:
    User.objects.filter(pk=trader.user.pk).update(is_discreet=True)


def test_no_page_holds_an_amount(trader: Trader, reader: Client):
    amounts = amounts_of(trader.user)
    seen = {path: told_in(page, amounts) for path, page in pages(reader, trader).items()}
    assert len(set().union(*seen.values())) > len(amounts), "what is looked for stands on pages"
    be_discreet(trader)
    told = {path: told_in(page, amounts) for path, page in pages(reader, trader).items()}
    assert {path: found for path, found in told.items() if found} == {}


def buy_at_95(trader: Trader, quantity: str) -> dict[str, str]:
    """What the ticket sends for a limit order of 95.03."""
    return {
        "symbol": "ABC",
        "portfolio_id": str(trader.portfolio.id),
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "quantity": quantity,
        "limit_price": "95.03",
    }


def test_a_review_shows_what_one_does_and_not_what_one_has(trader: Trader, reader: Client):
    be_discreet(trader)
    amounts = amounts_of(trader.user)
    order = buy_at_95(trader, "20")
    page = reader.post("/orders/review", order).content.decode()
    assert "1,900.60 USD" in page
    assert told_in(page, amounts) == set()
    refused = reader.post("/orders/review", {**order, "quantity": "9000"}).content.decode()
    assert "855,270 USD needed, \N{BULLET}\N{BULLET}" in refused
    assert told_in(refused, amounts) == set()
    assert_withdrawal_hides_what_there_is(reader, amounts)
    key = str(reader.get("/account").context["forms"]["convert"]["key"].value())
    asked = {"what": "convert", "amount": "432.10", "source": "USD", "target": "EUR", "key": key}
    page = reader.post("/account", asked).content.decode()
    assert "Convert 432.10 USD</button>" in page
    assert "400.09 EUR" in page
    assert told_in(page, amounts) == set()


def assert_withdrawal_hides_what_there_is(reader: Client, amounts: set[Decimal]) -> None:
    key = str(reader.get("/account").context["forms"]["withdraw"]["key"].value())
    asked = {"what": "withdraw", "amount": "999999", "currency": "USD", "key": key}
    page = reader.post("/account", asked).content.decode()
    assert "999,999 USD needed, \N{BULLET}\N{BULLET}" in page
    assert told_in(page, amounts) == set()


def test_a_reader_of_another_locale_reads_refusals_in_it(trader: Trader, reader: Client):
    order = buy_at_95(trader, "9000")
    User.objects.filter(pk=trader.user.pk).update(locale="de")
    page = reader.post("/orders/review", order).content.decode()
    assert "855.270 USD needed, 1" in page
    asked = {**order, "limit_price": "1097.25", "quantity": "2"}
    page = reader.post("/orders/review", asked).content.decode()
    assert "from 88,839 to 108,581." in page
    page = reader.post("/orders/review", {**order, "quantity": "2"}).content.decode()
    assert "The limit is 3,7 under the ask" in page
    told = reader.post("/api/v1/orders/preview", order, "application/json").json()
    (error,) = [each for each in told["errors"] if each["code"] == "insufficient_funds"]
    assert error["detail"].startswith("855,270 USD needed, 1")
    assert error["needed"] == "855270"


def test_the_api_hides_nothing(trader: Trader, reader: Client):
    resting = Order.objects.get(account=trader.account, closed_at=None)
    paths = [
        f"/api/v1/orders/{resting.id}/explain",
        f"/api/v1/accounts/{trader.account.id}/statement?currency=USD",
    ]
    before = [reader.get(path).json() for path in paths]
    be_discreet(trader)
    assert [reader.get(path).json() for path in paths] == before
    assert "\N{BULLET}" not in str(before)
