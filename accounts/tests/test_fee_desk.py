"""Staff add rows of costs with their day; what has been in force stays as it was."""

import json
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import FeeSchedule, RegulatoryRate
from accounts.services import import_fees
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
TIERS = [["1000", "0.01"], [None, "0.005"]]
ROW = {
    "code": "class",
    "effective_from": "2026-09-01",
    "name": "For the class",
    "kind": "tiered",
    "rate": "0",
    "per_share": "0",
    "minimum": "0.50",
    "maximum_rate": "",
    "tiers": json.dumps(TIERS),
}


@pytest.fixture
def desk():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def test_a_schedule_is_added_for_a_day_to_come(desk):
    assert desk.post("/admin/accounts/feeschedule/add/", ROW).status_code == 302
    row = FeeSchedule.objects.get(code="class")
    assert (row.tiers, row.minimum, row.maximum_rate) == (TIERS, Decimal("0.50"), None)
    assert desk.post("/admin/accounts/feeschedule/add/", ROW).status_code == 200
    assert FeeSchedule.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [{"tiers": "[]"}, {"tiers": '[["10", "0.01"]]'}, {"minimum": "-1"}, {"maximum_rate": "-0.1"}],
)
def test_numbers_that_no_formula_can_use_are_refused(desk, change):
    assert desk.post("/admin/accounts/feeschedule/add/", ROW | change).status_code == 200
    assert not FeeSchedule.objects.exists()


@pytest.mark.parametrize("model", ["feeschedule", "regulatoryrate"])
def test_nothing_that_was_in_force_is_changed(desk, model):
    import_fees()
    row = {"feeschedule": FeeSchedule, "regulatoryrate": RegulatoryRate}[model].objects.first()
    page = f"/admin/accounts/{model}/{row.id}"
    assert desk.get(f"{page}/change/").status_code == 200
    assert desk.post(f"{page}/change/", {"code": "forged"}).status_code == 403
    assert desk.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
