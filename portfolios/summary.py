"""What a portfolio is worth and what it has made: by position, by currency and in all.

Amounts of several currencies are never summed as they stand: each currency has its figures, and the
totals in the account's base currency name the rates they were reckoned at.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum

from accounts.models import CashBalance
from accounts.selectors import rates_at
from accounts.serializers import rate_shape
from accounts.valuing import Valuer
from bengi.money import ZERO, plain, plain_or_none, round_money, sum_or_none
from bengi.realtime.protocol import moment
from instruments.calendar import session_date
from instruments.corporate_actions import start_of_day
from portfolios.models import DividendEntitlement, Lot, LotClosing, Portfolio, Position
from portfolios.selectors import Holding, holdings_in, standing_closings
from portfolios.serializers import position_shape


@dataclass(frozen=True, slots=True)
class Figures:
    """Amounts of one currency; None where a price, or a rate, is not known.

    total_pnl = realized_pnl + unrealized_pnl + dividends, which are net of what was withheld.
    """

    market_value: Decimal | None
    cost_basis: Decimal | None
    cash: Decimal | None
    equity: Decimal | None
    day_pnl: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal | None
    dividends: Decimal | None
    total_pnl: Decimal | None


@dataclass(frozen=True, slots=True)
class PositionSummary:
    """A holding, which may be empty by now, with what it has made."""

    holding: Holding
    day_pnl: Decimal | None
    realized_pnl: Decimal
    dividends: Decimal

    @property
    def total_pnl(self) -> Decimal | None:
        unrealized = self.holding.unrealized_pnl
        return None if unrealized is None else self.realized_pnl + unrealized + self.dividends


@dataclass(frozen=True, slots=True)
class Summary:
    """cash is the account's: portfolios of one account share it."""

    portfolio: Portfolio
    as_of: datetime
    positions: list[PositionSummary]
    by_currency: dict[str, Figures]
    total: Figures
    valuer: Valuer


@dataclass(slots=True)
class _Day:
    """What a day has brought to one holding: shares and money, in the shares of today."""

    bought: Decimal = ZERO
    paid: Decimal = ZERO
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO


def summary_of(portfolio: Portfolio, now: datetime) -> Summary:
    """Return the figures of a portfolio, its account read with it. A fixed number of statements."""
    holdings = holdings_in(Position.objects.filter(portfolio=portfolio))
    days = _days(portfolio, holdings, now)
    realized = _realized(portfolio)
    dividends = _dividends(portfolio)
    positions = [
        PositionSummary(
            each,
            _day_pnl(each, days[each.instrument.id]),
            realized.get(each.instrument.id, ZERO),
            dividends.get(each.instrument.id, ZERO),
        )
        for each in holdings
    ]
    by_currency = _by_currency(positions, _cash(portfolio))
    valuer = Valuer.of(portfolio.account.base_currency, rates_at(now))
    return Summary(portfolio, now, positions, by_currency, _in_all(by_currency, valuer), valuer)


def summary_shape(summary: Summary) -> dict[str, Any]:
    """Return the summary as JSON; total is in base_currency, at rates."""
    used, missing = summary.valuer.used, summary.valuer.missing
    unpriced = [each.holding for each in summary.positions if each.holding.market_value is None]
    return {
        "portfolio_id": str(summary.portfolio.id),
        "account_id": str(summary.portfolio.account_id),
        "as_of": moment(summary.as_of),
        "base_currency": summary.valuer.currency,
        "total": figures_shape(summary.total),
        "by_currency": [
            {"currency": currency, **figures_shape(figures)}
            for currency, figures in sorted(summary.by_currency.items())
        ],
        "positions": [_position_shape(each) for each in summary.positions],
        "rates": [
            rate_shape(rate) for _, rate in sorted(used.items(), key=lambda it: sorted(it[0]))
        ],
        "missing_rates": sorted(missing),
        "unpriced": [each.instrument.symbol for each in unpriced],
    }


def figures_shape(figures: Figures) -> dict[str, str | None]:
    """Return figures as JSON."""
    return {name: plain_or_none(value) for name, value in asdict(figures).items()}


def _position_shape(each: PositionSummary) -> dict[str, Any]:
    return position_shape(each.holding) | {
        "day_pnl": plain_or_none(each.day_pnl),
        "realized_pnl": plain(each.realized_pnl),
        "dividends": plain(each.dividends),
        "total_pnl": plain_or_none(each.total_pnl),
    }


