"""Exact decimals survive the database: eight places, and sixteen where price meets quantity."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from bengi.fields import MoneyField, ValueField
from orders.models import Order
from orders.tests.factories import OrderFactory

D = Decimal
SQLITE, POSTGRESQL = (SimpleNamespace(vendor=name) for name in ("sqlite", "postgresql"))


@given(st.decimals(D("-99999999.9999999999999999"), D("99999999.9999999999999999"), places=16))
def test_a_value_comes_back_from_sqlite_as_it_was(value):
    stored = ValueField().get_db_prep_value(value, SQLITE)
    assert isinstance(stored, str)
    assert ValueField().from_db_value(stored, None, SQLITE) == value


def test_sqlite_keeps_values_in_the_unit_of_the_other_fields():
    """So that what stood in an integer column before reads the same."""
    for text in ("0", "499.98", "0.00000001", "92000000000"):
        before = MoneyField().get_db_prep_value(D(text), SQLITE)
        assert ValueField().get_db_prep_value(D(text), SQLITE) == str(before)
        assert ValueField().from_db_value(str(before), None, SQLITE) == D(text)


@pytest.mark.parametrize(("field", "places"), [(MoneyField, 8), (ValueField, 16)])
@pytest.mark.parametrize("vendor", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_more_places_are_refused_not_rounded(field, places, vendor):
    fits = D(1).scaleb(-places)
    assert field().get_db_prep_value(fits, vendor) is not None
    with pytest.raises(ValidationError, match=f"more than {places} decimal places"):
        field().get_db_prep_value(fits / 10, vendor)


@pytest.mark.django_db
def test_the_value_of_an_order_is_kept_to_the_last_place():
    value = D("99999.99999999") * D("2.00000001")
    order = OrderFactory(
        quantity=D(100_000), filled_quantity=D("99999.99999999"), filled_value=value
    )
    assert Order.objects.get(id=order.id).filled_value == value
    assert ValueField().db_type(connection) in {"text", "numeric(38, 16)"}
