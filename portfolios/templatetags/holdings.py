"""Filters over what a portfolio holds."""

from django import template

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
