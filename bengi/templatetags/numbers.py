"""Filters that write numbers the one way the product does (bengi/numerals.py).

A missing number is an en dash, so that a column keeps its shape. Amounts of money are dots where
their reader is discreet; prices, quantities and shares of a hundred are not.
"""

import re
from typing import Any

from django import template

from bengi import discreet, numerals, typed, writing
from bengi import money as amounts

register = template.Library()
NOTHING = "\N{EN DASH}"
_INSIDE = re.compile(r" (?=×)|(?<=×) |(?<=\d) (?=(ms|s|min|h|d|bps|[A-Z]{3})\b)")


def _is_missing(value: object) -> bool:
    """None, or what a template makes of a name that leads nowhere (a quote that is not there)."""
    return value is None or value == ""


@register.filter
def money(amount: Any, currency: str) -> str:
    """{{ 1234.5|money:"USD" }} -> 1,234.50, or dots for who is discreet."""
    return numerals.HIDDEN if writing.current().is_discreet else cost(amount, currency)


@register.filter
def cost(amount: Any, currency: str) -> str:
    """{{ 1234.5|cost:"USD" }} -> 1,234.50: what an order comes to, which is told to anybody."""
    return NOTHING if _is_missing(amount) else numerals.money(amount, currency)


@register.filter
def signed_money(amount: Any, currency: str) -> str:
    """{{ 1234.5|signed_money:"USD" }} -> +1,234.50, or dots for who is discreet."""
    if writing.current().is_discreet:
        return numerals.HIDDEN
    return NOTHING if _is_missing(amount) else numerals.signed_money(amount, currency)


@register.filter
def price(value: Any, instrument: Any) -> str:
    """{{ quote.last|price:instrument }} -> 229.87, with the places of its tick size."""
    return NOTHING if _is_missing(value) else numerals.price(value, instrument.price_places)


@register.filter
def signed_price(value: Any, instrument: Any) -> str:
    """{{ change|signed_price:instrument }} -> +2.41"""
    return NOTHING if _is_missing(value) else numerals.signed(value, instrument.price_places)


@register.filter
def quantity(value: Any) -> str:
    """{{ 1200|quantity }} -> 1,200"""
    return NOTHING if _is_missing(value) else numerals.quantity(value)


@register.filter
def compact(value: Any) -> str:
    """{{ 11400000|compact }} -> 11.4 M"""
    return NOTHING if _is_missing(value) else numerals.compact(value)


@register.filter
def percent(value: Any, places: int = 2) -> str:
    """{{ -0.54|percent }} -> −0.54%"""
    return NOTHING if _is_missing(value) else f"{numerals.signed(value, places)}%"


@register.filter
def age(seconds: Any) -> str:
    """{{ 0.31|age }} -> 0.3 s"""
    return NOTHING if _is_missing(seconds) else numerals.age(seconds)


@register.filter
def direction(value: Any, places: int = 8) -> str:
    """{{ change|direction:2 }} -> up, down or flat: the class that colours and points."""
    return "flat" if _is_missing(value) else numerals.direction(value, places)


@register.filter
def plain_money(value: Any) -> str:
    """{{ cost_basis|plain_money }} -> 1234.5 for data attributes, nothing for who is discreet."""
    return "" if writing.current().is_discreet else plain(value)


@register.filter
def plain(value: Any) -> str:
    """{{ 229.87000000|plain }} -> 229.87, for data attributes."""
    return "" if _is_missing(value) else amounts.plain(value)


@register.filter
def in_field(value: Any) -> str:
    """{{ 229.87000000|in_field }} -> 229.87, for form fields: read back as the same number."""
    return "" if _is_missing(value) else typed.in_field(value)


@register.filter
def told(text: str) -> str:
    """{{ posted.description|told }}, {{ order.reason|told }}: without amounts for the discreet."""
    return discreet.sentence(text)


@register.filter
def refusal(error: Any) -> str:
    """{{ problem|refusal }}: why something was refused, without what one has for the discreet."""
    return discreet.refusal(error)


@register.filter
def written(told: Any) -> str:
    """{{ note|written }}: a sentence with its numbers as the reader writes them."""
    return discreet.written(told)


@register.filter
def tenth(value: Any) -> str:
    """{{ -2.14|tenth }} -> −2.1"""
    return NOTHING if _is_missing(value) else numerals.fixed(value, 1)


@register.filter
def unbroken(text: str) -> str:
    """{{ "ask 100.00 × 60, 2.0 s old"|unbroken }}: no line ends inside of price, size or time."""
    return _INSIDE.sub("\N{NO-BREAK SPACE}", text)
