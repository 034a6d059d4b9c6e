"""Bugs planted on purpose: the oracles must catch every one of them.

A bug is a change of the source text of one module. The text must occur exactly once, so a bug that
has gone stale fails loudly instead of passing for a good one.
"""

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from accounts.tests.test_commission import fill_order, orders
from accounts.tests.test_fees import games as fee_games
from accounts.tests.test_fees import play_fees
from orders.tests.test_lifecycle import compare
from portfolios.tests.test_lots import sales, sell_all
from trades.tests.bugs_of_sessions import SESSION_BUGS
from trades.tests.market_game import games, play_game
from trades.tests.sandbox import Bug, Sandbox
from trades.tests.test_triggers import compare_with_scan, moves

EXAMPLES = 2000

BOOK = "trades.matching.book"
TRIGGERS = "trades.matching.triggers"
STREET = "trades.matching.street"
WAITING = "trades.matching.waiting"
WORKING = "trades.matching.working"
MARKET = "trades.matching.market"
WHOLE = "trades.matching.whole"
OUTCOMES = "trades.matching.outcomes"
TRAILS = "trades.matching.trails"
REALISM = "instruments.realism"
COMMISSION = "accounts.commission"
FEES = "accounts.fees"
LOTS = "portfolios.lots"
LIFECYCLE = "orders.lifecycle"


