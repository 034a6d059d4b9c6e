"""Numbers and days as their reader wants them; tests/browser asks a browser for the same."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import numberformat
from hypothesis import given
from hypothesis import strategies as st

from bengi import numerals, writing
from bengi.templatetags import numbers
from bengi.writing import LOCALE_OF, LOCALES, Writing, written_for

# Source: Unicode CLDR 48, numbers.xml and gregorian.xml of each locale.
GOLDEN = {
    "": ("1,234,567.89", "31 Mar 2026", "31 Mar"),
    "en-US": ("1,234,567.89", "Mar 31, 2026", "Mar 31"),
    "en-IN": ("12,34,567.89", "31 Mar 2026", "31 Mar"),
    "de": ("1.234.567,89", "31.03.2026", "31.03."),
    "de-CH": ("1'234'567.89", "31.03.2026", "31.03."),
    "es": ("1.234.567,89", "31/03/2026", "31/03"),
    "fr": ("1\u202f234\u202f567,89", "31/03/2026", "31/03"),
    "sv": ("1\u00a0234\u00a0567,89", "2026-03-31", "31/03"),
    "ja": ("1,234,567.89", "2026/03/31", "03/31"),
}
DAY = date(2026, 3, 31)
AMOUNTS = st.decimals(min_value=-(10**14), max_value=10**14, places=4)


def as_in(code, **more):
    return written_for(lambda: Writing(LOCALE_OF[code], **more))


def test_there_is_a_golden_line_for_every_locale():
    assert [locale.code for locale in LOCALES] == list(GOLDEN)


@pytest.mark.parametrize("code", GOLDEN)
def test_each_locale(code):
    with as_in(code):
        told = numerals.fixed(Decimal("1234567.89"), 2)
        assert (told, writing.long_day(DAY), writing.short_day(DAY)) == GOLDEN[code]


@given(AMOUNTS, st.sampled_from(LOCALES), st.integers(0, 4))
def test_grouping_is_djangos(value, locale, places):
    with as_in(locale.code):
        told = numerals.fixed(value, places)
    rounded = value.quantize(Decimal(1).scaleb(-places))
    theirs = numberformat.format(
        abs(rounded),
        locale.point,
        places,
        grouping=(*locale.groups, 0) if len(locale.groups) > 1 else locale.groups[0],
        thousand_sep=locale.thousands,
        force_grouping=True,
        use_l10n=True,
    )
    assert told == ("−" if rounded < 0 else "") + theirs


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda: numerals.quantity(Decimal("-1200.5")), "−1.200,5"),
        (lambda: numerals.signed(Decimal("1234.5"), 2), "+1.234,50"),
        (lambda: numerals.money(Decimal("1234.5"), "KWD"), "1.234,500"),
        (lambda: numerals.compact(Decimal(11_400_000)), "11,4 M"),
        (lambda: numerals.age(0.31), "0,3 s"),
        (lambda: numbers.percent(Decimal("-0.54")), "−0,54%"),
        (lambda: numbers.plain(Decimal("1234.50")), "1234.5"),
    ],
)
def test_all_that_writes_numbers_asks_how(write, told):
    with as_in("de"):
        assert write() == told


def test_nobody_is_asked_before_something_is_written_and_all_is_as_before_after_it():
    asked = []
    with written_for(lambda: asked.append(1) or Writing(LOCALE_OF["de"])):
        assert asked == []
        with as_in("de-CH"):
            assert numerals.fixed(Decimal(1000), 0) == "1'000"
        assert numerals.fixed(Decimal(1000), 0) == "1.000"
    assert numerals.fixed(Decimal(1000), 0) == "1,000"


def test_who_is_discreet_sees_prices_and_no_money():
    amount = Decimal("1234.5")
    with as_in("", is_discreet=True, zone=ZoneInfo("UTC")):
        assert numbers.money(amount, "USD") == numbers.signed_money(amount, "USD") == "•••••"
        assert numbers.money(None, "USD") == "•••••"
        assert numbers.plain_money(amount) == ""
        assert numbers.cost(amount, "USD") == "1,234.50"
        assert numbers.quantity(amount) == "1,234.5"
    assert numbers.plain_money(amount) == "1234.5"
