"""What trading in one account has come to: in all, by symbol, and by day, week or month.

Only what stands is counted: neither busts nor what they took back. A trade belongs to the day its
exchange counts it to; currencies are never summed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Sum

from bengi.money import ZERO, minor_unit, plain
from bengi.terms import Side
from portfolios.selectors import standing_closings
from trades.selectors import standing_trades

DAYS_MAX = 366
RATIO = Decimal("0.0001")


class Period(StrEnum):
    """What trades are put together by; a week begins on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, day: date) -> date:
        """Return the first day of the period that day is in."""
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Period.MONTH else day


class Place(NamedTuple):
    """Where a trade counts."""

    currency: str
    symbol: str
    day: date


@dataclass(slots=True)
class Tally:
    """Trades of one currency, added up. A sale is a win when its closings made money after costs.

    volume is the sum of gross amounts, quantity of shares; fees with regulatory ones, without
    commission. What neither made nor lost money is neither win nor loss.
    """

    count: int = 0
    quantity: Decimal = ZERO
    volume: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    commission: Decimal = ZERO
    fees: Decimal = ZERO
    sales: int = 0
    wins: int = 0
    losses: int = 0
    won: Decimal = ZERO
    lost: Decimal = ZERO

    def add(self, other: "Tally") -> None:
        """Add what another has counted."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def realized_pnl(self) -> Decimal:
        return self.won + self.lost

    @property
    def win_rate(self) -> Decimal | None:
        """Wins per sale, to 4 places; None without sales."""
        return (Decimal(self.wins) / self.sales).quantize(RATIO) if self.sales else None


@dataclass(frozen=True, slots=True)
class TradesSummary:
    """Tallies by place; everything else is made of them."""

    account_id: UUID
    since: date
    until: date
    period: Period
    tallies: Mapping[Place, Tally]


def summarize(account_id: UUID, since: date, until: date, period: Period) -> TradesSummary:
    """Return what the account traded from since to until. Three statements."""
    trades = standing_trades().filter(
        account_id=account_id, trade_date__gte=since, trade_date__lte=until
    )
    tallies: dict[Place, Tally] = {}
    for place, tally in _traded(trades):
        tallies.setdefault(place, Tally()).add(tally)
    for place, tally in _realized(trades.filter(side=Side.SELL)):
        tallies[place].add(tally)
    return TradesSummary(account_id, since, until, period, tallies)


def summary_shape(summary: TradesSummary) -> dict[str, Any]:
    """Return the summary as JSON; every row is of one currency."""
    period = summary.period
    by_symbol = _grouped(summary, lambda place: (place.symbol, place.currency))
    by_period = _grouped(summary, lambda place: (period.start(place.day), place.currency))
    totals = _grouped(summary, lambda place: (place.currency,))
    return {
        "account_id": str(summary.account_id),
        "from": summary.since.isoformat(),
        "to": summary.until.isoformat(),
        "period": str(period),
        "totals": [tally_shape(currency, tally) for (currency,), tally in totals],
        "by_symbol": [
            {"symbol": symbol, **tally_shape(currency, tally)}
            for (symbol, currency), tally in by_symbol
        ],
        "by_period": [
            {"starts_on": start.isoformat(), **tally_shape(currency, tally)}
            for (start, currency), tally in by_period
        ],
    }


def tally_shape(currency: str, tally: Tally) -> dict[str, Any]:
    """Return one tally as JSON; averages are of wins and of losses, null without any."""
    rate = tally.win_rate
    return {
        "currency": currency,
        "count": tally.count,
        "quantity": plain(tally.quantity),
        "volume": plain(tally.volume),
        "bought": plain(tally.bought),
        "sold": plain(tally.sold),
        "commission": plain(tally.commission),
        "fees": plain(tally.fees),
        "realized_pnl": plain(tally.realized_pnl),
        "sales": tally.sales,
        "wins": tally.wins,
        "losses": tally.losses,
        "win_rate": None if rate is None else plain(rate),
        "average_win": _average(tally.won, tally.wins, currency),
        "average_loss": _average(tally.lost, tally.losses, currency),
    }


def _traded(trades: Any) -> Iterable[tuple[Place, Tally]]:
    rows = (
        trades.values_list("currency", "instrument__symbol", "trade_date", "side")
        .annotate(
            count=Count("exec_id"),
            shares=Sum("quantity"),
            gross=Sum("gross_amount"),
            paid=Sum("commission"),
            fees=Sum("fees"),
        )
        .order_by()
    )
    for currency, symbol, day, side, count, shares, gross, paid, fees in rows:
        bought, sold = (gross, ZERO) if side == Side.BUY else (ZERO, gross)
        yield (
            Place(currency, symbol, day),
            Tally(count, shares, gross, bought, sold, commission=paid, fees=fees),
        )


def _realized(sales: Any) -> Iterable[tuple[Place, Tally]]:
    """Yield a tally for each sale, of what it made or lost."""
    places = {
        exec_id: Place(*place)
        for exec_id, *place in sales.values_list(
            "exec_id", "currency", "instrument__symbol", "trade_date"
        )
    }
    closings = standing_closings().filter(trade_id__in=sales.order_by().values("exec_id"))
    made = closings.values_list("trade_id").annotate(total=Sum("realized_pnl")).order_by()
    for exec_id, total in made:
        tally = Tally(sales=1)
        if total > 0:
            tally.wins, tally.won = 1, total
        elif total < 0:
            tally.losses, tally.lost = 1, total
        yield places[exec_id], tally


def _grouped(
    summary: TradesSummary, key: Callable[[Place], tuple[Any, ...]]
) -> list[tuple[tuple[Any, ...], Tally]]:
    groups: dict[tuple[Any, ...], Tally] = {}
    for place, tally in summary.tallies.items():
        groups.setdefault(key(place), Tally()).add(tally)
    return sorted(groups.items(), key=itemgetter(0))


def _average(total: Decimal, count: int, currency: str) -> str | None:
    return plain((total / count).quantize(minor_unit(currency))) if count else None
