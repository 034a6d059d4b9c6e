"""How a portfolio did, over HTTP, reckoned here by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.adjustments import approve, request_adjustment, request_reversal
from accounts.ledger import LedgerLeg, NewTransaction, post, reversal_of
from accounts.models import FxRate, LedgerTransaction
from accounts.services import deposit, open_account, withdraw
from accounts.tests.factories import FeeScheduleFactory, UserFactory
from bengi import clock
from bengi.ids import new_id
from bengi.terms import LedgerBook, LedgerKind
from instruments.board import board
from instruments.tests.factories import BarFactory, InstrumentFactory, QuoteFactory
from orders.tests.http import signed_in, told
from portfolios.models import LotClosing, Portfolio
from portfolios.tests.factories import LotFactory, PortfolioFactory, PositionFactory

pytestmark = pytest.mark.django_db
D = Decimal


def at(day, hour=15):
    return datetime(2026, 1, day, hour, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now():
    board.clear()
    clock.use(lambda: at(9))
    yield
    clock.reset()


@pytest.fixture
def account():
    return open_account(
        UserFactory(), name="Paper", currency="USD", now=at(1), schedule=FeeScheduleFactory()
    )


@pytest.fixture
def portfolio(account):
    return Portfolio.objects.create(account=account, name="Main")


def bars(instrument, **closes):
    for day, price in closes.items():
        BarFactory(
            instrument=instrument, interval="1day", starts_at=at(int(day[1:]), 0), close=D(price)
        )


def ask(portfolio, query=""):
    client = signed_in(portfolio.account.user)
    return client.get(f"/api/v1/portfolios/{portfolio.id}/performance{query}")


def did(portfolio, query=""):
    answer = ask(portfolio, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def hold(portfolio, instrument, quantity, cost, day):
    """Have shares without cash for them: what they cost was in cash that nobody counted."""
    PositionFactory(portfolio=portfolio, instrument=instrument, quantity=D(quantity))
    return LotFactory(
        portfolio=portfolio,
        instrument=instrument,
        quantity=D(quantity),
        cost=D(cost),
        opened_at=at(day),
    )


def traded(account, trade_id, amount, moment):
    """Let a trade move the account's cash."""
    legs = (
        LedgerLeg(LedgerBook.CUSTOMER_CASH, account.id, "USD", D(amount)),
        LedgerLeg(LedgerBook.CLEARING, None, "USD", -D(amount)),
    )
    kind, reference = LedgerKind.TRADE, str(trade_id)
    post([NewTransaction(new_id(), kind, reference, account.id, moment, "", legs)])


def busted(trade_id, moment):
    """Let the cash of a trade go back."""
    original = LedgerTransaction.objects.get(kind=LedgerKind.TRADE, reference=str(trade_id))
    post([reversal_of(original, list(original.entries.all()), "Wrong", moment)])


def test_cash_alone_earns_nothing(portfolio):
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    withdraw(portfolio.account.id, D(200), "USD", key="b", now=at(7, 23))
    found = did(portfolio)
    assert (found["from"], found["to"]) == ("2026-01-05", "2026-01-09")
    assert [found[key] for key in ("start_equity", "end_equity", "deposited", "withdrawn")] == [
        "0",
        "800",
        "1000",
        "200",
    ]
    rates = [found[key] for key in ("gain", "time_weighted", "money_weighted", "xirr")]
    assert rates == ["0", "0", "0", "0"]
    assert (found["no_rate"], found["drawdown"], found["benchmark"]) == (None, None, None)
    assert [(row["date"][-2:], row["equity"], row["index"]) for row in found["results"]] == [
        ("04", "0", "1"),
        ("05", "1000", "1"),
        ("06", "1000", "1"),
        ("07", "800", "1"),
        ("08", "800", "1"),
        ("09", "800", "1"),
    ]


def test_prices_make_the_return_and_money_does_not(portfolio):
    """1,000 and 10 shares of 100: 2,000. 110: 2,100. 2,100 more, then 95: 4,050; then 104 now."""
    abc = InstrumentFactory(symbol="ABC")
    bars(abc, d5="100", d6="110", d7="110", d8="95", d9="97")
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    hold(portfolio, abc, 10, 1000, 5)
    deposit(portfolio.account, D(2100), "USD", key="b", now=at(8))
    QuoteFactory(instrument=abc, last=D(104), as_of=at(9, 14))
    found = did(portfolio, "?from=2026-01-06")
    assert [row["equity"] for row in found["results"]] == ["2000", "2100", "2100", "4050", "4140"]
    index = [D(row["index"]) for row in found["results"]]
    wanted = [D(1), D("1.05"), D("1.05"), D("1.05") * 4050 / 4200]
    assert index[:4] == [value.quantize(D("1e-8")) for value in wanted]
    whole = D("1.05") * 4050 / 4200 * 4140 / 4050 - 1
    assert D(found["time_weighted"]) == whole.quantize(D("1e-8"))
    assert found["gain"] == "40"  # 100 - 150 + 90
    assert found["drawdown"] == {
        "depth": "-0.03571429",  # 150 of 4,200
        "peak_on": "2026-01-06",
        "trough_on": "2026-01-08",
        "recovered_on": None,
    }
    assert found["months"] == [
        {"month": "2026-01", "return": found["time_weighted"], "is_whole": False}
    ]