BUGS = [
    Bug(
        "the last order at a price is served first",
        BOOK,
        "next(iter(level.values()))",
        "next(reversed(level.values()))",
    ),
    Bug(
        "trades one price beyond the limit",
        BOOK,
        "(price > limit if side is _BUY",
        "(price > limit + 1_000_000 if side is _BUY",
    ),
    Bug("a touched limit does not trade", BOOK, "else price < limit)", "else price <= limit)"),
    Bug(
        "trades with its own account",
        BOOK,
        "if order.account_id == account_id:",
        "if order.account_id == account_id is None:",
    ),
    Bug(
        "an order that is partly filled keeps its size",
        BOOK,
        "order.leaves = leaves - quantity",
        "order.leaves = leaves",
    ),
    Bug("an emptied level stays", BOOK, "self._drop_level(order)\n        return", "return"),
    Bug(
        "the wrong level is dropped",
        BOOK,
        "prices[bisect_left(prices, price)]",
        "prices[bisect_left(prices, price) - 1]",
    ),
    Bug(
        "depth is shown worst price first",
        BOOK,
        "reversed(self._bid_prices) if",
        "iter(self._bid_prices) if",
    ),
    Bug(
        "a stop does not fire at its very price",
        TRIGGERS,
        "while heap and heap[0][0] <= reach:",
        "while heap and heap[0][0] < reach:",
    ),
    Bug(
        "a print at the nearest trigger looks quiet",
        MARKET,
        "not stops.sell_at < last < stops.buy_at",
        "not stops.sell_at <= last <= stops.buy_at",
    ),
    Bug(
        "a canceled stop still counts as the nearest",
        TRIGGERS,
        "while heap and not self._is_live(heap[0]):",
        "while False:",
    ),
    Bug(
        "a canceled stop fires",
        TRIGGERS,
        "order = self._orders.pop(order_id, None)",
        "order = self._orders.get(order_id)",
    ),
    Bug(
        "the furthest sell stop is taken for the nearest",
        TRIGGERS,
        "self.sell_at = max(self.sell_at, stop)",
        "self.sell_at = min(self.sell_at, stop)",
    ),
    Bug(
        "stops at one price fire latest first",
        TRIGGERS,
        "(stop, order.priority, order.id)",
        "(stop, -order.priority, order.id)",
    ),
    Bug(
        "a stop trades before its trigger",
        WORKING,
        "return self.stop is not None and not self.triggered",
        "return self.stop is not None and self.limit is None and not self.triggered",
    ),
    Bug(
        "a stop limit that has fired forgets its limit",
        WAITING,
        "self.limits if order.limit is not None else",
        "self.limits if order.limit is not None and not order.triggered else",
    ),
    Bug(
        "a stop limit rests behind those that came later",
        MARKET,
        "if order.triggered or self._was_on_its_way(order):\n            self._book.insert(order)",
        "if self._was_on_its_way(order):\n            self._book.insert(order)",
    ),
    Bug(
        "a trailing stop comes too near",
        TRAILS,
        "exact // parts if is_sell",
        "-(-exact // parts) if is_sell",
    ),
    Bug(
        "a trailing sell follows prices down",
        TRAILS,
        "if _mark(order) < last",
        "if _mark(order) > last",
    ),
    Bug(
        "a print at the mark's edge looks quiet",
        TRAILS,
        "self.rises_at = min(self.rises_at, mark)",
        "self.rises_at = max(self.rises_at, mark)",
    ),
    Bug("a canceled trailing stop moves on", TRIGGERS, "self.trails.cancel(order_id)", "pass"),
    Bug(
        "a percentage is taken of the wrong side",
        TRAILS,
        "_HUNDRED - order.trail_percent if",
        "_HUNDRED + order.trail_percent if",
    ),
    Bug(
        "an order that wants less loses its place",
        MARKET,
        "order.priority, order.queue_ahead = old.priority, old.queue_ahead",
        "order.queue_ahead = old.queue_ahead",
    ),
    Bug(
        "an order for the opening trades on the quote that stands",
        MARKET,
        "_AT_A_MOMENT = frozenset({TimeInForce.OPG, TimeInForce.CLS})",
        "_AT_A_MOMENT = frozenset({TimeInForce.CLS})",
    ),
    Bug(
        "an order for the close trades on a stale quote",
        MARKET,
        '            return [canceled(order_id, "cls_remainder")]\n',
        "            pass\n",
    ),
    Bug(
        "what was taken from the street is still there",
        STREET,
        "self._bought += quantity",
        "pass",
    ),
    Bug(
        "a repeated quote brings fresh sizes",
        STREET,
        "brings_more = quote.is_new or known is None",
        "brings_more = True",
    ),
    Bug("an older quote is believed", STREET, "quote.as_of < known.as_of or ", ""),
    Bug(
        "a stale quote is still good",
        STREET,
        "> order.profile.max_age",
        "> 2 * order.profile.max_age",
    ),
    Bug(
        "waiting market orders have no order",
        WAITING,
        "sorted(chain(buys.values(), sells.values()), key=by_priority)",
        "list(chain(buys.values(), sells.values()))",
    ),
    Bug(
        "a capped market order pays any price",
        WORKING,
        "return self.limit if self.limit is not None else self.cap",
        "return self.limit",
    ),
    Bug(
        "the street comes before customers at the same price",
        MARKET,
        "            if self._take_waiting(order, price, out) or",
        "            if self._street.offer(order) == price:\n"
        "                self._take_street(order, price, out)\n"
        "            if self._take_waiting(order, price, out) or",
    ),
    Bug(
        "fill or kill looks at the first price only",
        WHOLE,
        "            return None\n    return",
        "            return None\n        break\n    return",
    ),
    Bug(
        "fill or kill takes what is there",
        MARKET,
        "if order.time_in_force is TimeInForce.FOK:",
        "if order.time_in_force is TimeInForce.OPG:",
    ),
    Bug(
        "immediate or cancel rests",
        WORKING,
        "frozenset({TimeInForce.IOC, ",
        "frozenset({",
    ),
    Bug(
        "a stop is filled by the quote that fired it",
        MARKET,
        "            self._fire(last, out)\n",
        "            self._fire(last, out)\n"
        "            self._waiting.admit_fired(self._street.serves)\n"
        "            self._work_waiting(self._waiting.all_markets(), out)\n",
    ),
    Bug(
        "resting orders ignore a new quote",
        MARKET,
        "self._fill_resting(_SELL, self._street.highest, out)",
        "pass",
    ),
    Bug(
        "market orders are filled against a stale quote",
        MARKET,
        "if not self.has_feed or self._street.serves(order):\n            return False",
        "if not self.has_feed or not self._street.serves(order):\n            return False",
    ),
    Bug(
        "the maker's fill names itself as the other side",
        OUTCOMES,
        "_fill(maker, quantity, price, Liquidity.BOOK, match_id, taker.id)",
        "_fill(maker, quantity, price, Liquidity.BOOK, match_id, maker.id)",
    ),
    Bug("the minimum beats the maximum", COMMISSION, "return min(amount,", "return max(amount,"),
    Bug(
        "the minimum is forgotten",
        COMMISSION,
        "    amount = max(amount, schedule.minimum)\n",
        "",
    ),
    Bug(
        "commission is rounded up",
        COMMISSION,
        "import ZERO, parse_decimal, round_money",
        "import ZERO, parse_decimal, round_up_money as round_money",
    ),
    Bug(
        "the tier below is paid",
        COMMISSION,
        "reached = ZERO, schedule.month_volume",
        "reached = ZERO, ZERO",
    ),
    Bug("fee on the wrong day", FEES, "row.effective_from <= day", "row.effective_from < day"),
    Bug(
        "wrong rounding: fees to the nearest cent",
        FEES,
        "import ZERO, round_up_money",
        "import ZERO, round_money as round_up_money",
    ),
    Bug("fees without a cap", FEES, "amount if cap is None else min(amount, cap)", "amount"),
    Bug(
        "LIFO for FIFO",
        LOTS,
        "closers.get(method, close_fifo)",
        "closers.get(method, close_lifo)",
    ),
    Bug(
        "a partly closed lot gives up all its cost",
        LOTS,
        "if taken == lot.quantity:\n        return lot.cost",
        "if taken:\n        return lot.cost",
    ),
    Bug(
        "cost is rounded up",
        LOTS,
        "import ZERO, round_money, split_amount",
        "import ZERO, round_up_money as round_money, split_amount",
    ),
    Bug("the cheapest lot for the dearest", LOTS, "key=_unit_cost, reverse=True", "key=_unit_cost"),
    Bug(
        "a part of a lot is reckoned on what is left of it",
        LOTS,
        "lot.cost + lot.sold_cost, lot.quantity + lot.sold_quantity\n    closed",
        "lot.cost, lot.quantity\n    closed",
    ),
    Bug(
        "an average leaves the other lots alone",
        LOTS,
        "for lot_id, shift in shifts.items() if shift",
        "for lot_id, shift in shifts.items() if not shift",
    ),
    Bug("a shortage goes unnoticed", LOTS, "    if missing:\n", "    if missing < 0:\n"),
    Bug(
        "a canceled order may fill",
        LIFECYCLE,
        "_S.PENDING_CANCEL: _ENDS | {_S.PENDING_CANCEL},",
        "_S.PENDING_CANCEL: _ENDS | {_S.PENDING_CANCEL, _S.NEW},",
    ),
    Bug(
        "a filled order can be canceled",
        LIFECYCLE,
        "**{closed: frozenset() for closed in CLOSED}",
        "**{closed: _ENDS for closed in CLOSED}",
    ),
    *(Bug(*each) for each in SESSION_BUGS),
]


