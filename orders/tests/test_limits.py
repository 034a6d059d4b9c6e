"""How far an account may go: everybody's limits, and those that staff set for one account."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi.errors import Forbidden, Malformed, NotFound
from bengi.events.models import Event
from bengi.replay import differences, fold_log
from instruments.models import Instrument
from orders.facts import DEFAULT_LIMITS
from orders.limits import limits_of, read_limits, set_limits
from orders.models import RiskLimits
from orders.tests.factories import OrderFactory
from orders.tests.http import NOW, TICKET, post, told

pytestmark = pytest.mark.usefixtures("market")
D = Decimal


@pytest.fixture
def staff(db):
    return UserFactory(is_staff=True, is_superuser=True)


def limit(portfolio, staff, **values):
    return set_limits(portfolio.account_id, values, by=staff, reason="As agreed", now=NOW)


def errors_of(response):
    return {e["code"]: (e["limit"], e["value"]) for e in response.json()["errors"]}


def test_an_account_without_its_own_has_everybodys(portfolio):
    assert read_limits([portfolio.account_id]) == {}
    assert limits_of(None) == DEFAULT_LIMITS


def test_each_limit_of_an_account_is_judged_with_its_number(api, portfolio, staff):
    limit(portfolio, staff, max_notional=D(900), max_quantity=D(9), collar=D("0.001"))
    assert errors_of(post(api, TICKET)) == {
        "max_quantity": ("9", "10"),
        "max_notional": ("900", "995"),
        "price_collar": (["99.9", "100.1"], "99.5"),
    }


def test_open_orders_are_counted_against_the_accounts_own(api, portfolio, staff):
    abc = Instrument.objects.get()
    OrderFactory.create_batch(3, portfolio=portfolio, instrument=abc)
    limit(portfolio, staff, max_open_orders=4, max_open_orders_here=3)
    answer = post(api, TICKET)
    assert errors_of(answer) == {"too_many_open_orders": (3, 4)}
    limit(portfolio, staff, max_open_orders=3, max_open_orders_here=None)
    assert errors_of(post(api, TICKET)) == {"too_many_open_orders": (3, 4)}
    limit(portfolio, staff, max_open_orders=4)
    assert post(api, TICKET).status_code == 201


def test_a_limit_may_be_wider_than_everybodys(api, portfolio, staff):
    portfolio.account.balances.update(amount=D(1_000_000))
    big = {**TICKET, "quantity": "3000"}
    assert told(post(api, big)) == {"quantity": "max_notional"}
    limit(portfolio, staff, max_notional=D(300_000))
    assert post(api, big).status_code == 201


def test_limits_of_others_do_not_matter(api, portfolio, staff):
    other = OrderFactory().portfolio
    limit(other, staff, max_quantity=D(1))
    assert post(api, TICKET).status_code == 201


def test_a_change_is_in_the_log_with_who_and_why(portfolio, staff):
    limit(portfolio, staff, max_notional=D("1000.50"), max_open_orders=5)
    event = Event.objects.get(type="account.limits_changed")
    assert event.stream_id == portfolio.account_id
    assert event.payload == {
        "limits": {
            "account_id": str(portfolio.account_id),
            "max_notional": "1000.5",
            "max_quantity": None,
            "max_open_orders": 5,
            "max_open_orders_here": None,
            "collar": None,
            "low_price_collar": None,
        },
        "by": str(staff.id),
        "reason": "As agreed",
    }


def test_the_log_folds_to_the_limits_that_count(portfolio, staff):
    limit(portfolio, staff, max_quantity=D(5))
    limit(portfolio, staff, max_quantity=None, collar=D("0.5"))
    lines = [line for line in differences(fold_log()) if "limits" in line]
    assert lines == []
    RiskLimits.objects.update(collar=D("0.4"))
    lines = [line for line in differences(fold_log()) if "limits" in line]
    assert len(lines) == 2, "a change without its event is noticed"


def test_only_staff_change_limits(portfolio):
    with pytest.raises(Forbidden):
        limit(portfolio, portfolio.account.user, max_quantity=D(5))
    assert not RiskLimits.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"), [("max_quantity", D(-1)), ("collar", D(1)), ("low_price_collar", D(0))]
)
def test_a_number_that_is_no_limit_is_refused_twice(portfolio, staff, name, value):
    with pytest.raises(Malformed) as refused:
        limit(portfolio, staff, **{name: value})
    assert refused.value.field == name
    with pytest.raises(IntegrityError), transaction.atomic():
        RiskLimits.objects.create(account=portfolio.account, **{name: value})


def test_limits_of_nobody(staff):
    with pytest.raises(NotFound):
        set_limits(staff.id, {}, by=staff, reason="-", now=NOW)


def test_staff_set_them_in_the_admin(portfolio, staff):
    desk = Client()
    desk.force_login(staff)
    body = {"account": portfolio.account_id, "max_quantity": "50", "reason": "Beginner"}
    assert desk.post("/admin/orders/risklimits/add/", body).status_code == 302
    assert limits_of(RiskLimits.objects.get()).max_quantity == 50
    page = f"/admin/orders/risklimits/{portfolio.account_id}/change/"
    assert desk.post(page, {"max_quantity": "60", "reason": "Better"}).status_code == 302
    assert limits_of(RiskLimits.objects.get()).max_quantity == 60
    assert desk.post(page, {"collar": "1.5", "reason": "Wild"}).status_code == 200
    assert desk.post(page, {"collar": "0.5"}).status_code == 200
    reasons = Event.objects.order_by("seq").values_list("payload__reason", flat=True)
    assert list(reasons) == ["Beginner", "Better"]


def test_a_trader_can_read_their_limits(api, portfolio, staff, django_assert_num_queries):
    url = f"/api/v1/accounts/{portfolio.account_id}/limits"
    with django_assert_num_queries(5):  # session, user, account, limits, halts
        found = api.get(url).json()
    assert found == {
        "max_notional": "250000",
        "max_quantity": "100000",
        "max_open_orders": 500,
        "max_open_orders_here": 20,
        "collar": "0.1",
        "low_price": "5",
        "low_price_collar": "0.2",
        "trading_halted": None,
    }
    limit(portfolio, staff, max_notional=D(7))
    assert api.get(url).json()["max_notional"] == "7"


def test_anothers_limits_are_not_there(api):
    other = OrderFactory().account
    assert api.get(f"/api/v1/accounts/{other.id}/limits").status_code == 404