def test_the_curve_ends_at_what_the_summary_says(portfolio):
    abc = InstrumentFactory(symbol="ABC")
    sap = InstrumentFactory(symbol="SAP", mic="XETR", currency="EUR")
    bars(abc, d8="50", d9="60")
    bars(sap, d8="70")
    FxRate.objects.create(base="EUR", quote="USD", rate=D("1.1"), as_of=at(5), source="test")
    FxRate.objects.create(base="EUR", quote="USD", rate=D("1.2345"), as_of=at(9, 3), source="test")
    deposit(portfolio.account, D("1000.01"), "USD", key="a", now=at(5))
    deposit(portfolio.account, D("77.77"), "EUR", key="b", now=at(6))
    hold(portfolio, abc, "3.3333", 150, 8)
    hold(portfolio, sap, 7, 400, 8)
    QuoteFactory(instrument=abc, last=D("61.37"), as_of=at(9, 14))
    QuoteFactory(instrument=sap, last=D("71.15"), as_of=at(9, 14))
    api = signed_in(portfolio.account.user)
    summary = api.get(f"/api/v1/portfolios/{portfolio.id}/summary").json()
    found = did(portfolio)
    assert found["results"][-1]["equity"] == found["end_equity"] == summary["total"]["equity"]
    assert found["deposited"] == "1085.56"  # 1,000.01 + 77.77 at 1.1
    past = api.get(f"/api/v1/portfolios/{portfolio.id}/history?from=2026-01-05").json()["results"]
    assert [row["equity"] for row in past[:-1]] == [row["equity"] for row in found["results"][1:-1]]


def test_the_same_money_in_another_instrument(portfolio):
    """A 1,000 at 50 are 20 shares; 500 more on the 7th at the 6th's 40 are 12.5: 32.5 at 60."""
    spy = InstrumentFactory(symbol="SPY")
    bars(spy, d4="50", d6="40", d8="44")
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    deposit(portfolio.account, D(500), "USD", key="b", now=at(7))
    QuoteFactory(instrument=spy, last=D(60), as_of=at(9, 14))
    found = did(portfolio, "?benchmark=spy")
    assert found["benchmark"] == {
        "symbol": "SPY",
        "name": spy.name,
        "currency": "USD",
        "return": "0.2",
    }
    beside = {row["date"][-2:]: row["benchmark_value"] for row in found["results"]}
    assert beside == {
        "04": "0",
        "05": "1000",
        "06": "800",
        "07": "1300",
        "08": "1430",
        "09": "1950",
    }
    assert [row["benchmark_index"] for row in found["results"]] == [
        *("1", "1", "0.8", "0.8", "0.88", "1.2"),
    ]


def test_a_foreign_benchmark_is_told_in_the_base_currency(portfolio):
    sap = InstrumentFactory(symbol="SAP", mic="XETR", currency="EUR")
    bars(sap, d4="100", d9="100")
    for day, rate in ((4, "1"), (9, "1.25")):
        FxRate.objects.create(base="USD", quote="EUR", rate=D(rate), as_of=at(day), source="test")
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    assert did(portfolio, "?benchmark=SAP")["benchmark"]["return"] == "-0.2"


def test_staffs_corrections_of_cash_come_from_outside(portfolio):
    """A deposit that is taken back, and practice money that is given: no gain and no loss."""
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    wrong = deposit(portfolio.account, D(9000), "USD", key="b", now=at(6))
    assert wrong is not None
    asks, approves = (UserFactory(is_staff=True) for _ in range(2))
    original = LedgerTransaction.objects.get(kind="deposit", occurred_at=at(6))
    for row in (
        request_reversal(asks, original.id, reason="Twice", now=at(7)),
        request_adjustment(asks, portfolio.account_id, D(50), "USD", reason="Gift", now=at(7)),
    ):
        approve(row.id, approves, now=at(8))
    found = did(portfolio)
    assert [found[key] for key in ("deposited", "withdrawn", "gain", "time_weighted")] == [
        "10050",
        "9000",
        "0",
        "0",
    ]


