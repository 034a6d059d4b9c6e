"""All reconciled: what every page and the API print of a lively past is what the ledger's rows say.

The oracle below reads rows and adds them up as fractions; it shares no code with the selectors, the
valuers and the filters that it checks, and it writes its numbers itself.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from html import unescape
from random import Random
from typing import Any

import pytest
from django.test import Client

from accounts.conversions import convert
from accounts.models import LedgerEntry, RegulatoryRate
from accounts.services import deposit, withdraw
from accounts.tests.money_stage import rate
from bengi import clock
from instruments.models import Instrument
from orders.models import Order
from orders.tests.http import signed_in
from portfolios.models import Position
from trades.corporate.due import apply_due
from trades.models import Trade
from trades.tests.corporate_stage import MIDNIGHT, dividend, split, until
from trades.tests.desk import Desk, fills_of
from trades.tests.test_busts import per_share
from trades.tests.world import Trader, World

pytestmark = pytest.mark.django_db
D = Decimal
MINOR = {"USD": 2, "EUR": 2, "JPY": 0}
TO_USD = {"USD": Fraction(1), "EUR": Fraction("1.0837"), "JPY": 1 / Fraction("151.27")}
OF_TRADING = {
    *("trade", "commission", "fee", "dividend", "withholding", "cash_in_lieu", "reversal"),
}
SPLIT = Fraction(3, 2)


# -- a lively past -----------------------------------------------------------------------------


@dataclass
class Past:
    """A world in which a trader has done all that moves money, drawn by a seed."""

    world: World
    random: Random
    trader: Trader
    prices: dict[str, int]
    """What each symbol costs, in minor units of a cent."""

    def quote(self, stock: Instrument) -> None:
        """Let the price go on a little."""
        cents = self.prices[stock.symbol] * (1000 + self.random.randint(-12, 12)) // 1000
        self.prices[stock.symbol] = cents
        places = MINOR[stock.currency]
        bid, ask = (D(cents + more) / 10**places for more in (-1, 1))
        self.world.tick(stock, str(bid), str(ask), last=str(D(cents) / 10**places))

    def held(self, stock: Instrument) -> int:
        rows = Position.objects.filter(instrument=stock, portfolio=self.trader.portfolio)
        return int(sum(rows.values_list("quantity", flat=True)))

    def trade(self, stock: Instrument, times: int) -> None:
        """Buy and sell at the market."""
        for _ in range(times):
            self.quote(stock)
            there = self.held(stock)
            if there > 20 and self.random.random() < 0.45:
                self.world.place(self.trader, stock, "sell", self.random.randint(9, there // 2))
            else:
                self.world.place(self.trader, stock, "buy", self.random.choice([31, 53, 70, 111]))

    def take_back(self, desk: Desk, stock: Instrument) -> None:
        """Let staff bust a purchase and a sale of the day."""
        for side, quantity in (("buy", 9), ("sell", 2)):
            self.quote(stock)
            for fill in fills_of(self.world.place(self.trader, stock, side, quantity)):
                desk.bust(fill)


def lively(world: World, seed: int) -> Past:
    """Live through four days of three currencies, a dividend each, a split and two busts."""
    home, cut = world.instrument("HOME"), world.instrument("CUT")
    euro, yen = world.instrument("EURO", currency="EUR"), _in_yen(world)
    trader = world.trader(fees=per_share())
    RegulatoryRate.objects.create(code="taf", effective_from="2026-01-01", per_share="0.0002")
    past = Past(world, Random(seed), trader, {"HOME": 9731, "CUT": 4519, "EURO": 6177, "YEN": 545})
    rate("EUR/USD", "1.0837", world.now)
    rate("USD/JPY", "151.27", world.now)
    deposit(trader.account, D("60123.45"), "EUR", key="euro", now=world.now)
    convert(trader.account.id, "USD", "JPY", D("19876.54"), key="yen", now=world.now)
    convert(trader.account.id, "USD", "EUR", D("1234.56"), key="more", now=world.now)
    dividend(home, "0.37", withholding_rate=D("0.15"))
    dividend(euro, "0.41", currency="EUR", withholding_rate=D("0.26375"))
    split(cut, 3, 2, cash_in_lieu_price=D("30.11"))
    for stock in (home, cut, euro, yen):
        past.trade(stock, 4)
    if past.held(cut) % 2 == 0:  # so that the split leaves half a share over
        world.place(trader, cut, "buy", 1)
    until(world, MIDNIGHT + timedelta(hours=9))
    apply_due(world.now)
    past.prices["CUT"] = past.prices["CUT"] * 2 // 3
    for stock in (cut, yen, home):
        past.trade(stock, 3)
    past.take_back(Desk(world), home)
    until(world, MIDNIGHT + timedelta(days=2, hours=9))
    apply_due(world.now)
    past.trade(euro, 3)
    withdraw(trader.account.id, D("777.77"), "USD", key="out", now=world.now)
    for stock in (cut, euro, yen, home):
        past.quote(stock)
    low = D(past.prices["HOME"] * 93 // 100) / 100
    world.place(trader, home, "buy", 3, limit=str(low), tif="gtc")
    return past


def _in_yen(world: World) -> Instrument:
    return world.instrument("YEN", currency="JPY", tick_size=D(1))


# -- the oracle --------------------------------------------------------------------------------


class Ledger:
    """What the rows say, as exact fractions by currency."""

    def __init__(self, past: Past) -> None:
        trader = past.trader
        rows = LedgerEntry.objects.filter(account_id=trader.account.id)
        self.rows = [
            (currency, kind, at.astimezone(UTC).date(), Fraction(amount))
            for currency, kind, at, amount in rows.values_list(
                "currency", "transaction__kind", "transaction__occurred_at", "amount"
            )
        ]
        self.currencies = sorted({row[0] for row in self.rows})
        held: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        trades = Trade.objects.filter(account_id=trader.account.id).select_related("instrument")
        for each in trades:
            shares = Fraction(each.quantity) * (1 if each.side == "buy" else -1)
            if each.instrument.symbol == "CUT" and each.executed_at < MIDNIGHT:
                shares *= SPLIT
            held[each.instrument.symbol, each.instrument.currency] += shares
        self.held = {symbol: Fraction(int(shares)) for (symbol, _), shares in held.items()}
        """Of a fraction that the split left over the issuer has made money."""
        self.worth: dict[str, Fraction] = defaultdict(Fraction)
        for symbol, currency in held:
            last = Fraction(past.prices[symbol], 10 ** MINOR[currency])
            self.worth[currency] += rounded(self.held[symbol] * last, currency)
        self.reserved = sum(
            map(Fraction, Order.objects.filter(status="new").values_list("reserved", flat=True))
        )

    def sum(self, currency: str, *kinds: str, until: date | None = None) -> Fraction:
        """Return what entries of a currency come to, of these kinds, up to a day."""
        return sum(
            (
                amount
                for code, kind, day, amount in self.rows
                if code == currency
                and (not kinds or kind in kinds)
                and (until is None or day <= until)
            ),
            Fraction(0),
        )

    def in_usd(self, amounts: dict[str, Fraction]) -> Fraction:
        """Return what amounts come to together, each rounded by itself."""
        worths = [rounded(each * TO_USD[code], "USD") for code, each in amounts.items()]
        return sum(worths, Fraction(0))

    def cash(self) -> dict[str, Fraction]:
        return {code: self.sum(code) for code in self.currencies}

    def made(self, currency: str) -> Fraction:
        """Return all that trading has made: what is held is worth, and all that it moved."""
        return self.worth[currency] + self.sum(currency, *OF_TRADING)


def rounded(value: Fraction, currency: str) -> Fraction:
    """Return value to the minor unit, halves to even."""
    unit = 10 ** MINOR[currency]
    return Fraction(round(value * unit), unit)


def told(value: Fraction, currency: str, *, signed: bool = False) -> str:
    """Write an amount as pages do, by hand."""
    places = MINOR[currency]
    minor = abs(value) * 10**places
    assert minor.denominator == 1, "amounts are of whole minor units"
    whole, rest = divmod(int(minor), 10**places)
    text = f"{whole:,}" + (f".{rest:0{places}d}" if places else "")
    sign = "\N{MINUS SIGN}" if value < 0 else "+" if signed and value > 0 else ""
    return sign + text


# -- what is printed ---------------------------------------------------------------------------


class Pages:
    """The pages of a trader, as text."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, path
        return answer.content.decode()

    def api(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, (path, answer.content)
        return answer.json()


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section(html: str, id_: str) -> str:
    return html[html.index(f'id="{id_}"') :].split("</section>", maxsplit=1)[0]


def rows_of(html: str) -> dict[str, list[str]]:
    """Return the cells of a table's rows, by what their head says first."""
    found = {}
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL):
        cells = [words(each) for each in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        found[cells[0]] = cells[1:]
    return found


def tile(html: str, name: str) -> str:
    found = re.search(rf"<dt>{re.escape(name)}</dt><dd[^>]*>(.*?)</dd>", html, re.DOTALL)
    assert found, name
    return words(found[1])


@pytest.fixture
def _market_time(world: World) -> Any:
    clock.use(lambda: world.now)
    yield
    clock.reset()


@pytest.mark.usefixtures("_market_time")
@pytest.mark.parametrize("seed", range(2))
def test_every_page_and_the_api_say_what_the_ledger_says(world: World, seed: int):
    past = lively(world, seed)
    pages, ledger = Pages(signed_in(past.trader.user)), Ledger(past)
    check_that_it_is_lively(ledger)
    check_the_account_page(ledger, pages)
    check_the_positions_page(ledger, pages)
    check_the_bar_and_the_tiles(ledger, pages)
    check_the_portfolio_page_and_the_summary(past, ledger, pages)
    for since, until_day in DAYS:
        check_the_statement_of_a_period(past, ledger, pages, since, until_day)
    check_accounts_and_statement_of_the_api(past, ledger, pages)


def check_that_it_is_lively(ledger: Ledger):
    assert ledger.currencies == ["EUR", "JPY", "USD"]
    kinds = {kind for _, kind, _, _ in ledger.rows}
    assert kinds >= OF_TRADING | {"deposit", "withdrawal", "fx"}
    assert all(ledger.held.values())
    assert ledger.reserved


def check_the_account_page(ledger: Ledger, pages: Pages):
    html = section(pages.get("/account"), "cash")
    rows = rows_of(html)
    for code, cash in ledger.cash().items():
        (cells,) = [cells for head, cells in rows.items() if head.startswith(f"{code} ")]
        reserved = ledger.reserved if code == "USD" else Fraction(0)
        assert cells[0] == told(cash, code)
        assert cells[1] == told(reserved, code)
        assert cells[4] == told(cash - reserved, code)
    assert rows["In USD"][0] == told(ledger.in_usd(ledger.cash()), "USD")
    for code, cash in ledger.cash().items():
        listed = words(section(pages.get(f"/account?currency={code}"), "statement-list"))
        assert f"Closing {told(cash, code)} " in listed
        assert listed.count(told(cash, code)) >= 2, "after the newest line the balance is the same"


def check_the_positions_page(ledger: Ledger, pages: Pages):
    rows = rows_of(pages.get("/positions"))
    for symbol, shares in ledger.held.items():
        assert rows[symbol][0].split()[0] == f"{int(shares):,}"
    gained = {}
    for code in ledger.currencies:
        cells = rows[f"In {code}"]
        assert cells[5] == told(ledger.worth[code], code)
        cost = Fraction(cells[2].replace(",", ""))
        gained[code] = ledger.worth[code] - cost
        assert cells[6] == told(gained[code], code, signed=True)
    (together,) = [cells for head, cells in rows.items() if head.startswith("Together")]
    assert together[5] == told(ledger.in_usd(ledger.worth), "USD")
    assert together[6] == told(ledger.in_usd(gained), "USD", signed=True)


def check_the_bar_and_the_tiles(ledger: Ledger, pages: Pages):
    """Of the base currency alone, or of all of them together: the same in each figure."""
    html = pages.get("/positions")
    cash, worth = ledger.cash(), ledger.worth
    alone = (cash["USD"] + worth["USD"], cash["USD"], worth["USD"])
    every = ledger.in_usd(cash), ledger.in_usd(worth)
    together = (sum(every), *every)
    shown = re.search(r'<b data-total="equity">([^<]*)</b>', html)
    assert shown, "the bar has no equity"
    printed = [tile(html, name) for name in ("Equity", "Cash", "Positions")]
    assert printed[0] == words(shown[1])
    assert printed in [[told(each, "USD") for each in figures] for figures in (alone, together)]


def check_the_portfolio_page_and_the_summary(past: Past, ledger: Ledger, pages: Pages):
    api = pages.api(f"portfolios/{past.trader.portfolio.id}/summary")
    made, paid = {}, {}
    for figures in api["by_currency"]:
        code = figures["currency"]
        made[code] = ledger.made(code)
        paid[code] = ledger.sum(code, "dividend", "withholding")
        assert Fraction(figures["cash"]) == ledger.sum(code)
        assert Fraction(figures["market_value"]) == ledger.worth[code]
        assert Fraction(figures["equity"]) == ledger.sum(code) + ledger.worth[code]
        assert Fraction(figures["dividends"]) == paid[code]
        assert Fraction(figures["total_pnl"]) == made[code]
    assert len(made) == 3
    html = pages.get("/portfolio?period=All")
    cash, worth = ledger.in_usd(ledger.cash()), ledger.in_usd(ledger.worth)
    assert f"{told(cash + worth, 'USD')} USD" in words(section(html, "pf-now"))
    assert tile(html, "Cash") == told(cash, "USD")
    total = Fraction(api["total"]["total_pnl"])
    assert tile(html, "Total P&amp;L") == told(total, "USD", signed=True)
    assert abs(total - ledger.in_usd(made)) <= Fraction(3 * 3, 100), "parts are rounded one by one"
    sums = f"Positions {told(worth, 'USD')} + cash {told(cash, 'USD')} = equity"
    assert sums in words(section(html, "pf-positions"))
    did = pages.api(f"portfolios/{past.trader.portfolio.id}/performance")
    assert Fraction(did["end_equity"]) == cash + worth


DAYS = [("2026-03-02", "2026-03-05"), ("2026-03-03", "2026-03-03"), ("2026-03-04", "2026-03-05")]


def check_the_statement_of_a_period(
    past: Past, ledger: Ledger, pages: Pages, since: str, until_day: str
):
    first, last = date.fromisoformat(since), date.fromisoformat(until_day)
    html = pages.get(f"/account/statement?from={since}&to={until_day}")
    address = f"accounts/{past.trader.account.id}/statement/period?from={since}&to={until_day}"
    api = {each["currency"]: each for each in pages.api(address)["currencies"]}
    short = rows_of(html[html.index('id="sum-title"') :].split("</section>")[0])
    for code in ledger.currencies:
        opening = ledger.sum(code, until=first - timedelta(days=1))
        closing = ledger.sum(code, until=last)
        kinds: dict[str, Fraction] = defaultdict(Fraction)
        for currency, kind, day, amount in ledger.rows:
            if currency == code and first <= day <= last:
                kinds[kind] += amount
        if code not in short:
            assert (opening, closing, dict(kinds)) == (0, 0, {})
            continue
        figures = (told(opening, code), told(closing - opening, code, signed=True))
        assert short[code] == [*figures, told(closing, code)]
        assert Fraction(api[code]["closing"]) == closing
        assert {each["kind"]: Fraction(each["amount"]) for each in api[code]["totals"]} == kinds
        assert words(section(html, f"period-{code}")).endswith(told(closing, code))


def check_accounts_and_statement_of_the_api(past: Past, ledger: Ledger, pages: Pages):
    account = pages.api(f"accounts/{past.trader.account.id}")
    cash = {each["currency"]: Fraction(each["cash"]) for each in account["balances"]}
    assert cash == ledger.cash()
    for code in ledger.currencies:
        found = pages.api(f"accounts/{past.trader.account.id}/statement?currency={code}")
        assert Fraction(found["closing"]) == ledger.sum(code)
        assert sum(Fraction(each["amount"]) for each in found["lines"]) == ledger.sum(code)
    held = pages.api(f"portfolios/{past.trader.portfolio.id}/positions")["results"]
    assert {each["symbol"]: Fraction(each["quantity"]) for each in held} == ledger.held
    now = datetime.fromisoformat(
        pages.api(f"portfolios/{past.trader.portfolio.id}/summary")["as_of"]
    )
    assert now == past.world.now
