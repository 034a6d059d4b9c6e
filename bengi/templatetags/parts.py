"""Small parts of a page that are more than a filter: icons, words for what an order is."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bengi.terms import Leg, OrderClass, OrderStatus, OrderType, TimeInForce

register = template.Library()

_ICON = '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>'
_MARKS = {
    OrderStatus.HELD: "pending",
    OrderStatus.PENDING_CANCEL: "pending",
    OrderStatus.PENDING_REPLACE: "pending",
    OrderStatus.PARTIALLY_FILLED: "part",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "gone",
    OrderStatus.EXPIRED: "gone",
    OrderStatus.REPLACED: "gone",
    OrderStatus.REJECTED: "bad",
}
_TIMES = {
    TimeInForce.DAY: "good for today",
    TimeInForce.GTC: "good till canceled",
    TimeInForce.GTD: "good until a date",
    TimeInForce.IOC: "immediate or cancel",
    TimeInForce.FOK: "fill or kill",
    TimeInForce.OPG: "at the open",
    TimeInForce.CLS: "at the close",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """{% icon "search" %}: a drawing of the sprite, hidden from screen readers."""
    return format_html(_ICON, static("icons.svg"), name)


@register.simple_tag
def status(value: str) -> SafeString:
    """{% status order.status %}: the word with its mark; marks differ in shape, not in colour."""
    mark = _MARKS.get(OrderStatus(value))
    kind = f"status status--{mark}" if mark else "status"
    return format_html('<span class="{}">{}</span>', kind, words(value))


@register.filter
def words(value: str) -> str:
    """{{ "partially_filled"|words }} -> Partially filled"""
    return str(value).replace("_", " ").capitalize()


@register.filter
def in_force(value: str) -> str:
    """{{ "gtc"|in_force }} -> good till canceled"""
    return _TIMES.get(TimeInForce(value), str(value))


@register.filter
def order_price(order: object) -> object:
    """Return the price an order names: its limit, else its stop, else None (at market)."""
    limit = getattr(order, "limit_price", None)
    return limit if limit is not None else getattr(order, "stop_price", None)


@register.filter
def part(order: object) -> str:
    """{{ order|part }} -> Take profit, or Bracket: what an order is to its group."""
    return words(getattr(order, "leg", "")) or group_words(getattr(order, "order_class", ""))


@register.filter
def is_below(order: object) -> bool:
    """Say whether a list shows an order below another: legs below their entry or oco."""
    is_stop = getattr(order, "leg", "") == Leg.STOP_LOSS
    return is_stop or getattr(order, "parent_id", None) is not None


def group_words(order_class: str) -> str:
    """Return how people write a class of order: Bracket, OCO."""
    return words(order_class) if order_class == OrderClass.BRACKET else order_class.upper()


@register.filter
def is_market(order_type: str) -> bool:
    """{% if order.type|is_market %}"""
    return order_type == OrderType.MARKET
