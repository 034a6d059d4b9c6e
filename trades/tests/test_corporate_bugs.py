"""Bugs planted in how corporate actions are applied: the books, or the database, must catch all.

Each replaces one function by one that is wrong, lets a day pass, and looks who notices.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bengi.books import check_books
from bengi.replay import differences, fold_log
from instruments.models import CorporateAction
from orders.models import Order
from portfolios.models import DividendEntitlement, Position, PositionSplit
from trades.corporate import dividends, due, holdings, orders, splitting
from trades.corporate.due import apply_due
from trades.models import SetAside
from trades.tests.corporate_stage import MIDNIGHT, dividend, split
from trades.tests.world import World, open_world

pytestmark = pytest.mark.django_db
PAY_DAY = MIDNIGHT + timedelta(days=2)

Plant = Callable[[pytest.MonkeyPatch], None]


def live(world: World) -> None:
    """Two holders with odd lots and open orders; one buys more on the ex-date, one sells all."""
    abc = world.instrument()
    world.tick(abc, "69.99", "70.00", last="70.00", size=1000)
    keeper, leaver, newcomer = world.trader(), world.trader(), world.trader()
    for trader in (keeper, leaver):
        world.place(trader, abc, "buy", 5)
        world.place(trader, abc, "buy", 4)
    world.place(keeper, abc, "sell", 3, limit="72.00", tif="gtc")
    world.place(keeper, abc, "buy", 3, limit="65.00", tif="gtc")
    dividend(abc, "0.333")
    world.now = MIDNIGHT
    world.tick(abc, "69.99", "70.00", last="70.00", size=1000)
    world.place(newcomer, abc, "buy", 5)
    world.place(leaver, abc, "sell", 9)
    apply_due(PAY_DAY)
    split(abc, 3, 2, ex_date=(MIDNIGHT + timedelta(days=3)).date())
    apply_due(MIDNIGHT + timedelta(days=3))


def noticed() -> set[str]:
    """Return which checks find something."""
    found = {name for name, lines in check_books().items() if lines}
    return found | ({"replay"} if list(differences(fold_log())) else set())


def today_s_holders(_instrument_id: Any, _at: Any) -> dict[Any, Decimal]:
    held = Position.objects.filter(quantity__gt=0)
    return dict(held.values_list("portfolio_id", "quantity"))


def pay_who_holds_today(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dividends, "holdings_at", today_s_holders)


def round_up(patch: pytest.MonkeyPatch) -> None:
    honest = dividends.payment_on

    def generous(*args: Any) -> Any:
        paid = honest(*args)
        return replace(paid, gross=paid.gross + Decimal("0.01"))

    patch.setattr(dividends, "payment_on", generous)


def keep_no_tax(patch: pytest.MonkeyPatch) -> None:
    honest = dividends._transactions
    patch.setattr(dividends, "_transactions", lambda *args: honest(*args)[:1])


def keep_the_fraction(patch: pytest.MonkeyPatch) -> None:
    """The position takes the fraction in; its lots have been closed for it."""
    honest = holdings.split_holding

    def rounded_up(*args: Any) -> Any:
        found = honest(*args)
        more = Decimal(1) if found.excess else Decimal(0)
        return replace(found, quantity=found.quantity + more)

    patch.setattr(holdings, "split_holding", rounded_up)


def leave_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(splitting, "split_orders", lambda _rows: None)
    patch.setattr(due, "cancel_late_orders", lambda *_, **__: 0)


def tell_no_orders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(orders, "_tell", lambda *_: None)


def free_what_orders_hold(patch: pytest.MonkeyPatch) -> None:
    honest = orders._set

    def careless(order: Order, terms: Any, reserved: Decimal, rows: Any) -> None:
        honest(order, terms, reserved - 1 if reserved else reserved, rows)

    patch.setattr(orders, "_set", careless)


def pay_no_cash_in_lieu(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holdings, "_pay", lambda *_: [])


def pay_twice_the_fraction(patch: pytest.MonkeyPatch) -> None:
    honest = holdings._pay
    patch.setattr(holdings, "_pay", lambda *args: honest(*args) and honest(*args))


BUGS: list[tuple[Plant, set[str]]] = [
    (pay_who_holds_today, {"dividends_go_to_holders"}),
    (round_up, {"dividends_go_to_holders"}),
    (keep_no_tax, {"dividends_go_to_holders"}),
    (keep_the_fraction, {"positions_equal_lots", "splits_multiply_positions"}),
    (leave_orders, {"open_orders_are_in_new_shares"}),
    (tell_no_orders, {"replay"}),
    (free_what_orders_hold, {"reservations_equal_open_orders"}),
    (pay_no_cash_in_lieu, {"dividends_go_to_holders"}),
    (pay_twice_the_fraction, {"cash_equals_entries", "replay"}),
]


@pytest.mark.parametrize(("plant", "checks"), BUGS, ids=[plant.__name__ for plant, _ in BUGS])
def test_the_books_notice(monkeypatch: pytest.MonkeyPatch, plant: Plant, checks: set[str]) -> None:
    plant(monkeypatch)
    with open_world() as world:
        live(world)
    assert checks & noticed() == checks


def test_without_a_bug_nobody_notices_anything() -> None:
    with open_world() as world:
        live(world)
    assert noticed() == set()
    assert DividendEntitlement.objects.count() == 2


def test_cost_that_is_lost_is_noticed_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = holdings._change

    def lossy(record: Any, lot: Any, new: Any) -> Any:
        lot.remaining_cost -= Decimal("0.01")
        return honest(record, lot, new)

    monkeypatch.setattr(holdings, "_change", lossy)
    with open_world() as world:
        live(world)
    met = SetAside.objects.filter(error__contains="a split makes no cost")
    assert met.exists(), "it is counted, and told to staff"
    assert not PositionSplit.objects.exists()
    assert noticed() == set()


def test_the_database_refuses_a_second_time() -> None:
    """Whoever forgets that it has been done: no split, no entitlement, no payment comes twice."""
    with open_world() as world:
        live(world)
    later = MIDNIGHT + timedelta(days=9)
    again = {"split": splitting.apply_split, "cash_dividend": dividends.entitle}
    for action in CorporateAction.objects.all():
        CorporateAction.objects.filter(id=action.id).update(status="approved")
        with pytest.raises(IntegrityError), transaction.atomic():
            again[action.kind](action.id, now=later)
    paid = CorporateAction.objects.get(kind="cash_dividend")
    CorporateAction.objects.filter(id=paid.id).update(status="applied")
    with pytest.raises(IntegrityError), transaction.atomic():
        dividends.pay(paid.id, now=later)
