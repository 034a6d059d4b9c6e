"""The figures in the bar: those of the summaries, in one currency, or words why there is none."""

import json
import re
from decimal import Decimal
from html import unescape

import pytest

from accounts.models import User
from accounts.tests.factories import AccountFactory, CashBalanceFactory, UserFactory
from accounts.tests.money_stage import rate
from bengi import clock
from instruments.board import board
from instruments.tests.factories import QUOTED_AT, InstrumentFactory, QuoteFactory
from orders.tests.http import signed_in
from portfolios.bar import read_bar
from portfolios.models import Portfolio
from portfolios.tests.factories import LotFactory, PortfolioFactory, PositionFactory

pytestmark = pytest.mark.django_db
D = Decimal
BAR_QUERIES_MAX = 5


@pytest.fixture(autouse=True)
def _at_the_quotes():
    board.clear()
    clock.use(lambda: QUOTED_AT)
    yield
    clock.reset()


@pytest.fixture
def user() -> User:
    """Somebody of two accounts and three portfolios, with cash and shares in three currencies."""
    user = UserFactory()
    first, second = AccountFactory(user=user), AccountFactory(user=user)
    CashBalanceFactory(account=first, amount=D("5000.01"))
    CashBalanceFactory(account=second, amount=D("77.70"))
    CashBalanceFactory(account=first, currency="EUR", amount=D("1234.57"))
    CashBalanceFactory(account=second, currency="JPY", amount=D(98_765))
    portfolios = [PortfolioFactory(account=account) for account in (first, first, second)]
    sap = listed("SAP", "EUR", "131.37")
    yen = listed("7203", "JPY", "2801")
    for portfolio, instrument, quantity, cost in (
        (portfolios[0], listed("ABC", "USD", "97.31"), "3", "250.11"),
        (portfolios[0], sap, "7", "905.03"),
        (portfolios[1], sap, "0.5", "61.11"),
        (portfolios[2], yen, "101", "270011"),
    ):
        hold(portfolio, instrument, quantity, cost)
    return user


def listed(symbol, currency, last):
    instrument = InstrumentFactory(symbol=symbol, currency=currency)
    QuoteFactory(instrument=instrument, last=D(last))
    return instrument


def hold(portfolio, instrument, quantity, cost):
    LotFactory(portfolio=portfolio, instrument=instrument, quantity=D(quantity), cost=D(cost))
    PositionFactory(portfolio=portfolio, instrument=instrument, quantity=D(quantity))


def totals_of(user: User) -> list[dict[str, str]]:
    """What the API says of each portfolio."""
    client, found = signed_in(user), Portfolio.objects.filter(account__user=user).order_by("id")
    return [client.get(f"/api/v1/portfolios/{each.id}/summary").json()["total"] for each in found]


def test_the_bar_is_the_sum_of_the_summaries(user, django_assert_num_queries):
    rate("EUR/USD", "1.0847", QUOTED_AT)
    rate("USD/JPY", "150.57", QUOTED_AT)
    with django_assert_num_queries(BAR_QUERIES_MAX):
        bar = read_bar(user, QUOTED_AT)
    one, two, three = totals_of(user)
    assert D(one["cash"]) == D(two["cash"]), "portfolios of an account share its cash"
    assert bar.cash == D(one["cash"]) + D(three["cash"])
    assert bar.value == sum(D(each["market_value"]) for each in (one, two, three))
    assert bar.gain == sum(D(each["unrealized_pnl"]) for each in (one, two, three))
    assert bar.equity == D(one["equity"]) + D(two["market_value"]) + D(three["equity"])
    assert bar.unknown == ""


def test_what_is_in_another_currency_counts_by_hand(user):
    rate("EUR/USD", "1.25", QUOTED_AT)
    rate("USD/JPY", "160", QUOTED_AT)
    bar = read_bar(user, QUOTED_AT)
    # 1234.57 x 1.25 = 1543.2125, 98765 / 160 = 617.28125
    assert bar.cash == D("5000.01") + D("77.70") + D("1543.21") + D("617.28")
    # 3 x 97.31; 7 x 131.37 x 1.25 = 1149.4875; 65.68 (65.685 to even) x 1.25; 282901 / 160
    assert bar.value == D("291.93") + D("1149.49") + D("82.10") + D("1768.13")


def test_without_a_rate_there_are_words_and_no_sum(user):
    rate("USD/JPY", "150.57", QUOTED_AT)
    bar = read_bar(user, QUOTED_AT)
    assert (bar.equity, bar.value) == (None, None)
    assert bar.unknown == "no rate for EUR"
    for path in ("/orders", "/positions", "/portfolio", "/account"):
        page = signed_in(user).get(path).content.decode()
        found = re.search(r'id="equity".*?<b data-total="equity">(.*?)</b>', page)
        assert found, path
        assert found[1] == "no rate for EUR", path


def test_a_position_without_a_price_is_named(user):
    rate("EUR/USD", "1.25", QUOTED_AT)
    rate("USD/JPY", "160", QUOTED_AT)
    new = InstrumentFactory(symbol="NEW")
    hold(Portfolio.objects.filter(account__user=user).first(), new, "1", "9")
    assert read_bar(user, QUOTED_AT).unknown == "no price for NEW"


def test_the_script_reckons_from_the_same(user):
    rate("EUR/USD", "1.25", QUOTED_AT)
    rate("USD/JPY", "160", QUOTED_AT)
    page = signed_in(user).get("/orders").content.decode()
    told = json.loads(unescape(re.search(r'data-worth="([^"]*)"', page)[1]))
    assert told["currency"] == "USD"
    assert told["rates"] == {"EUR": ["1.25", True], "JPY": ["160", False]}
    assert [sorted(each) for each in told["cash"]] == [["EUR", "USD"], ["JPY", "USD"]]
    assert [[row[:3] for row in group] for group in told["holdings"]] == [
        [["ABC", "USD", "3"], ["SAP", "EUR", "7"]],
        [["SAP", "EUR", "0.5"]],
        [["7203", "JPY", "101"]],
    ]


def test_one_currency_needs_no_rate(django_assert_num_queries):
    portfolio = PortfolioFactory(account=AccountFactory())
    hold(portfolio, listed("ABC", "USD", "10"), "2", "15")
    with django_assert_num_queries(BAR_QUERIES_MAX - 1):
        bar = read_bar(portfolio.account.user, QUOTED_AT)
    assert (bar.value, bar.gain) == (D(20), D(5))