def _days(portfolio: Portfolio, holdings: Iterable[Holding], now: datetime) -> dict[UUID, _Day]:
    """Return what each holding's day has brought: the day of its newest quote, where it trades."""
    starts = {each.instrument.id: _day_start(each, now) for each in holdings}
    days: dict[UUID, _Day] = defaultdict(_Day)
    if not starts:
        return days
    first = min(starts.values())
    lots = Lot.objects.filter(portfolio=portfolio, opened_at__gte=first, busted_by=None)
    for instrument_id, at, quantity, cost in lots.values_list(
        "instrument_id", "opened_at", "quantity", "cost"
    ):
        if at >= starts[instrument_id]:
            days[instrument_id].bought += quantity
            days[instrument_id].paid += cost
    closings = standing_closings().filter(lot__portfolio=portfolio, closed_at__gte=first)
    for instrument_id, at, quantity, proceeds in closings.values_list(
        "lot__instrument_id", "closed_at", "quantity", "proceeds"
    ):
        if at >= starts[instrument_id]:
            days[instrument_id].sold += quantity
            days[instrument_id].proceeds += proceeds
    return days


def _day_start(each: Holding, now: datetime) -> datetime:
    mic, tick = each.instrument.mic, each.tick
    return start_of_day(mic, session_date(mic, tick.as_of if tick else now), "exchange")


def _day_pnl(each: Holding, day: _Day) -> Decimal | None:
    """Return what the day has made of what was held at its start, and of what came and went.

    Worth now - worth at the previous close - what buys cost + what sales brought, costs included.
    None where a price is missing that counts.
    """
    before = each.quantity - day.bought + day.sold
    previous = each.tick.previous_close if each.tick else None
    if each.market_value is None or (before and previous is None):
        return None
    was_worth = before * previous if previous is not None else ZERO
    change = each.market_value - was_worth - day.paid + day.proceeds
    return round_money(change, each.instrument.currency)


def _realized(portfolio: Portfolio) -> dict[UUID, Decimal]:
    closings = LotClosing.objects.filter(lot__portfolio=portfolio)
    rows = closings.values_list("lot__instrument_id").annotate(total=Sum("realized_pnl"))
    return dict(rows.order_by())


def _dividends(portfolio: Portfolio) -> dict[UUID, Decimal]:
    paid = DividendEntitlement.objects.filter(portfolio=portfolio, paid_at__isnull=False)
    rows = paid.values_list("action__instrument_id").annotate(
        gross=Sum("gross_amount"), withheld=Sum("withheld_amount")
    )
    return {key: gross - withheld for key, gross, withheld in rows.order_by()}


def _cash(portfolio: Portfolio) -> dict[str, Decimal]:
    balances = CashBalance.objects.filter(account_id=portfolio.account_id)
    return dict(balances.values_list("currency", "amount"))


def _by_currency(
    positions: Iterable[PositionSummary], cash: Mapping[str, Decimal]
) -> dict[str, Figures]:
    grouped: dict[str, list[PositionSummary]] = {currency: [] for currency in cash}
    for each in positions:
        grouped.setdefault(each.holding.instrument.currency, []).append(each)
    return {
        currency: _figures(group, cash.get(currency, ZERO)) for currency, group in grouped.items()
    }


def _figures(group: Iterable[PositionSummary], cash: Decimal) -> Figures:
    rows = list(group)
    value = sum_or_none(each.holding.market_value for each in rows)
    return Figures(
        market_value=value,
        cost_basis=sum_or_none(each.holding.cost_basis for each in rows),
        cash=cash,
        equity=None if value is None else cash + value,
        day_pnl=sum_or_none(each.day_pnl for each in rows),
        unrealized_pnl=sum_or_none(each.holding.unrealized_pnl for each in rows),
        realized_pnl=sum_or_none(each.realized_pnl for each in rows),
        dividends=sum_or_none(each.dividends for each in rows),
        total_pnl=sum_or_none(each.total_pnl for each in rows),
    )


def _in_all(by_currency: Mapping[str, Figures], valuer: Valuer) -> Figures:
    """Return the figures in the valuer's currency; sums of rounded parts stay sums."""
    totals = {
        name: valuer.total({key: getattr(each, name) for key, each in by_currency.items()})
        for name in (field.name for field in fields(Figures))
    }
    for whole, parts in _SUMS.items():
        totals[whole] = sum_or_none(totals[part] for part in parts)
    return Figures(**totals)


_SUMS = {
    "equity": ("market_value", "cash"),
    "total_pnl": ("realized_pnl", "unrealized_pnl", "dividends"),
}
