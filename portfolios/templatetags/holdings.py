"""Filters over what a portfolio holds."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bengi.numerals import signed
from bengi.templatetags.numbers import NOTHING
from portfolios.selectors import Holding

register = template.Library()


@register.filter
def return_percent(holding: Holding) -> str:
    """{{ holding|return_percent }} -> +7.5%: the unrealized gain as a share of the cost."""
    if holding.unrealized_pnl is None or not holding.cost_basis:
        return NOTHING
    return f"{signed(holding.unrealized_pnl / holding.cost_basis * 100, 1)}%"


@register.simple_tag
def sort_by(name: str, words: str, sort: str) -> SafeString:
    """{% sort_by "market_value" "Value" sort %}: the head of a column, which sorts by it.

    Numbers begin with the greatest, symbols with A; the same again turns the order.
    """
    first = name if name == "symbol" else f"-{name}"
    turned = {name: f"-{name}", f"-{name}": name}.get(sort, first)
    mark = {name: " \N{UPWARDS ARROW}", f"-{name}": " \N{DOWNWARDS ARROW}"}.get(sort, "")
    return format_html('<a href="?sort={}">{}{}</a>', turned, words, mark)


@register.filter
def sorted_by(sort: str, name: str) -> str:
    """{{ sort|sorted_by:"symbol" }} -> ascending, descending or none, for aria-sort"""
    return {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