def check_matching(sandbox):
    market = sandbox.load(MARKET)
    subject = SimpleNamespace(
        Market=market.Market,
        WorkingOrder=sandbox.load(WORKING).WorkingOrder,
        StreetQuote=sandbox.load(WORKING).StreetQuote,
        Fill=sandbox.load(OUTCOMES).Fill,
        realism=sandbox.load(REALISM),
    )
    _try(games, lambda game: play_game(subject, game))


def check_commission(sandbox):
    _try(orders, lambda case: fill_order(sandbox.load(COMMISSION), case))


def check_fees(sandbox):
    _try(fee_games, lambda game: play_fees(sandbox.load(FEES), game))


def check_lots(sandbox):
    _try(sales, lambda case: sell_all(sandbox.load(LOTS), case))


def check_lifecycle(sandbox):
    compare(sandbox.load(LIFECYCLE))


def check_triggers(sandbox):
    _try(moves, lambda played: compare_with_scan(sandbox.load(TRIGGERS), played))
    check_matching(sandbox)


CHECKS = {
    TRIGGERS: check_triggers,
    COMMISSION: check_commission,
    FEES: check_fees,
    LOTS: check_lots,
    LIFECYCLE: check_lifecycle,
}


def _try(strategy, check):
    """Run check on the same examples every time; stop at the first failure, unshrunk."""
    run = given(strategy)(check)
    settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(run)()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_oracle_catches(bug):
    sandbox = Sandbox(bug.planted())
    check = CHECKS.get(bug.module, check_matching)
    with pytest.raises((AssertionError, LookupError, ValueError, pytest.fail.Exception)):
        check(sandbox)


@pytest.mark.parametrize("module", [MARKET, *CHECKS])
def test_the_sandbox_passes_without_a_bug(module):
    CHECKS.get(module, check_matching)(Sandbox())
