"""Which orders a list shows, as people choose it, and what those come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.http import QueryDict

from bengi.filters import ChoiceFilter, FilterForm, SymbolFilter
from bengi.money import ZERO
from bengi.templatetags.parts import words
from bengi.terms import OrderStatus, OrderType, Side
from orders.models import Order

STATUSES = [
    ("open", "Open"),
    ("closed", "Closed"),
    *((status.value, words(status)) for status in OrderStatus),
]
_NOT_ASKED = ("account", "portfolio", "group_id", "client_order_id")
"""What orders_where() may be told, and the page does not ask."""


class OrdersFilter(FilterForm):
    """The filters of the list of orders; from and to are days of acceptance."""

    symbol = SymbolFilter()
    status = ChoiceFilter(STATUSES, label="Status", every="All")
    side = ChoiceFilter([(side, words(side)) for side in Side], label="Side", every="Both")
    type = ChoiceFilter([(kind, words(kind)) for kind in OrderType], label="Type", every="All")

    def __init__(self, asked: QueryDict | Mapping[str, str]) -> None:
        super().__init__(_renamed(asked))

    @property
    def where(self) -> dict[str, Any]:
        """What is looked for, as orders_where() takes it."""
        asked = self.query
        return {**dict.fromkeys(_NOT_ASKED), **asked, "status": asked["status"] or "all"}


def _renamed(asked: QueryDict | Mapping[str, str]) -> dict[str, str]:
    """Return what is asked for, show, as status was once called, under its name."""
    values = {name: str(asked[name]) for name in asked}
    shown = values.pop("show", "")
    return values if shown in {"", "all"} else {"status": shown, **values}


@dataclass(frozen=True, slots=True)
class OrdersTotal:
    """Orders in instruments of one currency: how many, what they hold and what they have cost."""

    currency: str
    count: int
    open: int
    filled: int
    reserved: Decimal
    commission: Decimal
    fees: Decimal


def orders_totals(orders: QuerySet[Order]) -> list[OrdersTotal]:
    """Return what orders come to, by currency. One statement."""
    rows = (
        orders.order_by()
        .values_list("instrument__currency")
        .annotate(
            count=Count("id"),
            open=Count("id", filter=Q(closed_at__isnull=True)),
            filled=Count("id", filter=Q(status=OrderStatus.FILLED)),
            held=Sum("reserved"),
            commissions=Sum("commission"),
            all_fees=Sum("fees"),
        )
        .order_by("instrument__currency")
    )
    return [
        OrdersTotal(currency, count, open_count, filled, *(amount or ZERO for amount in amounts))
        for currency, count, open_count, filled, *amounts in rows
    ]
