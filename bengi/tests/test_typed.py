"""Numbers typed into fields by readers whose thousands are marked by a point, and by all others."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts.forms import MoveForm
from bengi.typed import in_field, read_number
from bengi.writing import LOCALE_OF, LOCALES, Writing, written_for
from orders.forms import EXITS, PRICES, TicketForm
from orders.replace_pages.forms import ReplaceForm
from orders.tests.factories import OrderFactory
from watchlists.forms import AlertForm

POINTED = [locale.code for locale in LOCALES if locale.thousands == "."]
OTHERS = [locale.code for locale in LOCALES if locale.thousands != "."]
ASKED = "Write 10000 without marks for thousands, or 10.0000 if the point begins the decimals."


def as_in(code):
    return written_for(lambda: Writing(LOCALE_OF[code]))


def test_german_and_spanish_mark_thousands_by_a_point():
    assert POINTED == ["de", "es"]


@pytest.mark.parametrize("code", POINTED)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.000", ASKED),
        ("1.234", "Write 1234 without marks for thousands, or 1.2340 if the point begins"),
        ("1.234.567", "Write 1234567 without marks for thousands."),
    ],
)
def test_what_can_be_two_numbers_is_asked_about(code, text, words):
    with as_in(code), pytest.raises(ValidationError) as error:
        read_number(text, example="1.50")
    assert words in error.value.messages[0]


@pytest.mark.parametrize("code", POINTED)
@pytest.mark.parametrize(
    "text", ["10000", "10.0000", "1.2340", "1.23", "0.125", "1234.567", "12.50", "10"]
)
def test_what_can_be_one_number_is_that_one(code, text):
    with as_in(code):
        assert read_number(text, example="1.50") == Decimal(text)


@pytest.mark.parametrize("code", OTHERS)
def test_to_everybody_else_a_point_is_a_point(code):
    with as_in(code):
        assert read_number("10.000", example="1.50") == 10
        assert in_field(Decimal("1.234")) == "1.234"


@given(
    st.decimals(min_value=0, max_value=10**9, places=8) | st.decimals(0, 10**4, places=3),
    st.sampled_from(LOCALES),
)
def test_what_the_product_writes_is_read_as_that_number(value, locale):
    with as_in(locale.code):
        assert read_number(in_field(value), example="1.50") == value


def errors_in(form, name):
    with as_in("de"):
        return form.errors.get(name, [])


def test_a_movement_of_money_asks():
    form = MoveForm({"amount": "10.000", "currency": "EUR", "key": "1"})
    assert errors_in(form, "amount") == [ASKED]


SHOWN = {
    "limit": ("quantity", "limit_price", "take_profit", "stop_loss"),
    "stop": ("stop_price",),
    "trailing_stop": ("trail_price", "trail_percent"),
    "market": ("notional", "stop_loss_trail_price", "stop_loss_trail_percent"),
}


def test_these_are_all_the_numbers_of_a_ticket():
    named = {name for names in SHOWN.values() for name in names}
    assert named == {"quantity", "notional", *PRICES, *EXITS}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in SHOWN.items() for name in names]
)
def test_every_number_of_a_ticket_asks(kind, name):
    sized_by = "notional" if name == "notional" else "quantity"
    typed = {"type": kind, "side": "buy", "time_in_force": "day", "sized_by": sized_by}
    assert errors_in(TicketForm({**typed, name: "10.000"}), name)[0] == ASKED


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["quantity", "limit_price"])
def test_a_replace_asks(name):
    assert errors_in(ReplaceForm(OrderFactory(type="limit"), {name: "10.000"}), name) == [ASKED]


@pytest.mark.django_db
def test_a_replace_begins_with_what_it_reads_back():
    order = OrderFactory(type="limit", quantity=Decimal("1.234"))
    with as_in("de"):
        begun = ReplaceForm(order).initial["quantity"]
        form = ReplaceForm(order, {"quantity": begun})
        assert (begun, form.is_valid(), form.changes) == ("1.2340", True, {})


@pytest.mark.parametrize("level", ["10.000", "10.000 %"])
def test_an_alert_asks(level):
    form = AlertForm({"symbol": "AAPL", "kind": "above", "level": level})
    assert errors_in(form, "level") == [ASKED]
