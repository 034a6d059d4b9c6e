"""Staff can look at market data and correct instruments, and nothing else."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from instruments.models import Instrument
from instruments.tests.factories import BarFactory, QuoteFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def listing(model: str) -> str:
    return reverse(f"admin:instruments_{model}_changelist")


@pytest.mark.parametrize(
    ("factory", "model"), [(QuoteFactory, "quote"), (BarFactory, "bar")], ids=["quote", "bar"]
)
def test_market_data_is_read_only(staff: Client, factory: Any, model: str) -> None:
    row = factory()
    assert staff.get(listing(model), {"q": row.instrument.symbol}).status_code == 200
    page = reverse(f"admin:instruments_{model}_change", args=[row.pk])
    assert staff.get(page).status_code == 200
    assert staff.post(page, {"bid": "1"}).status_code == 403
    assert staff.get(reverse(f"admin:instruments_{model}_add")).status_code == 403
    delete = reverse(f"admin:instruments_{model}_delete", args=[row.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("factory", "model"), [(QuoteFactory, "quote"), (BarFactory, "bar")], ids=["quote", "bar"]
)
def test_lists_cost_the_same_for_any_number_of_rows(
    staff: Client, factory: Any, model: str, django_assert_max_num_queries: Any
) -> None:
    factory.create_batch(15)
    with django_assert_max_num_queries(8):
        staff.get(listing(model))


def test_an_instrument_is_made_on_a_known_exchange_and_corrected(staff: Client) -> None:
    values = {
        "symbol": "NEW",
        "name": "New Listing",
        "mic": "XXXX",
        "type": "stock",
        "currency": "USD",
        "tick_size": "0.01",
        "quantity_step": "1",
    }
    add = reverse("admin:instruments_instrument_add")
    refused = staff.post(add, values)
    assert refused.status_code == 200
    assert "XXXX is not one of the available choices" in refused.content.decode()
    assert staff.post(add, {**values, "mic": "XETR"}).status_code == 302
    made = Instrument.objects.get(symbol="NEW")
    page = reverse("admin:instruments_instrument_change", args=[made.pk])
    changed = {**values, "symbol": "OTHER", "mic": "XLON", "has_feed": "on"}
    assert staff.post(page, changed).status_code == 302
    made.refresh_from_db()
    assert (made.symbol, made.mic, made.status, made.has_feed) == ("NEW", "XETR", "active", True)
    again = staff.post(add, {**values, "mic": "XETR"})
    assert "already exists" in again.content.decode()
    assert (
        staff.post(reverse("admin:instruments_instrument_delete", args=[made.pk])).status_code
        == 403
    )
    assert staff.get(listing("instrument"), {"q": "new"}).status_code == 200
