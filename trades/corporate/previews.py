"""What a corporate action would do, worked out on rows that are never written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from bengi.money import plain
from instruments.corporate_actions import start_of_day
from instruments.models import CorporateAction
from portfolios.models import Portfolio
from trades.corporate.dividends import entitlements
from trades.corporate.proposals import check_open
from trades.corporate.rows import SplitRows, load
from trades.corporate.splitting import split

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class HoldingLine:
    """A position before and after a split; lots as pairs of shares left, before and after."""

    owner: str
    portfolio: str
    quantity_before: Decimal
    quantity_after: Decimal
    cash_in_lieu: Decimal
    cost: Decimal
    lots: list[tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An open order before and after: becomes is what its event would be."""

    owner: str
    order_id: str
    side: str
    type: str
    becomes: str
    before: dict[str, str | None]
    after: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class DividendLine:
    """What a portfolio would be paid."""

    owner: str
    portfolio: str
    quantity: Decimal
    gross_amount: Decimal
    withheld_amount: Decimal
    net_amount: Decimal


@dataclass(slots=True)
class Preview:
    """What would change, as things stand."""

    action: CorporateAction
    holdings: list[HoldingLine] = field(default_factory=list)
    orders: list[OrderLine] = field(default_factory=list)
    dividends: list[DividendLine] = field(default_factory=list)

    @property
    def accounts(self) -> int:
        """How many people it concerns."""
        lines: list[Any] = [*self.holdings, *self.orders, *self.dividends]
        return len({line.owner for line in lines})

    @property
    def cash(self) -> Decimal:
        """What it pays out in all: cash in lieu of fractions, or net dividends."""
        lieu = (line.cash_in_lieu for line in self.holdings)
        return sum(lieu, Decimal(0)) + sum((d.net_amount for d in self.dividends), Decimal(0))

    def words(self) -> Iterator[str]:
        """Yield the preview line by line, as a command prints it."""
        yield f"{self.action.instrument.symbol}: {self.action}, {self.action.status}"
        for held in self.holdings:
            shares = f"{plain(held.quantity_before)} -> {plain(held.quantity_after)}"
            lots = ", ".join(f"{plain(old)} -> {plain(new)}" for old, new in held.lots)
            cash = f", cash in lieu {plain(held.cash_in_lieu)}" if held.cash_in_lieu else ""
            yield f"  {held.owner} {held.portfolio}: {shares} (lots {lots}){cash}"
        for line in self.orders:
            yield f"  {line.owner} {line.side} {line.type} {line.order_id}: {line.becomes}"
            yield f"    before {_terms(line.before)}"
            yield f"    after  {_terms(line.after)}"
        for paid in self.dividends:
            amounts = f"{plain(paid.gross_amount)} less {plain(paid.withheld_amount)}"
            where = f"{paid.owner} {paid.portfolio}"
            yield f"  {where}: {plain(paid.quantity)} shares, {amounts}, {plain(paid.net_amount)}"
        yield f"{self.accounts} accounts, {plain(self.cash)} in cash; nothing has been written."


def preview(action: CorporateAction, now: datetime) -> Preview:
    """Return what the action would do to the books as they are now. Writes nothing.

    For a dividend whose ex-date has not begun, holders are those of now. Raises Conflict
    corporate_action_closed for an action that has been applied or canceled.
    """
    check_open(action)
    mic, mode = action.instrument.mic, settings.MARKET_HOURS
    action.effective_at = action.effective_at or start_of_day(mic, action.ex_date, mode)
    if not action.is_split:
        return _dividend(action, min(now + _INSTANT, action.effective_at))
    rows = load(action, now)
    lefts = {lot.id: lot.remaining_quantity for lots in rows.lots.values() for lot in lots}
    split(rows)
    owners = _owners({*rows.positions, *(order.portfolio_id for order in rows.orders)})
    return Preview(
        action, holdings=list(_holdings(rows, lefts, owners)), orders=list(_orders(rows, owners))
    )


def _dividend(action: CorporateAction, at: datetime) -> Preview:
    found = entitlements(action, at)
    owners = _owners({row.portfolio_id for row in found})
    lines = [
        DividendLine(
            owner=owners[row.portfolio_id].account.user.email,
            portfolio=row.portfolio.name,
            quantity=row.quantity,
            gross_amount=row.gross_amount,
            withheld_amount=row.withheld_amount,
            net_amount=row.gross_amount - row.withheld_amount,
        )
        for row in found
    ]
    return Preview(action, dividends=lines)


def _holdings(
    rows: SplitRows, lefts: dict[UUID, Decimal], owners: dict[UUID, Portfolio]
) -> Iterator[HoldingLine]:
    for record in rows.position_splits:
        portfolio = owners[record.portfolio_id]
        lots = rows.lots.get(record.portfolio_id, [])
        yield HoldingLine(
            owner=portfolio.account.user.email,
            portfolio=portfolio.name,
            quantity_before=record.quantity_before,
            quantity_after=record.quantity_after,
            cash_in_lieu=record.cash_in_lieu,
            cost=record.cost_before,
            lots=[(lefts[lot.id], lot.remaining_quantity) for lot in lots],
        )


def _orders(rows: SplitRows, owners: dict[UUID, Portfolio]) -> Iterator[OrderLine]:
    """Yield a line per order; one that another carries on shows what that one wants."""
    orders = {order.id: order for order in [*rows.orders, *rows.new_orders]}
    for event in rows.events:
        if event.subject not in orders or event.type == "order.replaced":
            continue
        order = orders[event.subject]
        (step,) = event.payload["steps"]
        is_heir = order in rows.new_orders
        yield OrderLine(
            owner=owners[order.portfolio_id].account.user.email,
            order_id=str(order.replaces_id if is_heir else order.id),
            side=str(order.side),
            type=str(order.type),
            becomes="replaced" if is_heir else event.type.removeprefix("order."),
            before=step["before"],
            after=step["after"],
        )


def _owners(portfolio_ids: set[UUID]) -> dict[UUID, Portfolio]:
    found = Portfolio.objects.filter(id__in=portfolio_ids).select_related("account__user")
    return {portfolio.id: portfolio for portfolio in found}


def _terms(values: dict[str, str | None]) -> str:
    told = [f"{name} {value}" for name, value in values.items() if value is not None]
    return ", ".join(told)
