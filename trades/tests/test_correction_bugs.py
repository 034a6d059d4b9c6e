"""Bugs planted in corrections and in execution by hand: some test of theirs must catch each."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from bengi.errors import BengiError
from portfolios.lots import NotEnoughShares
from tests.state.planted import Bug, plant
from trades.tests import test_adjusts, test_busts, test_correction_refusals, test_manual
from trades.tests.desk import Desk, dealer
from trades.tests.test_corrections_against_plain import play
from trades.tests.world import assert_books_are_clean, open_world

BUGS = [
    Bug(
        "a bust moves no cash",
        "trades.undoing",
        "undo",
        "rows.balance(trade.account_id, trade.currency).amount += bust.net_amount",
        "pass",
    ),
    Bug(
        "what is busted of an order is worked again",
        "trades.undoing",
        "undo",
        "order.busted_quantity += trade.quantity",
        "pass",
    ),
    Bug(
        "the order keeps the commission of a busted fill",
        "trades.undoing",
        "undo",
        "order.commission -= trade.commission",
        "pass",
    ),
    Bug("the order keeps the fees", "trades.undoing", "undo", "order.fees -= trade.fees", "pass"),
    Bug(
        "a busted buy leaves its shares",
        "trades.undoing",
        "_undo_buy",
        "rows.position(order).quantity += bust.quantity",
        "pass",
    ),
    Bug(
        "a busted lot keeps its cost",
        "trades.undoing",
        "_undo_buy",
        "lot.remaining_quantity = lot.remaining_cost = ZERO",
        "lot.remaining_quantity = ZERO",
    ),
    Bug(
        "unsettled cash is not given back",
        "trades.undoing",
        "_undo_buy",
        "rows.settling.uses.get(bust.busts.exec_id, [])",
        "[]",
    ),
    Bug(
        "reopened shares cost nothing",
        "trades.undoing",
        "_undo_sale",
        "closing.lot.remaining_cost += closing.cost",
        "pass",
    ),
    Bug(
        "averaged cost stays averaged",
        "trades.undoing",
        "_undo_sale",
        "past.shifts.get(sale_id, {}).items()",
        "()",
    ),
    Bug(
        "the proceeds of a busted sale can be spent",
        "trades.undoing",
        "_undo_sale",
        "row.settles_at > bust.booked_at",
        "row.settles_at < bust.booked_at",
    ),
    Bug(
        "a violation outlives its sale",
        "trades.undoing",
        "_undo_sale",
        "past.violations.get(sale_id, [])",
        "[]",
    ),
    Bug(
        "realized profit stays",
        "trades.undoing",
        "_reverse",
        "realized_pnl=-closing.realized_pnl",
        "realized_pnl=0",
    ),
    Bug(
        "commission is not reversed",
        "trades.undoing",
        "_reversals",
        "for each in originals",
        "for each in originals[:1]",
    ),
    Bug(
        "later fills keep what they paid",
        "trades.restating",
        "_read_fills",
        "trade.exec_id < fills.corrected",
        "trade.exec_id != fills.corrected",
    ),
    Bug(
        "fees are reckoned on what was taken back too",
        "trades.restating",
        "_restate",
        "for trade in fills.before",
        "for trade in [*fills.before, *fills.again]",
    ),
    Bug(
        "the reservation is not reckoned anew",
        "trades.restating",
        "_restate",
        "order.is_open and order.side == Side.BUY",
        "False",
    ),
    Bug(
        "later fills get the new terms too",
        "trades.restating",
        "_anew",
        "if is_corrected:",
        "if True:",
    ),
    Bug(
        "a corrected trade is done when it is corrected",
        "trades.restating",
        "_anew",
        "executed_at=trade.executed_at",
        "executed_at=correction.decided_at",
    ),
    Bug(
        "a corrected sale gives up reserved shares",
        "trades.restating",
        "_move_again",
        "position.quantity -= trade.quantity",
        "position.quantity -= trade.quantity; position.reserved_quantity -= trade.quantity",
    ),
    Bug(
        "a corrected sale closes what was bought since",
        "trades.restating",
        "_move_again",
        "if lot.trade_id < trade.corrects_id",
        "",
    ),
    Bug(
        "a corrected sale closes by the method of now",
        "trades.restating",
        "_move_again",
        "past.closings[was.exec_id][0].method",
        "order.portfolio.cost_basis_method",
    ),
    Bug(
        "one side of a match is busted alone",
        "trades.restating",
        "sides_of",
        "trade.match_id is None",
        "True",
    ),
    Bug(
        "cash that is reserved is taken",
        "trades.restating",
        "_check_covered",
        "if after < 0:\n            raise _too_little_cash",
        "if False:\n            raise _too_little_cash",
    ),
    Bug(
        "a buy goes under its sales",
        "trades.obstacles",
        "_check_lot",
        "if lot.remaining_quantity != lot.quantity or lot.cost_shift:",
        "if False:",
    ),
    Bug(
        "an averaged lot is taken for untouched",
        "trades.obstacles",
        "_check_lot",
        " or lot.cost_shift",
        "",
    ),
    Bug("a named lot goes", "trades.obstacles", "_check_lot", "if naming:", "if False:"),
    Bug(
        "a sale goes under later ones",
        "trades.obstacles",
        "_check_later_sales",
        "if later:",
        "if False:",
    ),
    Bug(
        "proceeds go that a buy has used",
        "trades.obstacles",
        "_check_proceeds",
        "row is None or",
        "True or",
    ),
    Bug(
        "one person is enough",
        "trades.corrections",
        "approve",
        "row.requested_by_id == by.id",
        "False",
    ),
    Bug(
        "anybody may correct",
        "trades.corrections",
        "_check_may",
        "not by.has_perm(CORRECT)",
        "False",
    ),
    Bug(
        "a trade is busted twice",
        "trades.corrections",
        "_check_standing",
        "if bust is not None:",
        "if False:",
    ),
    Bug(
        "an adjustment adds shares",
        "trades.terms",
        "_quantity_errors",
        "if row.quantity > row.trade.quantity:",
        "if False:",
    ),
    Bug(
        "a trade becomes worse than its limit",
        "trades.terms",
        "beyond_limit",
        "price > bound if is_buy else price < bound",
        "price < bound if is_buy else price > bound",
    ),
    Bug(
        "volume counts what was busted",
        "portfolios.selectors",
        "shares_traded",
        ", busted_by=None",
        "",
    ),
    Bug(
        "a running engine is not fenced",
        "trades.claiming",
        "claim",
        "shard.version += 1",
        "pass",
    ),
    Bug("anybody may execute", "trades.manual", "execute", "not by.has_perm(EXECUTE)", "False"),
    Bug("a key executes twice", "trades.manual", "execute", "if known is not None:", "if False:"),
    Bug(
        "more is executed than is wanted",
        "trades.manual",
        "_errors",
        "wanted.quantity > leaves",
        "False",
    ),
    Bug(
        "any price will do by hand",
        "trades.manual",
        "_outside_the_band",
        "if not lowest <= price <= highest:",
        "if False:",
    ),
    Bug(
        "a sleeping stop is executed",
        "trades.manual",
        "check_executable",
        "order.stop_price is not None and order.triggered_at is None",
        "False",
    ),
    Bug("nobody is named", "trades.manual", "_book", "by_hand=ByHand", "look=None and ByHand"),
]

CAUGHT_BY = {
    "a bust moves no cash": "a_busted_buy_leaves_nothing_but_its_rows",
    "what is busted of an order is worked again": "a_busted_buy_leaves_nothing_but_its_rows",
    "the order keeps the commission of a busted fill": "a_busted_buy_leaves_nothing_but_its_rows",
    "the order keeps the fees": "fees_of_us_sales_are_reckoned_anew",
    "a busted buy leaves its shares": "a_busted_buy_leaves_nothing_but_its_rows",
    "a busted lot keeps its cost": "a_busted_buy_leaves_nothing_but_its_rows",
    "unsettled cash is not given back": "a_busted_buy_gives_unsettled_cash_back",
    "reopened shares cost nothing": "a_busted_sale_opens_its_lots_again",
    "averaged cost stays averaged": "averaged_cost_goes_back_where_it_was",
    "the proceeds of a busted sale can be spent": "the_proceeds_of_a_busted_sale_vanish",
    "a violation outlives its sale": "a_violation_goes_with_its_sale_and_may_come_again",
    "realized profit stays": "a_busted_sale_opens_its_lots_again",
    "commission is not reversed": "a_busted_buy_leaves_nothing_but_its_rows",
    "later fills keep what they paid": "one_of_several_fills_goes",
    "fees are reckoned on what was taken back too": "fees_of_us_sales_are_reckoned_anew",
    "the reservation is not reckoned anew": "what_is_busted_of_an_open_order_is_not_worked_again",
    "later fills get the new terms too": "one_of_several_fills_goes",
    "a corrected trade is done when it is corrected": "one_of_several_fills_goes",
    "a corrected sale gives up reserved shares": "fees_of_us_sales_are_reckoned_anew",
    "a corrected sale closes what was bought since": "a_corrected_sale_closes_what_was_there",
    "a corrected sale closes by the method of now": "a_corrected_sale_closes_what_was_there",
    "one side of a match is busted alone": "both_sides_of_a_match_go_together",
    "cash that is reserved is taken": "what_a_sale_brought_must_be_there_and_not_reserved",
    "a buy goes under its sales": "a_buy_whose_shares_were_sold_names_the_sales_newest_first",
    "an averaged lot is taken for untouched": "a_buy_whose_cost_was_averaged_names_the_sales",
    "a named lot goes": "a_buy_whose_lot_an_open_order_names_names_the_order",
    "a sale goes under later ones": "a_sale_that_others_followed_names_them",
    "proceeds go that a buy has used": "unsettled_proceeds_that_paid_for_a_buy_name_it",
    "one person is enough": "nobody_asks_or_decides_from_outside_alone_or_twice",
    "anybody may correct": "nobody_asks_or_decides_from_outside_alone_or_twice",
    "a trade is busted twice": "a_bust_is_final",
    "an adjustment adds shares": "terms_that_the_trade_cannot_have_had",
    "a trade becomes worse than its limit": "a_buy_at_another_price",
    "volume counts what was busted": "a_months_volume_is_net_of_busts",
    "a running engine is not fenced": "a_running_engine_is_fenced_and_works_what_is_left",
    "anybody may execute": "who_and_why",
    "a key executes twice": "a_key_executes_once",
    "more is executed than is wanted": "terms_that_the_order_or_the_market_do_not_allow",
    "any price will do by hand": "terms_that_the_order_or_the_market_do_not_allow",
    "a sleeping stop is executed": "only_an_order_at_work_is_executed",
    "nobody is named": "the_story_of_the_order_tells_it_and_the_log_by_whom",
}
"""Which test catches which bug; the first that does, in the order of the modules."""

SCRIPT = [
    ("tick", "10.00", 2), ("order", 0, "buy", 60), ("tick", "10.01", 5), ("tick", "10.33", 300),
    ("bust", 2), ("adjust", 2, "10.07", 2),
    ("tick", "10.07", 2), ("order", 1, "sell", 60), ("tick", "10.33", 40), ("tick", "10.01", 300),
    ("bust", 0), ("bust", 4), ("adjust", 4, "9.98", 5),
    ("match", 0, "10.07", 5), ("bust", 6), ("match", 0, "10.01", 5), ("adjust", 7, "9.98", 2),
    ("tick", "10.00", 300), ("order", 0, "sell", 7), ("order", 0, "sell", 7), ("bust", 8),
    ("bust", 3), ("tick", "10.01", 2),
]  # fmt: skip


BEYOND_THE_TWIN = {
    "unsettled cash is not given back",
    "averaged cost stays averaged",
    "the proceeds of a busted sale can be spent",
    "a violation outlives its sale",
    "the reservation is not reckoned anew",
    "a corrected trade is done when it is corrected",
    "a corrected sale closes what was bought since",
    "a corrected sale closes by the method of now",
    "cash that is reserved is taken",
    "an averaged lot is taken for untouched",
    "a named lot goes",
    "proceeds go that a buy has used",
}
"""It reckons with FIFO and knows neither settling nor what open orders hold."""

OF_THE_TWIN = [
    bug
    for bug in BUGS
    if bug.module in {"trades.undoing", "trades.restating", "trades.obstacles"}
    and bug.name not in BEYOND_THE_TWIN
]
CAUGHT = (
    AssertionError,
    DatabaseError,
    KeyError,
    BengiError,
    NotEnoughShares,
    pytest.fail.Exception,
)


def runs_of(name: str) -> Iterator[Callable[[], None]]:
    """Yield a run of the test for each of its parameters, on a world of its own."""
    modules = (test_busts, test_adjusts, test_correction_refusals, test_manual)
    (test,) = [found for module in modules if (found := getattr(module, name, None))]
    return _runs_of(test)


def _runs_of(test: Callable[..., None]) -> Iterator[Callable[[], None]]:
    marks = getattr(test, "pytestmark", [])
    names, rows = marks[0].args[:2] if marks else ((), [()])
    single = isinstance(names, str)
    for row in rows:
        values = dict(zip([names] if single else names, [row] if single else row, strict=True))
        yield lambda values=values: _run(test, values)


def _run(test: Callable[..., None], values: dict[str, Any]) -> None:
    wanted = inspect.signature(test).parameters
    with open_world() as world:
        made = {
            "world": lambda: world,
            "abc": world.instrument,
            "desk": lambda: Desk(world),
            "by": lambda: dealer("execute_trade"),
            "day_trader": lambda: test_busts.sell_and_buy_with_it(world),
        }
        test(**values, **{name: made[name]() for name in wanted if name in made})
    assert_books_are_clean()


def run(scenario: Callable[[], Any]) -> None:
    """Run a scenario and take back all that it did."""
    with transaction.atomic():
        scenario()
        transaction.set_rollback(True)


def run_all(scenarios: Iterable[Callable[[], Any]]) -> None:
    for scenario in scenarios:
        run(scenario)


@pytest.mark.django_db
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_caught(bug, monkeypatch):
    plant(bug, monkeypatch)
    with pytest.raises(CAUGHT):
        run_all(runs_of(f"test_{CAUGHT_BY[bug.name]}"))


@pytest.mark.django_db
def test_the_script_passes_as_the_rules_are():
    run(lambda: play(SCRIPT))


@pytest.mark.django_db
@pytest.mark.parametrize("bug", OF_THE_TWIN, ids=lambda bug: bug.name)
def test_the_twin_catches(bug, monkeypatch):
    plant(bug, monkeypatch)
    with pytest.raises(CAUGHT):
        run(lambda: play(SCRIPT))
