"""Numbers as people read them, by example."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from bengi import numerals
from bengi.templatetags import numbers, parts

USD_STOCK = SimpleNamespace(price_places=2)
YEN_STOCK = SimpleNamespace(price_places=0)


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (Decimal("1234.5"), 2, "1,234.50"),
        (Decimal("-1234567.891"), 2, "−1,234,567.89"),
        (Decimal("0.125"), 2, "0.12"),
        (Decimal("0.135"), 2, "0.14"),
        (Decimal("-0.004"), 2, "0.00"),
        (Decimal("2654"), 0, "2,654"),
    ],
)
def test_fixed(value, places, written):
    assert numerals.fixed(value, places) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("2.41"), "+2.41"),
        (Decimal("-0.54"), "−0.54"),
        (Decimal("0.001"), "0.00"),
        (Decimal(0), "0.00"),
    ],
)
def test_signed(value, written):
    assert numerals.signed(value, 2) == written


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (Decimal("512000"), "JPY", "512,000"),
        (Decimal("6400"), "EUR", "6,400.00"),
        (Decimal("1.5"), "KWD", "1.500"),
        (Decimal("-9195"), "USD", "−9,195.00"),
    ],
)
def test_money(amount, currency, written):
    assert numbers.money(amount, currency) == written


@pytest.mark.parametrize(
    ("value", "instrument", "written"),
    [
        (Decimal("229.87000000"), USD_STOCK, "229.87"),
        (Decimal("229.9"), USD_STOCK, "229.90"),
        (Decimal("100.075"), USD_STOCK, "100.075"),
        (Decimal("33.33333333"), USD_STOCK, "33.3333"),
        (Decimal("2654"), YEN_STOCK, "2,654"),
        (None, USD_STOCK, "–"),
    ],
)
def test_price_keeps_the_places_of_the_tick_and_two_more_for_an_average(value, instrument, written):
    assert numbers.price(value, instrument) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1200"), "1,200"),
        (Decimal("0.50000000"), "0.5"),
        (Decimal("-40"), "−40"),
        (Decimal("1000.25"), "1,000.25"),
    ],
)
def test_quantity(value, written):
    assert numbers.quantity(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("11400000"), "11.4 M"),
        (Decimal("210349"), "210 K"),
        (Decimal("1050"), "1.0 K"),
        (Decimal("950"), "950"),
        (Decimal("2300000000"), "2.3 B"),
        (Decimal(0), "0"),
    ],
)
def test_compact(value, written):
    assert numbers.compact(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.31, "0.3 s"),
        (-1, "0.0 s"),
        (9.96, "9 s"),
        (12.7, "12 s"),
        (300, "5 min"),
        (8040, "2 h 14 min"),
        (3 * 86400, "3 d"),
    ],
)
def test_age(seconds, written):
    assert numbers.age(seconds) == written


@pytest.mark.parametrize(
    ("value", "places", "way"),
    [
        (Decimal("0.01"), 2, "up"),
        (Decimal("0.001"), 2, "flat"),
        (Decimal("-0.01"), 2, "down"),
        (None, 2, "flat"),
    ],
)
def test_direction(value, places, way):
    assert numbers.direction(value, places) == way


def test_percent_and_plain():
    assert numbers.percent(Decimal("-0.5437")) == "−0.54%"
    assert numbers.plain(Decimal("229.87000000")) == "229.87"
    assert numbers.plain(None) == ""


def test_status_names_its_mark_and_its_word():
    assert parts.status("partially_filled") == (
        '<span class="status status--part">Partially filled</span>'
    )
    assert parts.status("new") == '<span class="status">New</span>'


def test_icon_points_into_the_sprite():
    assert 'href="/static/icons.svg#search"' in parts.icon("search")


def test_words_of_an_order():
    assert parts.in_force("gtc") == "good till canceled"
    order = SimpleNamespace(limit_price=None, stop_price=Decimal(5))
    assert parts.order_price(order) == Decimal(5)
    assert parts.is_market("market")
