"""What pages ask about replacing an order."""

from django import template

from orders.models import Order
from orders.replacing import may_be_replaced

register = template.Library()


@register.filter
def replaceable(order: Order) -> bool:
    """{% if order|replaceable %}: a replace of it may be asked for as it stands."""
    return may_be_replaced(order)