def test_what_another_portfolio_trades_is_no_gain(portfolio):
    """The account's other portfolio buys for 400 and sells it for 700: the cash came and went."""
    abc = InstrumentFactory(symbol="ABC")
    bars(abc, d5="100")
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    other = Portfolio.objects.create(account=portfolio.account, name="Other")
    lot = LotFactory(portfolio=other, instrument=abc, quantity=D(4), cost=D(400), opened_at=at(6))
    closing = LotClosing(lot=lot, trade_id=new_id(), closed_at=at(8), quantity=D(4), cost=D(400))
    closing.proceeds, closing.realized_pnl = D(700), D(300)
    closing.save()
    traded(portfolio.account, lot.trade_id, -400, at(6))
    traded(portfolio.account, closing.trade_id, 700, at(8))
    found = did(portfolio)
    assert [row["equity"] for row in found["results"]] == [
        "0",
        "1000",
        "600",
        "600",
        "1300",
        "1300",
    ]
    assert (found["gain"], found["time_weighted"]) == ("0", "0")
    assert (found["deposited"], found["withdrawn"]) == ("1700", "400")


def sale_of(lot, quantity, proceeds, moment, **more):
    """Close some of a lot for proceeds; its cost is not looked at."""
    closing = LotClosing(lot=lot, trade_id=new_id(), closed_at=moment, quantity=D(quantity), **more)
    closing.cost, closing.realized_pnl, closing.proceeds = D(0), D(0), D(proceeds)
    closing.save()
    return closing


@pytest.fixture
def beside(portfolio):
    """1,000 of cash, and a lot of the account's other portfolio, bought for 400 on the 5th."""
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5, 9))
    other = Portfolio.objects.create(account=portfolio.account, name="Other")
    lot = LotFactory(
        portfolio=other,
        instrument=InstrumentFactory(symbol="ABC"),
        quantity=D(4),
        cost=D(400),
        opened_at=at(5),
    )
    traded(portfolio.account, lot.trade_id, -400, at(5))
    return lot


def moves(found):
    return {
        row["date"][-2:]: (row["deposited"], row["withdrawn"])
        for row in found["results"]
        if (row["deposited"], row["withdrawn"]) != ("0", "0")
    }


def test_a_bust_in_another_portfolio_is_no_gain_on_any_day(portfolio, beside):
    """Its purchase of the 5th and a sale of the 6th are both busted on the 8th."""
    sale = sale_of(beside, 2, 300, at(6))
    traded(portfolio.account, sale.trade_id, 300, at(6))
    for each in (sale, beside):
        busted(each.trade_id, at(8))
    sale_of(beside, -2, -300, at(6), reverses=sale)
    beside.busted_by, beside.remaining_quantity, beside.remaining_cost = new_id(), D(0), D(0)
    beside.save()
    found = did(portfolio)
    assert [row["equity"] for row in found["results"]] == ["0", "600", "900", "900", "1000", "1000"]
    assert {row["index"] for row in found["results"]} == {"1"}
    assert (found["gain"], found["time_weighted"], found["drawdown"]) == ("0", "0", None)
    assert moves(found) == {"05": ("1000", "400"), "06": ("300", "0"), "08": ("100", "0")}


def test_a_correction_in_another_portfolio_is_no_gain_on_any_day(portfolio, beside):
    """The purchase for 400 of the 5th is one for 350 from the 8th on, executed on the 5th still."""
    busted(beside.trade_id, at(8))
    traded(portfolio.account, right := new_id(), -350, at(8))
    beside.busted_by, beside.remaining_quantity, beside.remaining_cost = new_id(), D(0), D(0)
    beside.save()
    LotFactory(
        portfolio=beside.portfolio,
        instrument=beside.instrument,
        trade_id=right,
        quantity=D(4),
        cost=D(350),
        opened_at=at(5),
    )
    found = did(portfolio)
    assert [row["equity"] for row in found["results"]] == ["0", "600", "600", "600", "650", "650"]
    assert {row["index"] for row in found["results"]} == {"1"}
    assert (found["gain"], moves(found)) == ("0", {"05": ("1000", "400"), "08": ("50", "0")})


def test_another_portfolios_trade_counts_on_the_day_it_was_booked(portfolio, beside):
    """Sold a minute before midnight, booked a minute after."""
    sale = sale_of(beside, 4, 700, datetime(2026, 1, 6, 23, 59, tzinfo=UTC))
    traded(portfolio.account, sale.trade_id, 700, datetime(2026, 1, 7, 0, 1, tzinfo=UTC))
    found = did(portfolio)
    assert {row["index"] for row in found["results"]} == {"1"}
    assert (found["gain"], moves(found)) == ("0", {"05": ("1000", "400"), "07": ("700", "0")})


