"""The portfolio page: its numbers are the API's, and both are the ledger's to the cent."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from html import unescape
from random import Random

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.ledger import LedgerLeg, NewTransaction, post
from accounts.models import CashBalance, FxRate, LedgerEntry
from accounts.services import deposit, open_account, withdraw
from accounts.tests.factories import FeeScheduleFactory, UserFactory
from bengi import clock
from bengi.ids import new_id
from bengi.numerals import money, signed, signed_money
from bengi.terms import LedgerBook, LedgerKind
from instruments.board import board
from instruments.models import Bar, CorporateAction, Instrument, Quote
from instruments.tests.factories import BarFactory, InstrumentFactory, QuoteFactory
from orders.tests.http import signed_in
from portfolios import realized
from portfolios.forms import SpanForm
from portfolios.models import DividendEntitlement, Portfolio
from portfolios.portfolio_page import portfolio_page
from portfolios.tests.story import Story

pytestmark = pytest.mark.django_db
D = Decimal
TODAY = datetime(2026, 3, 10, 15, tzinfo=UTC)
DAYS = 40
QUERIES_MAX = 38


def at(days_ago, hour=15):
    return (TODAY - timedelta(days=days_ago)).replace(hour=hour)


@pytest.fixture(autouse=True)
def _now():
    board.clear()
    clock.use(lambda: TODAY)
    yield
    clock.reset()


def someone(currency="USD"):
    account = open_account(
        UserFactory(), name="Paper", currency=currency, now=at(50), schedule=FeeScheduleFactory()
    )
    return Portfolio.objects.create(account=account, name="Main")


def listed(symbol, random, **values):
    """An instrument with a close for each day up to yesterday, and a last price."""
    instrument = InstrumentFactory(symbol=symbol, **values)
    price = D(100)
    for ago in range(DAYS, 0, -1):
        price += D(random.randrange(-400, 420)) / 100
        BarFactory(instrument=instrument, interval="1day", starts_at=at(ago, 0), close=price)
    QuoteFactory(
        instrument=instrument,
        last=price + D(random.randrange(-99, 99)) / 100,
        previous_close=price,
        as_of=TODAY - timedelta(minutes=1),
    )
    return instrument


def storied(seed, trades=12):
    """A portfolio with a past of deposits, withdrawals, buys and sales that draws by seed."""
    random, portfolio = Random(seed), someone()
    instruments = [listed(f"S{n}", random) for n in range(3)]
    deposit(portfolio.account, D(50_000), "USD", key="first", now=at(DAYS))
    story, lots = Story(portfolio), []
    for n in range(trades):
        ago = DAYS - 1 - n * (DAYS - 2) // trades
        price = D(random.randrange(9000, 11000)) / 100
        if lots and random.random() < 0.5:
            lot = random.choice(lots)
            story.sell(lot, min(2, lot.remaining_quantity), price, at(ago), fee="0.37")
            lots = [each for each in lots if each.remaining_quantity]
        else:
            bought = random.choice(instruments)
            lots.append(story.buy(bought, random.choice([2, 4, 8]), price, at(ago), fee="0.64"))
        if n % 5 == 2:
            deposit(portfolio.account, D(1000 + n), "USD", key=f"d{n}", now=at(ago, 16))
        if n % 7 == 3:
            withdraw(portfolio.account.id, D("333.33"), "USD", key=f"w{n}", now=at(ago, 17))
    return portfolio


def asked(portfolio, what, query=""):
    answer = signed_in(portfolio.account.user).get(
        f"/api/v1/portfolios/{portfolio.id}/{what}{query}"
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def page(portfolio, query=""):
    client = Client()
    client.force_login(portfolio.account.user)
    answer = client.get(f"/portfolio{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def words(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def tile(html, name):
    found = re.search(rf"<dt>{re.escape(name)}</dt><dd[^>]*>(.*?)</dd>", html, re.DOTALL)
    assert found, name
    return words(found[1])


def part(html, id_):
    """The section of the page with an id, up to its end."""
    return html[html.index(f'id="{id_}"') :].split("</section>")[0]


def test_a_visitor_is_sent_to_sign_in(client):
    answer = client.get("/portfolio")
    assert (answer.status_code, answer["Location"]) == (302, "/signin?next=%2Fportfolio")


def test_without_an_account_it_says_so():
    client = Client()
    client.force_login(UserFactory())
    assert "No portfolio yet" in client.get("/portfolio").content.decode()


@pytest.mark.parametrize("seed", range(4))
def test_page_api_and_ledger_agree_to_the_cent(seed):
    portfolio = storied(seed)
    html = page(portfolio, "?period=All&by=instrument")
    summary = asked(portfolio, "summary")
    total, did = summary["total"], asked(portfolio, "performance")
    cash = sum(
        LedgerEntry.objects.filter(account=portfolio.account).values_list("amount", flat=True), D(0)
    )
    equity = D(total["equity"])
    assert D(total["cash"]) == cash
    assert D(total["market_value"]) + cash == equity == D(did["end_equity"])
    assert D(did["gain"]) == D(total["total_pnl"])
    assert equity == D(did["deposited"]) - D(did["withdrawn"]) + D(total["total_pnl"])
    assert f"{money(equity, 'USD')} USD" in words(part(html, "pf-now"))
    assert tile(html, "Total P&amp;L") == signed_money(D(total["total_pnl"]), "USD")
    assert tile(html, "Gain in these days") == signed_money(D(did["gain"]), "USD")
    assert tile(html, "Cash") == money(cash, "USD")
    for name, key in (("time", "time_weighted"), ("money", "money_weighted")):
        wanted = f"{signed(D(did[key]) * 100, 2)}%"
        assert tile(html, f"Return, {name}-weighted") == wanted
    adds_up = (
        f"Positions {money(D(total['market_value']), 'USD')} + cash {money(cash, 'USD')} "
        f"= equity {money(equity, 'USD')} USD."
    )
    assert adds_up in words(part(html, "pf-positions"))


@pytest.mark.parametrize("seed", range(2))
def test_lots_sum_to_what_is_realized(seed):
    portfolio = storied(seed, trades=16)
    lots = asked(portfolio, "lots", "?closed=true&limit=200")["results"]
    made = sum(D(closing["realized_pnl"]) for lot in lots for closing in lot["closings"])
    told = asked(portfolio, "summary")["total"]["realized_pnl"]
    html = part(page(portfolio, "?period=All"), "realized")
    assert D(told) == made
    assert f"{signed_money(made, 'USD')} USD" in words(html)
    assert html.count("Sale of") == sum(len(lot["closings"]) for lot in lots)
    for lot in lots:
        assert f'href="/fills/{lot["exec_id"]}"' in html
        assert all(f'href="/fills/{each["exec_id"]}"' in html for each in lot["closings"])


def test_what_equity_is_made_of_sums_to_it_in_each_way():
    """Three foreign holdings: no cent is lost or made where their currency is converted."""
    random, portfolio = Random(7), someone()
    FxRate.objects.create(base="EUR", quote="USD", rate=D("1.08453"), as_of=at(60), source="test")
    deposit(portfolio.account, D("10000.55"), "USD", key="a", now=at(30))
    deposit(portfolio.account, D("20000.77"), "EUR", key="b", now=at(30))
    story = Story(portfolio)
    for n, sector in enumerate(("technology", "technology", "energy")):
        foreign = listed(f"E{n}", random, currency="EUR", mic="XETR", sector=sector)
        story.buy(foreign, 7 + n, "90.13", at(20))
    story.buy(listed("FUND", random, type="etf"), 3, "101.01", at(20))
    told = asked(portfolio, "allocation")
    equity = asked(portfolio, "summary")["total"]["equity"]
    assert told["equity"] == equity
    for by in ("instrument", "currency", "sector"):
        parts = told[f"by_{by}"]
        assert sum(D(each["amount"]) for each in parts) == D(equity)
        assert abs(sum(D(each["percent"]) for each in parts) - 100) < D("0.001")
        html = words(part(page(portfolio, f"?by={by}"), "pf-allocation"))
        assert all(money(D(each["amount"]), "USD") in html for each in parts)
    assert {each["sector"] for each in told["by_sector"]} == {
        *("technology", "energy", "funds", "cash"),
    }
    assert {each["currency"] for each in told["by_currency"]} == {"EUR", "USD"}


def test_dividends_are_gains_and_no_deposits():
    random, portfolio = Random(3), someone()
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(9))
    stock = listed("DIV", random)
    Story(portfolio).buy(stock, 5, "100", at(8))
    action = CorporateAction.objects.create(
        instrument=stock,
        kind="cash_dividend",
        amount=D("2"),
        currency="USD",
        ex_date=at(6).date(),
        pay_date=at(5).date(),
        requested_by=new_id(),
        requested_at=at(9),
    )
    DividendEntitlement.objects.create(
        action=action,
        portfolio=portfolio,
        quantity=D(5),
        currency="USD",
        gross_amount=D(10),
        withheld_amount=D("1.5"),
        paid_at=at(5),
    )
    account = portfolio.account
    for kind, book, amount in (
        (LedgerKind.DIVIDEND, LedgerBook.ISSUERS, D(10)),
        (LedgerKind.WITHHOLDING, LedgerBook.WITHHOLDING, D("-1.5")),
    ):
        legs = (
            LedgerLeg(LedgerBook.CUSTOMER_CASH, account.id, "USD", amount),
            LedgerLeg(book, None, "USD", -amount),
        )
        post([NewTransaction(new_id(), kind, str(action.id), account.id, at(5), "", legs)])
    CashBalance.objects.filter(account=account).update(amount=D("508.5"))
    told, did = asked(portfolio, "summary")["total"], asked(portfolio, "performance")
    assert (told["dividends"], did["deposited"]) == ("8.5", "1000")
    assert did["gain"] == told["total_pnl"]


def test_months_of_the_page_are_those_of_the_api():
    portfolio = storied(5)
    months = asked(portfolio, "performance")["months"]
    html = page(portfolio, "?period=All")
    cells = re.findall(r'months__cell heat__cell [^"]*">([^<]*)<', html)
    assert cells == [f"{signed(D(each['return']) * 100, 1)}%" for each in months]
    assert [each["month"] for each in months] == ["2026-01", "2026-02", "2026-03"]
    assert [each["is_whole"] for each in months] == [False, True, False]
    whole = Fraction(1)
    for each in months:
        whole *= 1 + Fraction(each["return"])
    did = Fraction(asked(portfolio, "performance")["time_weighted"])
    assert abs(whole - 1 - did) < Fraction(1, 10**6)


def test_a_period_and_days_and_a_comparison_by_plain_addresses():
    portfolio = storied(1)
    listed("SPY", Random(2))
    html = page(portfolio, "?period=1W&benchmark=spy")
    assert 'aria-current="true">1W</a>' in html
    assert "SPY, same deposits" in html
    assert words(part(html, "equity-title")).count("Mar 2026") >= 8
    days = page(portfolio, "?since=2026-02-10&until=2026-02-12&period=1W")
    assert 'aria-current="true">1W</a>' not in days
    did = asked(portfolio, "performance", "?from=2026-02-10&to=2026-02-12")
    assert tile(days, "Gain in these days") == signed_money(D(did["gain"]), "USD")
    for row in did["results"]:
        assert money(D(row["equity"]), "USD") in days


@pytest.mark.parametrize(
    ("query", "field", "error"),
    [
        ("?since=yesterday", "since", "Write a day such as 2026-03-31."),
        ("?since=2026-02-02&until=2026-02-01", "until", "This is before the first day."),
        ("?since=2000-01-01", "since", "Choose at most 1,830 days."),
        ("?until=0001-01-01", "until", "Choose a day from 1901 to 2999."),
        ("?until=1900-12-31", "until", "Choose a day from 1901 to 2999."),
        ("?since=3000-01-01", "since", "Choose a day from 1901 to 2999."),
        ("?benchmark=NOPE", "benchmark", "There is no instrument NOPE."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(query, field, error):
    html = page(storied(1, trades=2), query)
    assert error in words(html.split(f'id="{field}-error"')[1].split("</p>")[0])
    assert f'aria-describedby="{field}-error"' in html
    typed = query.rpartition("=")[2] if field != "since" else query.split("=")[1].split("&")[0]
    assert f'value="{typed}"' in html
    assert 'aria-current="true">1Y</a>' in html


@pytest.mark.parametrize("query", ["?until=1901-01-01", "?since=2999-12-31&until=2999-12-31"])
def test_the_first_and_the_last_day_there_may_be(query):
    assert '-error"' not in page(storied(1, trades=2), query)


def test_one_day_is_too_few_for_a_curve():
    portfolio = someone()
    assert "Nothing to draw yet" in page(portfolio)
    deposit(portfolio.account, D(100), "USD", key="a", now=at(0, 9))
    html = page(portfolio)
    assert "One day so far" in html
    assert 'id="plot"' not in html


def test_one_of_several_is_chosen_and_anothers_is_not_there():
    portfolio = storied(1, trades=3)
    Portfolio.objects.create(account=portfolio.account, name="Second")
    second = Portfolio.objects.get(name="Second")
    assert "<h1>Main portfolio</h1>" in page(portfolio)
    html = page(portfolio, f"?portfolio={second.id}")
    assert "<h1>Second portfolio</h1>" in html
    assert f'<option value="{second.id}" selected>' in html
    client = Client()
    client.force_login(UserFactory())
    assert client.get(f"/portfolio?portfolio={second.id}").status_code == 404
    assert client.get("/portfolio?portfolio=x").status_code == 404


def test_the_page_takes_as_many_statements_over_more():
    counts = []
    for seed, trades in ((1, 4), (2, 24)):
        portfolio = storied_alone(seed, trades)
        client = Client()
        client.force_login(portfolio.account.user)
        with CaptureQueriesContext(connection) as seen:
            client.get("/portfolio?period=All&benchmark=S0")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= QUERIES_MAX


def storied_alone(seed, trades):
    """As storied(), where other stories' instruments are in the table already."""
    portfolio = storied(seed, trades) if seed == 1 else None
    if portfolio is None:
        portfolio, random = someone(), Random(seed)
        deposit(portfolio.account, D(90_000), "USD", key="first", now=at(DAYS))
        story, stocks = Story(portfolio), list(Instrument.objects.all())
        for n in range(trades):
            lot = story.buy(stocks[n % 3], 4, "100", at(DAYS - 1 - n))
            story.sell(lot, 2, D(90 + random.randrange(20)), at(DAYS - 2 - n))
    return portfolio


