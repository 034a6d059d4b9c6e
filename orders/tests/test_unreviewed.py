"""Orders of those who have said that they need no review: sent at once, and asked about twice."""

import json
from uuid import UUID

import pytest

from accounts.models import User
from orders.models import Order
from orders.tests.test_views import HTMX


@pytest.fixture
def sure(trader, user):
    User.objects.filter(pk=user.pk).update(confirms_orders=False)
    return trader


def test_a_ticket_is_sent_at_once(sure, ticket):
    answer = sure.post("/orders/review", ticket, headers=HTMX)
    assert answer.status_code == 204
    assert UUID(json.loads(answer["HX-Trigger"])["order-placed"]["next_key"])
    assert Order.objects.get().limit_price == 99.5


def test_without_script_it_leads_back_to_the_workbench(sure, ticket):
    answer = sure.post("/orders/review", ticket)
    assert answer["Location"] == "/trade/AAPL?tab=orders"
    assert Order.objects.count() == 1


def test_the_same_again_is_asked_about(sure, ticket):
    sure.post("/orders/review", ticket, headers=HTMX)
    answer = sure.post("/orders/review", ticket, headers=HTMX)
    assert "Do you mean it twice?" in answer.content.decode()
    assert Order.objects.count() == 1


def test_what_is_wrong_comes_back(sure, ticket):
    answer = sure.post("/orders/review", {**ticket, "limit_price": "500"}, headers=HTMX)
    assert answer["HX-Retarget"] == "#ticket-form"
    assert 'aria-invalid="true"' in answer.content.decode()
    assert Order.objects.count() == 0


def test_others_review_theirs(trader, ticket):
    assert b"Review order" in trader.post("/orders/review", ticket, headers=HTMX).content
    assert Order.objects.count() == 0
