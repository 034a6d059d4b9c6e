"""Bugs planted in the arithmetic of splits and dividends: the tables and oracles must catch all."""

import pytest
from hypothesis import Phase, given, settings

from instruments.tests import test_splits as of_prices
from orders.tests import test_splits as of_orders
from portfolios.tests import test_dividends as of_dividends
from portfolios.tests import test_splits as of_holdings
from trades.tests.sandbox import Bug, Sandbox

PRICES = "instruments.splits"
HOLDINGS = "portfolios.splits"
DIVIDENDS = "portfolios.dividends"
ORDERS = "orders.splits"


BUGS = [
    Bug(
        "a price is multiplied",
        PRICES,
        "* self.old / self.new\n\n\nclass",
        "* self.new / self.old\n\n\nclass",
    ),
    Bug("history is rounded down", PRICES, "        units += 1\n", "        pass\n"),
    Bug("a half goes up", PRICES, "2 * rest == divisor and units % 2", "2 * rest == divisor"),
    Bug(
        "a bid comes too near",
        PRICES,
        "floor_to(ratio.price(price), tick_size) or",
        "ceil_to(ratio.price(price), tick_size) or",
    ),
    Bug("the ex-date's own bar is adjusted", PRICES, "< self.ex_date", "<= self.ex_date"),
    Bug(
        "the first minute is adjusted",
        PRICES,
        "return bar.starts_at < self",
        "return bar.starts_at <= self",
    ),
    Bug("bars keep their volume", PRICES, ", volume=new_volume(bar.volume, ratio)", ""),
    Bug(
        "only the last split counts",
        PRICES,
        "new * split.ratio.new, old *",
        "split.ratio.new, old *",
    ),
    Bug(
        "shares are rounded lot by lot",
        HOLDINGS,
        "        old += lot.left\n",
        "        old, new = lot.left, ZERO\n",
    ),
    Bug("a holding is rounded up", HOLDINGS, "quantity = floor_to(", "quantity = nearest_to("),
    Bug("the cost of dust is lost", HOLDINGS, "            shifts[later[0]] += lot.cost\n", ""),
    Bug(
        "dust keeps its cost",
        HOLDINGS,
        "            shifts[place] -= lot.cost\n            shifts[later[0]] += lot.cost\n",
        "",
    ),
    Bug(
        "the fraction paid is cut",
        HOLDINGS,
        "exact - Fraction(quantity), found",
        "Fraction(excess), found",
    ),
    Bug(
        "cash in lieu is cut off",
        HOLDINGS,
        "return nearest_to(fraction",
        "return floor_to(fraction",
    ),
    Bug(
        "an untouched lot looks sold",
        HOLDINGS,
        "return max(left, QUANTUM)",
        "return left + QUANTUM",
    ),
    Bug(
        "what was bought stays in old shares",
        HOLDINGS,
        "nearest_to(ratio.shares(lot.quantity), QUANTUM)",
        "lot.quantity",
    ),
    Bug(
        "a sell's limit goes down", ORDERS, "else (ceil_to, floor_to)", "else (floor_to, floor_to)"
    ),
    Bug(
        "a buy's limit goes up", ORDERS, "(floor_to, ceil_to) if buys", "(ceil_to, ceil_to) if buys"
    ),
    Bug(
        "a stop comes nearer",
        ORDERS,
        "price(terms.stop_price, away)",
        "price(terms.stop_price, nearer)",
    ),
    Bug(
        "a buy may pay more",
        ORDERS,
        "price(terms.protection_price, floor_to)",
        "price(terms.protection_price, ceil_to)",
    ),
    Bug(
        "a trail narrows",
        ORDERS,
        "price(terms.trail_price, ceil_to)",
        "price(terms.trail_price, floor_to)",
    ),
    Bug(
        "an order is rounded up",
        ORDERS,
        "quantity=floor_to(ratio.shares(terms.quantity)",
        "quantity=ceil_to(ratio.shares(terms.quantity)",
    ),
    Bug(
        "a trailing stop stays behind its old mark",
        ORDERS,
        "if found.high_water_mark is not None",
        "if found.picks",
    ),
    Bug(
        "named lots do not add up",
        ORDERS,
        "    if terms.picks:",
        "    if not terms.picks and terms.side is None:",
    ),
    Bug("a price may fall to nothing", ORDERS, "price <= 0 for", "price < 0 for"),
    Bug("a stop may stand above what may be paid", ORDERS, "or stop <= most", "or stop >= 0"),
    Bug(
        "an order wants a share less than it can pay",
        ORDERS,
        "if needed <= cash",
        "if needed < cash",
    ),
    Bug(
        "dividends are rounded share by share",
        DIVIDENDS,
        "nearest_to(Fraction(quantity) * Fraction(amount), minor_unit(currency))",
        "quantity * nearest_to(Fraction(amount), minor_unit(currency))",
    ),
    Bug("tax is added", DIVIDENDS, "self.gross - self.withheld", "self.gross + self.withheld"),
    Bug(
        "tax is not rounded",
        DIVIDENDS,
        "round_money(gross * withholding_rate, currency)",
        "gross * withholding_rate",
    ),
]


def lines(text):
    return text.strip().splitlines()


def examples(strategy, compare, subject):
    """Run a comparison on the same examples every time; stop at the first failure."""

    @settings(max_examples=300, database=None, phases=[Phase.generate], derandomize=True)
    @given(strategy)
    def run(case):
        compare(case, subject)

    run()


def check(sandbox):
    """Run every comparison on the sandbox's own copies."""
    prices, holdings = sandbox.load(PRICES), sandbox.load(HOLDINGS)
    orders, dividends = sandbox.load(ORDERS), sandbox.load(DIVIDENDS)
    for line in lines(of_prices.PRICES):
        of_prices.compare_prices(line, prices)
    for line in lines(of_prices.BARS):
        of_prices.compare_bars(line, prices)
    examples(of_prices.chain_cases, of_prices.compare_chain, prices)
    for line in lines(of_holdings.TABLE):
        of_holdings.compare_with_table(line, holdings)
    for line in lines(of_holdings.FRACTIONS):
        of_holdings.compare_cash(line, holdings)
    examples(of_holdings.holdings(), of_holdings.compare_with_fractions, holdings)
    examples(of_holdings.chains, of_holdings.chain, holdings)
    for line in lines(of_orders.TABLE):
        of_orders.compare_with_table(line, orders)
    of_orders.compare_named_lots(orders)
    examples(of_orders.cases(), of_orders.compare_with_fractions, orders)
    examples(of_orders.affordable_cases, of_orders.compare_affordable, orders)
    for line in lines(of_dividends.TABLE):
        of_dividends.compare_with_table(line, dividends)


def test_the_rules_as_they_are_pass():
    check(Sandbox())


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_caught(bug):
    with pytest.raises((AssertionError, ZeroDivisionError)):
        check(Sandbox(bug.planted()))
