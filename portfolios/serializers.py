"""Portfolios, positions and lots as JSON. Decimals are strings, times RFC 3339 in UTC."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bengi.inputs import ChangesInput, DaysInput, Input, NameField, TextField, UUIDField, WordField
from bengi.listing import CsvForm, FileInput, OrderingField
from bengi.money import plain, plain_or_none
from bengi.pagination import PageInput
from bengi.realtime.protocol import moment
from bengi.terms import CostBasisMethod
from portfolios.holding_period import HoldingPeriod
from portfolios.models import Lot, LotClosing, LotSplit, Portfolio
from portfolios.selectors import Holding

POSITION_ORDERS = ("symbol", "quantity", "cost_basis", "market_value", "unrealized_pnl")


class PortfolioInput(Input):
    """A portfolio's settings, all of them."""

    name = NameField()
    cost_basis_method = WordField(list(CostBasisMethod))


class PortfolioChangesInput(ChangesInput):
    """What of a portfolio is to be different; what is absent stays."""

    name = NameField(required=False)
    cost_basis_method = WordField(list(CostBasisMethod), required=False)


class OpenPortfolioInput(Input):
    """Another portfolio; who has one open account need not name it."""

    name = NameField()
    cost_basis_method = WordField(list(CostBasisMethod), default=CostBasisMethod.FIFO)
    account_id = UUIDField(default=None, allow_null=True)


class PortfoliosInput(PageInput):
    """Which portfolios: those of one account, or all of accounts that are not closed."""

    account = UUIDField(default=None)
    ordering = OrderingField({"created": ("id",)}, default="created")


class PositionsInput(Input):
    """One page; what has no price comes last."""

    symbol = TextField(max_length=16, default=None)
    ordering = WordField(
        [sign + name for name in POSITION_ORDERS for sign in ("", "-")], default="symbol"
    )
    format = WordField(("json", "csv"), default=None)


class LotsInput(FileInput):
    """Which lots: open ones, or with closed=true those that sales have closed, in part or all."""

    symbol = TextField(max_length=16, default=None)
    closed = WordField(["true", "false"], default="false")
    ordering = OrderingField(
        {
            "opened_at": ("opened_at", "id"),
            "symbol": ("instrument__symbol", "opened_at", "id"),
            "cost": ("cost", "id"),
        },
        default="opened_at",
    )


class HistoryInput(DaysInput):
    """Which days; without them the last thirty."""


class PerformanceInput(DaysInput):
    """Which days, without them all since there was money, and a symbol to compare with."""

    benchmark = TextField(max_length=16, default=None)
    format = WordField(("json", "csv"), default=None)


def portfolio_shape(portfolio: Portfolio) -> dict[str, Any]:
    """Return the portfolio and how its sales choose lots."""
    return {
        "id": str(portfolio.id),
        "account_id": str(portfolio.account_id),
        "name": portfolio.name,
        "cost_basis_method": str(portfolio.cost_basis_method),
    }


def lot_shape(lot: Lot, today: HoldingPeriod) -> dict[str, Any]:
    """Return a lot, closings and splits prefetched: cost_basis and unit_cost are of what is left.

    Quantities of the lot are in the shares of today, those of a closing in the shares of its day.
    """
    left = lot.remaining_quantity
    unit_cost = (lot.remaining_cost / left).quantize(Decimal("1e-8")) if left else None
    return {
        "lot_id": str(lot.id),
        "exec_id": str(lot.trade_id),
        "symbol": lot.instrument.symbol,
        "currency": lot.instrument.currency,
        "opened_at": moment(lot.opened_at),
        "quantity": plain(lot.quantity),
        "remaining_quantity": plain(left),
        "cost": plain(lot.cost),
        "cost_basis": plain(lot.remaining_cost),
        "unit_cost": plain_or_none(unit_cost),
        "holding_days": today.days,
        "term": today.term,
        "busted_by": str(lot.busted_by) if lot.busted_by else None,
        "closings": [closing_shape(closing, lot) for closing in lot.closings.all()],
        "splits": [lot_split_shape(each) for each in lot.splits.all()],
    }


def lot_split_shape(each: LotSplit) -> dict[str, Any]:
    """Return what a split did to a lot; a closing with its id as exec_id was paid in lieu."""
    action = each.split.action
    return {
        "id": str(each.split_id),
        "action_id": str(action.id),
        "ratio_to": action.ratio_to,
        "ratio_from": action.ratio_from,
        "ex_date": action.ex_date.isoformat(),
        "quantity_before": plain(each.quantity_before),
        "quantity_after": plain(each.quantity_after),
        "remaining_before": plain(each.remaining_before),
        "remaining_after": plain(each.remaining_after),
    }


def closing_shape(closing: LotClosing, lot: Lot) -> dict[str, Any]:
    """Return what one sale took out of a lot, or, negative, its bust put back; net of fees."""
    held = HoldingPeriod.of(lot, closing.closed_at)
    return {
        "exec_id": str(closing.trade_id),
        "lot_id": str(lot.id),
        "opened_at": moment(lot.opened_at),
        "closed_at": moment(closing.closed_at),
        "method": str(closing.method),
        "quantity": plain(closing.quantity),
        "cost": plain(closing.cost),
        "proceeds": plain(closing.proceeds),
        "fees": plain(closing.fees),
        "realized_pnl": plain(closing.realized_pnl),
        "holding_days": held.days,
        "term": held.term,
    }


def position_shape(holding: Holding) -> dict[str, Any]:
    """Return a holding; its worth is null while no price is known."""
    return {
        "id": str(holding.position.id),
        "portfolio_id": str(holding.position.portfolio_id),
        "symbol": holding.instrument.symbol,
        "name": holding.instrument.name,
        "currency": holding.instrument.currency,
        "quantity": plain(holding.quantity),
        "reserved_quantity": plain(holding.reserved_quantity),
        "unit_cost": plain(holding.unit_cost),
        "cost_basis": plain(holding.cost_basis),
        "last": plain_or_none(holding.last),
        "market_value": plain_or_none(holding.market_value),
        "unrealized_pnl": plain_or_none(holding.unrealized_pnl),
    }


def sorted_holdings(holdings: Iterable[Holding], ordering: str) -> list[Holding]:
    """Return holdings, by symbol, in another of POSITION_ORDERS; what has no value is last."""
    name = ordering.lstrip("-")
    if name == "symbol":
        return sorted(holdings, key=lambda each: each.instrument.symbol, reverse=ordering != name)
    told = [each for each in holdings if getattr(each, name) is not None]
    told.sort(key=lambda each: Decimal(getattr(each, name)), reverse=ordering != name)
    return told + [each for each in holdings if getattr(each, name) is None]


POSITIONS_FILE = CsvForm(
    "positions",
    (
        *("symbol", "name", "currency", "quantity", "reserved_quantity", "unit_cost"),
        *("cost_basis", "last", "market_value", "unrealized_pnl", "id", "portfolio_id"),
    ),
)
PERFORMANCE_FILE = CsvForm(
    "performance",
    (
        *("date", "equity", "deposited", "withdrawn", "index"),
        *("benchmark_index", "benchmark_value"),
    ),
)
LOTS_FILE = CsvForm(
    "lots",
    (
        *("opened_at", "symbol", "currency", "quantity", "remaining_quantity", "cost"),
        *("cost_basis", "unit_cost", "holding_days", "term", "lot_id", "exec_id", "busted_by"),
    ),
)
