"""The kill switch: nobody orders, everybody may cancel, staff throw it and lift it."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi.bus import NUDGE, get_bus
from bengi.errors import Conflict, Forbidden, Malformed, NotFound
from bengi.events.models import Event
from bengi.replay import differences, fold_log
from bengi.terms import OrderStatus
from instruments.models import Instrument
from orders.canceling import CANCELABLE
from orders.halts import HOUSE, cancel_open_orders, halt_trading, resume_trading
from orders.models import Order, TradingHalt
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, TICKET, URL, cancel, post
from portfolios.tests.factories import PortfolioFactory

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def staff(db):
    return UserFactory(is_staff=True, is_superuser=True)


def halt(staff, portfolio=None, **values):
    account_id = portfolio.account_id if portfolio else None
    return halt_trading(staff, reason="The feed is off.", account_id=account_id, now=NOW, **values)


def of_halts(lines):
    return [line for line in lines if " halt " in line]


@pytest.mark.parametrize("is_for_all", [True, False])
def test_a_new_order_is_refused_until_it_is_lifted(api, portfolio, staff, is_for_all):
    row = halt(staff, None if is_for_all else portfolio)
    answer = post(api, TICKET)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["errors"][0]["reason"]) == ("trading_halted", "The feed is off.")
    assert Order.objects.count() == 0
    resume_trading(row.id, staff, now=NOW)
    assert post(api, TICKET).status_code == 201


def test_it_is_the_only_reason_told(api, staff):
    halt(staff)
    errors = post(api, {**TICKET, "quantity": "0.5", "limit_price": "1"}).json()["errors"]
    assert [error["code"] for error in errors] == ["trading_halted"]


def test_a_halt_of_another_account_does_not_matter(api, staff):
    halt(staff, PortfolioFactory())
    assert post(api, TICKET).status_code == 201


def test_a_known_key_is_still_answered(api, staff):
    body = {**TICKET, "client_order_id": "one"}
    first = post(api, body).json()
    halt(staff)
    again = post(api, body)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])


def test_cancels_work_and_replacing_does_not(api, staff):
    order = post(api, TICKET).json()
    halt(staff)
    change = api.patch(f"{URL}/{order['id']}", {"quantity": "5"}, content_type="application/json")
    assert (change.status_code, change.json()["code"]) == (503, "trading_halted")
    assert cancel(api, order["id"]).json()["status"] == "pending_cancel"


def test_the_preview_and_the_limits_tell_it(api, portfolio, staff):
    halt(staff)
    errors = post(api, TICKET, f"{URL}/preview").json()["errors"]
    assert [error["code"] for error in errors] == ["trading_halted"]
    limits = api.get(f"/api/v1/accounts/{portfolio.account_id}/limits").json()
    assert limits["trading_halted"] == "The feed is off."


def test_the_house_s_stream_says_who_and_why(staff, portfolio):
    row = halt(staff, portfolio)
    resume_trading(row.id, staff, now=NOW)
    events = Event.objects.filter(stream_id=HOUSE).order_by("seq")
    assert [(event.seq, event.type) for event in events] == [
        (1, "trading.halted"),
        (2, "trading.resumed"),
    ]
    told = events[1].payload["halt"]
    assert told == {
        "id": str(row.id),
        "account_id": str(portfolio.account_id),
        "reason": "The feed is off.",
        "halted_by": str(staff.id),
        "halted_at": "2026-01-05T15:00:01.000000Z",
        "lifted_by": str(staff.id),
        "lifted_at": "2026-01-05T15:00:01.000000Z",
    }
    assert of_halts(differences(fold_log())) == []
    TradingHalt.objects.update(reason="Nobody said so.")
    assert len(of_halts(differences(fold_log()))) == 2


def test_one_halt_at_a_time(staff, portfolio):
    halt(staff)
    halt(staff, portfolio)
    for again in (None, portfolio):
        with pytest.raises(Conflict) as refused:
            halt(staff, again)
        assert refused.value.code == "already_halted"
    with pytest.raises(IntegrityError), transaction.atomic():
        TradingHalt.objects.create(reason="-", halted_by=staff, halted_at=NOW)
    assert Event.objects.filter(type="trading.halted").count() == 2


def test_lifted_twice_it_is_lifted_once(staff):
    row = halt(staff)
    assert resume_trading(row.id, staff, now=NOW).lifted_by == staff
    resume_trading(row.id, UserFactory(is_staff=True), now=NOW)
    row.refresh_from_db()
    assert row.lifted_by == staff
    assert Event.objects.filter(type="trading.resumed").count() == 1


def test_only_staff_throw_and_lift_it_and_they_say_why(staff, portfolio):
    trader = portfolio.account.user
    with pytest.raises(Forbidden):
        halt(trader)
    with pytest.raises(Malformed):
        halt_trading(staff, reason="  ", now=NOW)
    with pytest.raises(NotFound):
        halt_trading(staff, reason="-", account_id=staff.id, now=NOW)
    row = halt(staff)
    with pytest.raises(Forbidden):
        resume_trading(row.id, trader, now=NOW)
    with pytest.raises(NotFound):
        resume_trading(portfolio.id, staff, now=NOW)


def place_one_of_each(portfolio):
    abc = Instrument.objects.get(symbol="ABC")
    closed = {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED}
    closed |= {OrderStatus.REPLACED, OrderStatus.REJECTED}
    for status in OrderStatus:
        is_open = status not in closed
        OrderFactory(
            portfolio=portfolio,
            instrument=abc,
            status=status,
            closed_at=None if is_open else NOW,
            filled_quantity=Decimal(3 if status == OrderStatus.PARTIALLY_FILLED else 0),
        )


def test_open_orders_are_asked_to_go_together(portfolio):
    place_one_of_each(portfolio)
    place_one_of_each(PortfolioFactory())
    before = dict(Order.objects.values_list("id", "status"))
    nudges: list[int] = []
    unsubscribe = get_bus().subscribe(NUDGE, nudges.append)
    assert cancel_open_orders([portfolio.account_id], now=NOW) == 4
    unsubscribe()
    asked = Order.objects.filter(account=portfolio.account, status="pending_cancel")
    assert sorted(before[order.id] for order in asked) == [
        *("accepted", "new", "partially_filled", "pending_cancel", "pending_replace"),
    ]
    assert all(order.updated_at == NOW for order in asked if before[order.id] != "pending_cancel")
    events = Event.objects.filter(type="order.pending_cancel")
    assert {event.stream_id for event in events} == {portfolio.account_id}
    assert all(event.payload["order"]["status"] == "pending_cancel" for event in events)
    assert events.count() == 4
    assert cancel_open_orders(None, now=NOW) == 4, "those of the other account"
    assert cancel_open_orders(None, now=NOW) == 0


def test_what_may_be_canceled_is_what_the_lifecycle_lets(db):
    assert set(CANCELABLE) == {"accepted", "new", "partially_filled", "pending_replace"}


def test_the_number_of_statements_does_not_grow(portfolio, django_assert_max_num_queries):
    OrderFactory.create_batch(3, portfolio=portfolio)
    with django_assert_max_num_queries(STATEMENTS):
        assert cancel_open_orders(None, now=NOW) == 3
    OrderFactory.create_batch(40, portfolio=portfolio)
    with django_assert_max_num_queries(STATEMENTS):
        assert cancel_open_orders(None, now=NOW) == 40


STATEMENTS = 9
"""A savepoint and its release, accounts, their locks, orders, the change, stream heads, events."""


def test_the_switch_may_take_open_orders_with_it(api, staff):
    order = post(api, TICKET).json()
    halt(staff, cancel_orders=True)
    assert Order.objects.get(id=order["id"]).status == "pending_cancel"


def test_staff_throw_it_in_the_admin(api, staff, portfolio):
    desk = Client()
    desk.force_login(staff)
    order = post(api, TICKET).json()
    body = {"reason": "Fire drill.", "cancel_orders": "on"}
    assert desk.post("/admin/orders/tradinghalt/add/", body).status_code == 302
    assert Order.objects.get(id=order["id"]).status == "pending_cancel"
    again = desk.post("/admin/orders/tradinghalt/add/", body)
    assert "Trading is halted already." in again.content.decode()
    row = TradingHalt.objects.get()
    assert post(api, {**TICKET, "quantity": "1"}).status_code == 503
    lift = {"action": "lift_selected", "_selected_action": [str(row.id)]}
    lifted = desk.post("/admin/orders/tradinghalt/", lift, follow=True).content.decode()
    assert "Fire drill: trading goes on." in lifted
    assert post(api, {**TICKET, "quantity": "1"}).status_code == 201
    page = f"/admin/orders/tradinghalt/{row.id}/change/"
    assert desk.post(page, {"reason": "Rewritten."}).status_code == 403


def test_whoever_comes_second_reads_why_and_loses_nothing(staff, monkeypatch):
    """A colleague throws the switch between the form's look and the deed."""

    def late(by, **asked):
        raise Conflict("already_halted", "Trading is halted already.")

    monkeypatch.setattr("orders.admin.halt_trading", late)
    desk = Client()
    desk.force_login(staff)
    told = desk.post("/admin/orders/tradinghalt/add/", {"reason": "Fire drill."})
    assert told.status_code == 200
    page = told.content.decode()
    assert "Trading is halted already." in page
    assert "Fire drill." in page, "what was typed is lost"
    assert not TradingHalt.objects.exists()
