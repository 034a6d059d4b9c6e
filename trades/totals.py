"""What trades come to, by currency, busts taken off."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, IntegerField, Q, QuerySet, Sum, Value, When

from bengi.money import ZERO
from bengi.terms import Side
from trades.models import Trade


@dataclass(frozen=True, slots=True)
class TradeTotal:
    """The trades of one currency, busts taken off. net_amount is what cash changed by."""

    currency: str
    count: int
    bought: Decimal
    sold: Decimal
    commission: Decimal
    fees: Decimal
    net_amount: Decimal


def trade_totals(trades: QuerySet[Trade]) -> list[TradeTotal]:
    """Return what trades come to, by currency. One statement."""
    one = Case(When(busts__isnull=False, then=Value(-1)), default=Value(1))
    rows = (
        trades.order_by()
        .values_list("currency")
        .annotate(
            number=Sum(one, output_field=IntegerField()),
            bought=Sum("gross_amount", filter=Q(side=Side.BUY)),
            sold=Sum("gross_amount", filter=Q(side=Side.SELL)),
            commissions=Sum("commission"),
            all_fees=Sum("fees"),
            net=Sum("net_amount"),
        )
        .order_by("currency")
    )
    return [
        TradeTotal(currency, count, *(amount or ZERO for amount in amounts))
        for currency, count, *amounts in rows
    ]