def test_money_that_another_portfolio_turns_over_is_put_in_once(portfolio):
    """It buys and sells for 900 three times in a day; 1,000 in shares here make 10 per cent."""
    abc = InstrumentFactory(symbol="ABC")
    bars(abc, d5="100", d6="110")
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5, 9))
    hold(portfolio, abc, 10, 1000, 5)
    other = Portfolio.objects.create(account=portfolio.account, name="Other")
    for hour in (10, 12, 14):
        lot = LotFactory(portfolio=other, instrument=abc, cost=D(900), opened_at=at(6, hour))
        sale = sale_of(lot, 10, 905, at(6, hour + 1))
        traded(portfolio.account, lot.trade_id, -900, at(6, hour))
        traded(portfolio.account, sale.trade_id, 905, at(6, hour + 1))
    deposit(portfolio.account, D(200), "USD", key="b", now=at(6))
    withdraw(portfolio.account.id, D(50), "USD", key="c", now=at(6, 16))
    found = did(portfolio, "?from=2026-01-06&to=2026-01-06")
    assert moves(found) == {"06": ("215", "50")}
    assert [row["equity"] for row in found["results"]] == ["2000", "2265"]
    whole = D(2265 + 50) / D(2000 + 215)
    assert found["results"][-1]["index"] == str(whole.quantize(D("1e-8")))
    assert found["gain"] == "100"


def test_shares_of_a_trade_that_is_busted_count_until_its_cash_goes_back(portfolio):
    """10 bought at 20 on the 5th and 4 of them sold at 30 on the 6th: both busted on the 8th.

    The price is 20 all along: the sale made 40 while it stood.
    """
    abc = InstrumentFactory(symbol="ABC")
    bars(abc, d5="20")
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5, 9))
    lot = LotFactory(
        portfolio=portfolio, instrument=abc, quantity=D(10), cost=D(200), opened_at=at(5)
    )
    sale = LotClosing(lot=lot, trade_id=new_id(), closed_at=at(6), quantity=D(4), cost=D(80))
    sale.proceeds, sale.realized_pnl = D(120), D(40)
    sale.save()
    traded(portfolio.account, lot.trade_id, -200, at(5))
    traded(portfolio.account, sale.trade_id, 120, at(6))
    for each in (sale, lot):
        busted(each.trade_id, at(8))
    LotClosing.objects.create(
        lot=lot,
        trade_id=new_id(),
        closed_at=at(6),
        quantity=D(-4),
        cost=D(-80),
        proceeds=D(-120),
        realized_pnl=D(-40),
        reverses=sale,
    )
    lot.busted_by, lot.remaining_quantity, lot.remaining_cost = new_id(), D(0), D(0)
    lot.save()
    found = did(portfolio)
    assert [row["equity"] for row in found["results"]] == [
        *("0", "1000", "1040", "1040", "1000", "1000"),
    ]


def test_a_flow_without_a_rate_leaves_no_return(portfolio):
    deposit(portfolio.account, D(1000), "USD", key="a", now=at(5))
    deposit(portfolio.account, D(100), "EUR", key="b", now=at(6))
    FxRate.objects.create(base="EUR", quote="USD", rate=D(1), as_of=at(7), source="test")
    found = did(portfolio)
    assert (found["results"], found["time_weighted"], found["months"]) == ([], None, [])
    assert (found["missing_rates"], found["no_rate"]) == (["EUR"], "nothing_put_in")


def test_days_without_a_price_are_left_out(portfolio):
    """100 of cash came on a day of no price: it counts on the next one."""
    abc = InstrumentFactory(symbol="ABC")
    bars(abc, d7="10", d8="11")
    deposit(portfolio.account, D(100), "USD", key="a", now=at(5))
    hold(portfolio, abc, 10, 100, 6)
    found = did(portfolio)
    assert [row["date"][-2:] for row in found["results"]] == ["04", "05", "07", "08", "09"]
    assert found["unpriced"] == ["ABC"]
    assert found["results"][-1]["index"] == "2.1"  # shares out of nowhere: 100 became 210


def test_nothing_at_all(portfolio):
    found = did(portfolio)
    assert (found["no_rate"], found["time_weighted"], found["gain"]) == (
        "nothing_put_in",
        None,
        "0",
    )
    assert (found["from"], found["to"]) == ("2026-01-09", "2026-01-09")
    assert [row["index"] for row in found["results"]] == [None, None]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2021-01-05", "from"),
        ("?from=2026-01-03&to=2026-01-02", "to"),
        ("?benchmark=NOPE", "benchmark"),
        ("?period=1y", "period"),
    ],
)
def test_wrong_queries(portfolio, query, field):
    assert told(ask(portfolio, query)) == {field: "invalid_parameter"}


def test_anothers_is_an_absent_one(portfolio):
    api = signed_in(portfolio.account.user)
    for key in (PortfolioFactory().id, new_id()):
        answer = api.get(f"/api/v1/portfolios/{key}/performance")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
