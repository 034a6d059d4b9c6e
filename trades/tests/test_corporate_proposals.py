"""Entering, approving, canceling and looking ahead: two of staff, and nothing written too early."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.services import default_fee_schedule
from accounts.tests.factories import UserFactory
from bengi import clock
from bengi.errors import BengiError, Conflict, Forbidden, Malformed, NotFound, Refused
from bengi.events.models import Event
from bengi.ids import new_id
from bengi.terms import CorporateActionKind
from instruments.models import CorporateAction, Instrument
from instruments.tests.factories import InstrumentFactory
from orders.models import Order
from trades.corporate.previews import preview
from trades.corporate.proposals import approve_action, cancel_action, propose
from trades.corporate.terms import ActionTerms, check_terms
from trades.tests.corporate_stage import (
    EX_DATE,
    MIDNIGHT,
    cash_of,
    dividend,
    shares_of,
    split,
    until,
)
from trades.tests.world import START, World

pytestmark = pytest.mark.django_db

SPLIT = ActionTerms(CorporateActionKind.SPLIT, EX_DATE, ratio_to=7, ratio_from=1)
REVERSE = replace(SPLIT, kind=CorporateActionKind.REVERSE_SPLIT, ratio_to=1, ratio_from=10)
DIVIDEND = ActionTerms(
    CorporateActionKind.CASH_DIVIDEND,
    EX_DATE,
    amount=Decimal("0.47"),
    currency="USD",
    pay_date=EX_DATE,
)


@pytest.fixture
def one():
    return UserFactory(is_staff=True)


@pytest.fixture
def two():
    return UserFactory(is_staff=True)


@pytest.fixture
def abc():
    return InstrumentFactory(symbol="ABC")


WRONG = [
    (SPLIT, {"ratio_to": None}, ["ratio_to"]),
    (SPLIT, {"ratio_from": 0}, ["ratio_to"]),
    (SPLIT, {"ratio_to": 10_001}, ["ratio_to"]),
    (SPLIT, {"ratio_to": 1}, ["ratio_to"]),
    (SPLIT, {"ratio_from": 8}, ["ratio_to"]),
    (REVERSE, {"ratio_to": 11}, ["ratio_to"]),
    (SPLIT, {"cash_in_lieu_price": Decimal(0)}, ["cash_in_lieu_price"]),
    (SPLIT, {"amount": Decimal(1)}, ["amount"]),
    (SPLIT, {"currency": "USD", "pay_date": EX_DATE}, ["currency", "pay_date"]),
    (DIVIDEND, {"amount": None}, ["amount"]),
    (DIVIDEND, {"amount": Decimal(0)}, ["amount"]),
    (DIVIDEND, {"currency": "ZZZ"}, ["currency"]),
    (DIVIDEND, {"withholding_rate": Decimal("1.01")}, ["withholding_rate"]),
    (DIVIDEND, {"withholding_rate": Decimal("-0.1")}, ["withholding_rate"]),
    (DIVIDEND, {"pay_date": None}, ["pay_date"]),
    (DIVIDEND, {"pay_date": date(2026, 3, 2)}, ["pay_date"]),
    (DIVIDEND, {"record_date": date(2026, 3, 4)}, ["record_date"]),
    (DIVIDEND, {"ratio_to": 7}, ["ratio_to"]),
    (
        DIVIDEND,
        {"amount": None, "currency": "", "pay_date": None},
        ["amount", "currency", "pay_date"],
    ),
]


@pytest.mark.parametrize(("terms", "change", "fields"), WRONG)
def test_what_makes_no_sense_is_told_field_by_field(terms, change, fields) -> None:
    errors = check_terms(replace(terms, **change), Decimal(1))
    assert [error.field for error in errors] == fields


@pytest.mark.parametrize(
    "terms", [SPLIT, REVERSE, DIVIDEND, replace(DIVIDEND, withholding_rate=Decimal(0))]
)
def test_what_makes_sense_is_taken(terms) -> None:
    assert check_terms(terms, Decimal(1)) == []


def test_no_holding_may_become_less_than_the_books_can_hold() -> None:
    (error,) = check_terms(REVERSE, Decimal("1e-8"))
    assert error.field == "ratio_to"


def test_the_rate_is_the_country_s_unless_staff_say_another(one, abc) -> None:
    assert propose(one, abc, DIVIDEND, now=START).withholding_rate == Decimal("0.30")
    london = InstrumentFactory(symbol="LON", mic="XLON")
    assert propose(one, london, DIVIDEND, now=START).withholding_rate == 0
    treaty = replace(DIVIDEND, withholding_rate=Decimal("0.15"), amount=Decimal(1))
    assert propose(one, abc, treaty, now=START).withholding_rate == Decimal("0.15")


def test_an_action_needs_two_of_staff(one, two, abc) -> None:
    with pytest.raises(Forbidden, match="forbidden"):
        propose(UserFactory(), abc, SPLIT, now=START)
    assert not CorporateAction.objects.exists()
    action = propose(one, abc, SPLIT, now=START)
    assert (action.status, action.requested_by) == ("proposed", one.id)
    with pytest.raises(Forbidden, match="second_person_needed"):
        approve_action(action.id, one, now=START)
    with pytest.raises(Forbidden, match="forbidden"):
        approve_action(action.id, UserFactory(), now=START)
    with pytest.raises(NotFound):
        approve_action(new_id(), two, now=START)
    action.refresh_from_db()
    assert (action.status, action.effective_at) == ("proposed", None)
    approve_action(action.id, two, now=START)
    action.refresh_from_db()
    assert (action.status, action.approved_by) == ("approved", two.id)
    assert (action.effective_at, action.payable_at) == (MIDNIGHT, None)
    with pytest.raises(Conflict, match="already_approved"):
        approve_action(action.id, two, now=START)


def test_the_database_refuses_who_approves_alone(one, abc) -> None:
    action = propose(one, abc, SPLIT, now=START)
    with pytest.raises(IntegrityError), transaction.atomic():
        CorporateAction.objects.filter(id=action.id).update(approved_by=one.id)


def test_the_day_begins_where_the_exchange_is(one, two, abc, settings) -> None:
    settings.MARKET_HOURS = "exchange"
    tokyo = InstrumentFactory(symbol="TOK", mic="XTKS", currency="JPY")
    starts = {}
    for instrument in (abc, tokyo):
        action = propose(one, instrument, DIVIDEND, now=START)
        starts[instrument.symbol] = approve_action(action.id, two, now=START).effective_at
    assert starts["ABC"] == MIDNIGHT + timedelta(hours=5)
    assert starts["TOK"] == MIDNIGHT - timedelta(hours=9)


def test_a_split_is_agreed_on_before_its_day_begins(one, two, abc) -> None:
    for too_late in (MIDNIGHT, MIDNIGHT + timedelta(days=3)):
        with pytest.raises(Conflict, match="ex_date_has_begun"):
            propose(one, abc, SPLIT, now=too_late)
    action = propose(one, abc, SPLIT, now=MIDNIGHT - timedelta(microseconds=1))
    with pytest.raises(Conflict, match="ex_date_has_begun"):
        approve_action(action.id, two, now=MIDNIGHT)
    propose(one, abc, DIVIDEND, now=MIDNIGHT + timedelta(days=3))


def test_the_same_is_not_entered_twice(one, abc) -> None:
    named = replace(SPLIT, external_id="vendor-1")
    first = propose(one, abc, named, now=START)
    for again in (SPLIT, REVERSE, replace(DIVIDEND, external_id="vendor-1")):
        with pytest.raises(Conflict, match="possible_duplicate"):
            propose(one, abc, again, now=START)
    propose(one, abc, DIVIDEND, now=START)
    propose(one, abc, replace(DIVIDEND, amount=Decimal("1.00")), now=START)  # a special one
    with pytest.raises(Conflict, match="possible_duplicate"):
        propose(one, abc, DIVIDEND, now=START)
    cancel_action(first.id, one, now=START)
    propose(one, abc, SPLIT, now=START)


def test_a_refusal_tells_everything_and_writes_nothing(one, abc) -> None:
    with pytest.raises(Malformed, match="1 to 10000 new shares"):
        propose(one, abc, replace(SPLIT, ratio_to=0), now=START)
    with pytest.raises(Refused) as refused:
        propose(one, abc, replace(DIVIDEND, amount=None, currency=""), now=START)
    assert [error.field for error in refused.value.errors] == ["amount", "currency"]
    assert not CorporateAction.objects.exists()
    assert not Event.objects.exists()


def test_what_is_not_applied_can_be_canceled(world: World) -> None:
    abc = world.instrument()
    world.tick(abc, "69.99", "70.00", last="70.00")
    trader = world.trader()
    world.place(trader, abc, "buy", 10)
    action = split(abc, 7, 1)
    staff = UserFactory(is_staff=True)
    with pytest.raises(Forbidden):
        cancel_action(action.id, trader.user, now=START)
    cancel_action(action.id, staff, now=START)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (10, 0)
    for act in (cancel_action, approve_action):
        with pytest.raises(Conflict, match="corporate_action_closed"):
            act(action.id, staff, now=START)
    done = split(abc, 7, 1, ex_date=EX_DATE + timedelta(days=1))
    until(world, MIDNIGHT + timedelta(days=1))
    with pytest.raises(Conflict, match="corporate_action_closed"):
        cancel_action(done.id, staff, now=world.now)


def busy(world: World, abc: Instrument) -> Any:
    """Return somebody with two lots and orders of every kind; the last split of 3:2 fits none."""
    world.tick(abc, "69.99", "70.00", last="70.00", size=1000)
    trader = world.trader(fees=default_fee_schedule())
    world.place(trader, abc, "buy", 5)
    world.place(trader, abc, "buy", 4)
    world.place(trader, abc, "sell", 5, limit="72.01", tif="gtc")
    world.place(trader, abc, "buy", 3, limit="69.50", tif="gtc")
    world.tick(abc, "69.49", "69.50", size=1)
    return trader


def test_a_preview_is_what_happens_and_writes_nothing(world: World) -> None:
    abc = world.instrument()
    trader = busy(world, abc)
    action = split(abc, 3, 2)
    before = Event.objects.count()
    with CaptureQueriesContext(connection) as queries:
        shown = preview(CorporateAction.objects.get(id=action.id), world.now)
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
    assert Event.objects.count() == before
    assert shares_of(trader)[0] == 10
    (held,) = shown.holdings
    assert (held.quantity_before, held.quantity_after) == (10, 15)
    assert held.lots == [
        (5, Decimal("7.5")),
        (4, Decimal(6)),
        (1, Decimal("1.5")),
    ]
    sell, buy = shown.orders
    assert (sell.becomes, sell.after["quantity"], sell.after["limit_price"]) == (
        "adjusted",
        "7",
        "48.01",
    )
    assert (buy.becomes, buy.before["quantity"], buy.after["quantity"]) == ("replaced", "2", "3")
    assert (shown.accounts, shown.cash) == (1, 0)
    until(world, MIDNIGHT)
    assert shares_of(trader) == (15, 7)
    orders = Order.objects.filter(closed_at=None).order_by("id")
    told = [(order.quantity, order.limit_price) for order in orders]
    assert told == [(7, Decimal("48.01")), (3, Decimal("46.33"))]
    assert cash_of(trader)[1] == sum(order.reserved for order in orders)


def test_a_preview_of_what_is_only_proposed_and_of_a_dividend(world: World, one: Any) -> None:
    abc = world.instrument()
    trader = busy(world, abc)
    proposed = propose(one, abc, REVERSE, now=START)
    shown = preview(proposed, START)
    assert [(h.quantity_after, h.cash_in_lieu) for h in shown.holdings] == [(1, 0)]
    assert {line.becomes for line in shown.orders} == {"canceled"}
    proposed.refresh_from_db()
    assert (proposed.status, proposed.effective_at) == ("proposed", None)
    (line,) = preview(dividend(abc, "1.00"), world.now).dividends
    assert (line.quantity, line.gross_amount, line.net_amount) == (10, 10, 7)
    assert line.owner == trader.user.email


def test_what_is_done_has_no_preview(world: World) -> None:
    abc = world.instrument()
    action = split(abc, 7, 1)
    until(world, MIDNIGHT)
    action.refresh_from_db()
    with pytest.raises(BengiError, match="corporate_action_closed"):
        preview(action, world.now)


def test_the_command_shows_and_applies(world: World, capsys: Any) -> None:
    abc = world.instrument()
    trader = busy(world, abc)
    action = split(abc, 3, 2)
    clock.use(lambda: world.now)
    try:
        call_command("apply_corporate_actions", preview=str(action.id))
        shown = capsys.readouterr().out
        assert "ABC: split 3:2, ex 2026-03-03, approved" in shown
        assert f"{trader.user.email} Main: 10 -> 15 (lots 5 -> 7.5, 4 -> 6, 1 -> 1.5)" in shown
        assert "after  quantity 7, limit_price 48.01" in shown
        assert "1 accounts, 0 in cash; nothing has been written." in shown
        call_command("apply_corporate_actions")
        assert capsys.readouterr().out.startswith("0 splits applied")
        world.now = MIDNIGHT
        call_command("apply_corporate_actions")
        assert capsys.readouterr().out == (
            "1 splits applied, 0 holders of dividends recorded, 0 paid.\n"
        )
        assert shares_of(trader) == (15, 7)
        for name in ("nonsense", str(new_id())):
            with pytest.raises(CommandError, match="There is no corporate action"):
                call_command("apply_corporate_actions", preview=name)
        with pytest.raises(CommandError, match="applied already"):
            call_command("apply_corporate_actions", preview=str(action.id))
    finally:
        clock.reset()