def test_who_is_discreet_is_shown_percents_alone():
    """The curve, its words and what the script draws from name no amount."""
    portfolio = storied(1)
    form = SpanForm(QueryDict("period=All&benchmark=S0"), today=TODAY.date())
    form.full_clean()
    told = portfolio_page(portfolio, form, TODAY, by="sector", is_discreet=True)
    did = asked(portfolio, "performance", "?benchmark=S0")
    last = told["curve_data"]["points"][-1]
    assert told["curve_data"]["unit"] == "%"
    assert D(last[1]) == round((D(did["results"][-1]["index"]) - 1) * 100, 4)
    assert D(last[2]) == round((D(did["results"][-1]["benchmark_index"]) - 1) * 100, 4)
    assert "USD" not in told["curve_words"]
    assert re.search(r"\d{4}\.\d", told["curve_words"]) is None


def test_days_before_today_are_reckoned_once_until_the_log_goes_on():
    """A close of the past that is put right shows with the next event, today's quote at once."""
    portfolio = storied(1)
    first = asked(portfolio, "performance")
    with CaptureQueriesContext(connection) as seen:
        assert asked(portfolio, "performance") == first
    assert not any("ledger" in each["sql"] or '"portfolios_lot' in each["sql"] for each in seen)
    held = portfolio.positions.filter(quantity__gt=0).first()
    Bar.objects.filter(instrument=held.instrument, starts_at=at(1, 0)).update(close=D(500))
    Quote.objects.filter(instrument=held.instrument).update(last=D(600))
    board.clear()
    kept = asked(portfolio, "performance")
    assert kept["results"][:-1] == first["results"][:-1]
    assert kept["end_equity"] == asked(portfolio, "summary")["total"]["equity"]
    assert kept["end_equity"] != first["end_equity"]
    deposit(portfolio.account, D(1), "USD", key="next", now=at(0, 9))
    told = asked(portfolio, "performance")
    assert told["results"][-2]["equity"] != first["results"][-2]["equity"]
    assert (told["results"][-1]["deposited"], kept["results"][-1]["deposited"]) == ("1", "0")


