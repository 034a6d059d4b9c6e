"""The statement of a period: an account's cash, what it traded and what its sales made.

A trade belongs to when it was booked, because its money moved then: so the trades of a period come
to its movements of trades, commission and fees, busts and corrections included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from accounts.models import Account
from accounts.period import CurrencyPeriod, period_shape, read_period
from bengi.errors import Malformed
from bengi.listing import midnight
from bengi.moments import one_moment
from bengi.money import ZERO, plain
from portfolios.models import LotClosing, PositionSplit
from trades.models import Trade
from trades.serializers import trade_shape
from trades.totals import TradeTotal, trade_totals

DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Realized:
    """What sales of one instrument made: proceeds - cost = realized_pnl, costs of trading in it."""

    symbol: str
    currency: str
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    realized_pnl: Decimal


@dataclass(frozen=True, slots=True)
class PeriodStatement:
    """Everything of an account from since to until, days in UTC, both included."""

    account: Account
    since: date
    until: date
    currencies: Sequence[CurrencyPeriod]
    trades: Sequence[Trade]
    trade_totals: Sequence[TradeTotal]
    realized: Sequence[Realized]

    @property
    def realized_totals(self) -> dict[str, Decimal]:
        """What sales made, by currency."""
        totals: dict[str, Decimal] = {}
        for row in self.realized:
            totals[row.currency] = totals.get(row.currency, ZERO) + row.realized_pnl
        return totals


@one_moment()
def read_period_statement(account: Account, since: date, until: date) -> PeriodStatement:
    """Return the statement of a period. Five statements of one moment, however much there is.

    Raises Malformed for more than DAYS_MAX days, for more movements than can be printed, and where
    until is before since.
    """
    if not 0 <= (until - since).days < DAYS_MAX:
        detail = f"Ask for 1 to {DAYS_MAX} days."
        raise Malformed("invalid_parameter", detail, field="to", limit=DAYS_MAX)
    currencies = read_period(account, since, until)
    starts_at, ends_at = midnight(since), midnight(until + timedelta(days=1))
    booked = Trade.objects.filter(account=account, booked_at__gte=starts_at, booked_at__lt=ends_at)
    shown = booked.select_related("instrument", "busted_by").order_by("booked_at", "exec_id")
    trades = list(shown)
    lieu = Q(closed_at__gte=starts_at, closed_at__lt=ends_at)
    lieu &= Q(trade_id__in=PositionSplit.objects.values("id"))
    closed = LotClosing.objects.filter(lot__portfolio__account=account)
    closed = closed.filter(Q(trade_id__in=booked.values("exec_id")) | lieu)
    realized = (
        closed.values_list("lot__instrument__symbol", "lot__instrument__currency")
        .annotate(
            all_quantity=Sum("quantity"),
            all_cost=Sum("cost"),
            all_proceeds=Sum("proceeds"),
            all_pnl=Sum("realized_pnl"),
        )
        .order_by("lot__instrument__symbol", "lot__instrument__currency")
    )
    made = [Realized(*row) for row in realized]
    return PeriodStatement(account, since, until, currencies, trades, trade_totals(booked), made)


def statement_of_period_shape(statement: PeriodStatement) -> dict[str, Any]:
    """Return the statement as JSON."""
    return {
        "account_id": str(statement.account.id),
        "from": statement.since.isoformat(),
        "to": statement.until.isoformat(),
        "currencies": [period_shape(each) for each in statement.currencies],
        "trades": [trade_shape(trade) for trade in statement.trades],
        "trade_totals": [
            {
                "currency": total.currency,
                "count": total.count,
                "bought": plain(total.bought),
                "sold": plain(total.sold),
                "commission": plain(total.commission),
                "fees": plain(total.fees),
                "net_amount": plain(total.net_amount),
            }
            for total in statement.trade_totals
        ],
        "realized": [
            {
                "symbol": row.symbol,
                "currency": row.currency,
                "quantity": plain(row.quantity),
                "cost": plain(row.cost),
                "proceeds": plain(row.proceeds),
                "realized_pnl": plain(row.realized_pnl),
            }
            for row in statement.realized
        ],
    }