def test_what_is_kept_is_kept_by_span_benchmark_and_portfolio():
    portfolio = storied(1)
    second = Portfolio.objects.create(account=portfolio.account, name="Second")
    queries = ["", "?from=2026-02-20", "?to=2026-03-01", "?benchmark=S0", "?benchmark=S1"]
    told = [asked(portfolio, "performance", query) for query in queries]
    cache.clear()
    for query, before in reversed(list(zip(queries, told, strict=True))):
        assert asked(portfolio, "performance", query) == before
    assert asked(second, "performance") != told[0]


def test_a_day_later_yesterday_has_its_close():
    """What was today's newest quote is not kept as the close of its day."""
    portfolio = storied(1)
    asked(portfolio, "performance")
    clock.use(lambda: TODAY + timedelta(days=1))
    told = asked(portfolio, "performance")["results"]
    cache.clear()
    assert told == asked(portfolio, "performance")["results"]
    assert told[-1]["date"] == "2026-03-11"


def test_a_refresh_leaves_out_what_stays():
    portfolio = storied(1)
    client = Client()
    client.force_login(portfolio.account.user)
    with CaptureQueriesContext(connection) as seen:
        html = client.get("/portfolio", headers={"HX-Request": "true"}).content.decode()
    assert not {"realized", "months"} & set(re.findall(r'id="(\w+)', html))
    assert not any('"closed_at" DESC' in each["sql"] for each in seen)
    for id_ in ("pf-now", "as-of", "pf-tiles", "pf-positions", "pf-allocation", "pf-today"):
        assert f'id="{id_}"' in html
    assert 'id="realized"' in page(portfolio)


def test_totals_count_sales_that_are_not_loaded(monkeypatch):
    random, portfolio = Random(4), someone()
    deposit(portfolio.account, D(10_000), "USD", key="a", now=at(9))
    story, stock = Story(portfolio), listed("ABC", random)
    lot = story.buy(stock, 10, "100", at(8))
    for n, price in enumerate(("99", "101", "102", "103")):
        story.sell(lot, 1, price, at(7 - n))
    monkeypatch.setattr(realized, "CLOSINGS_MAX", 3)
    with CaptureQueriesContext(connection) as seen:
        told = realized.realized_in(portfolio, at(9).date(), TODAY.date())
    assert (told.totals, told.count, told.wins, told.left_out) == ({"USD": D(5)}, 4, 3, 1)
    assert [each.closing.proceeds for each in told.instruments[0].closed] == [103, 102, 101]
    rows = [each["sql"] for each in seen if '"closed_at" DESC' in each["sql"]]
    assert len(rows) == 1
    assert rows[0].endswith("LIMIT 3")
