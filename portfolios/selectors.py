"""Portfolios and what they hold, as their owner may see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery, Sum

from accounts.models import User
from accounts.selectors import trade_moments
from bengi.errors import NotFound
from bengi.money import QUANTUM, ZERO, round_money
from bengi.terms import AccountStatus
from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.selectors import latest_quotes
from portfolios.models import (
    DividendEntitlement,
    Lot,
    LotClosing,
    LotSplit,
    Portfolio,
    Position,
    PositionSplit,
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A position with what it cost and what it is worth at the last price, in its currency.

    tick is its newest quote; market_value and unrealized_pnl are None while no price is known.
    """

    position: Position
    instrument: Instrument
    quantity: Decimal
    reserved_quantity: Decimal
    cost_basis: Decimal
    unit_cost: Decimal
    tick: Tick | None
    market_value: Decimal | None
    unrealized_pnl: Decimal | None

    @property
    def last(self) -> Decimal | None:
        return None if self.tick is None else self.tick.last


def portfolios_of(user: User) -> QuerySet[Portfolio]:
    """Return the user's portfolios, oldest first, with their accounts."""
    found = Portfolio.objects.filter(account__user=user)
    return found.select_related("account").order_by("id")


def open_portfolios_of(user: User) -> QuerySet[Portfolio]:
    """Return those of the user's portfolios whose accounts are not closed, oldest first."""
    return portfolios_of(user).exclude(account__status=AccountStatus.CLOSED)


def portfolio_of(user: User, portfolio_id: UUID) -> Portfolio:
    """Return a portfolio of the user's. Raises NotFound for an absent one and for others'."""
    portfolio = portfolios_of(user).filter(id=portfolio_id).first()
    if portfolio is None:
        raise NotFound
    return portfolio


def positions_of(portfolio: Portfolio) -> list[Holding]:
    """Return what the portfolio holds, by symbol. One statement, two without live quotes."""
    return holdings_in(Position.objects.filter(portfolio=portfolio, quantity__gt=0))


def position_of(user: User, position_id: UUID) -> Position:
    """Return a position of the user's, with portfolio and instrument; it may be empty by now.

    Raises NotFound for an absent one and for others'.
    """
    found = Position.objects.filter(portfolio__account__user=user, id=position_id)
    position = found.select_related("portfolio__account", "instrument").first()
    if position is None:
        raise NotFound
    return position


def holding_of(user: User, position_id: UUID) -> Holding:
    """Return a position of the user's with its cost and worth. Raises NotFound."""
    position_of(user, position_id)
    (holding,) = holdings_in(Position.objects.filter(id=position_id))
    return holding


def held_in(portfolios: Iterable[Portfolio]) -> list[Holding]:
    """Return what the portfolios hold, one after the other, each by symbol. As positions_of()."""
    ids = [portfolio.id for portfolio in portfolios]
    return holdings_in(Position.objects.filter(portfolio__in=ids, quantity__gt=0)) if ids else []


def holdings_in(rows: QuerySet[Position]) -> list[Holding]:
    """Return positions with their costs and worths, by portfolio and symbol.

    One statement, two without live quotes.
    """
    lots = Lot.objects.filter(
        portfolio=OuterRef("portfolio"), instrument=OuterRef("instrument"), remaining_quantity__gt=0
    )
    cost = lots.order_by().values("instrument").annotate(cost=Sum("remaining_cost")).values("cost")
    found = rows.select_related("instrument").annotate(its_cost=Subquery(cost))
    positions = list(found.order_by("portfolio_id", "instrument__symbol"))
    quotes = latest_quotes(position.instrument for position in positions)
    return [_holding(each, quotes.get(each.instrument.symbol)) for each in positions]


def open_lots_of(portfolio_ids: Iterable[UUID], instrument_ids: Iterable[UUID]) -> QuerySet[Lot]:
    """Return the open lots of the portfolios in these instruments, oldest first."""
    found = Lot.objects.filter(
        portfolio_id__in=list(portfolio_ids),
        instrument_id__in=list(instrument_ids),
        remaining_quantity__gt=0,
    )
    return found.order_by("opened_at", "id")


def lots_of(portfolio: Portfolio, *, symbol: str | None, is_closed: bool) -> QuerySet[Lot]:
    """Return the portfolio's open lots, or those of which sales have closed some or all.

    With their instruments, their closings and their splits, oldest first.
    """
    rows = Lot.objects.filter(portfolio=portfolio).select_related("instrument")
    closings = LotClosing.objects.order_by("closed_at", "id")
    splits = LotSplit.objects.select_related("split__action")
    found = rows.prefetch_related(
        Prefetch("closings", closings),
        Prefetch("splits", splits.order_by("split__action__effective_at")),
    )
    if symbol is not None:
        found = found.filter(instrument__symbol=symbol.upper())
    if is_closed:
        return found.filter(remaining_quantity__lt=F("quantity"))
    return found.filter(remaining_quantity__gt=0)


def closings_of(trade_ids: Iterable[UUID]) -> QuerySet[LotClosing]:
    """Return what these sales closed, in their order, with lots and instruments."""
    found = LotClosing.objects.filter(trade_id__in=list(trade_ids))
    return found.select_related("lot__instrument").order_by("trade_id", "id")


def standing_closings() -> QuerySet[LotClosing]:
    """Return the closings that count: neither reversals nor what they reversed."""
    return LotClosing.objects.filter(reverses=None, reversed_by=None)


def quantities_before_splits(lots: QuerySet[Lot]) -> dict[UUID, Decimal]:
    """Return of each of the lots that has been split what was bought of it, in shares of then."""
    splits = LotSplit.objects.filter(lot__in=lots).order_by("-split__action__effective_at")
    return dict(splits.values_list("lot_id", "quantity_before"))  # the first split comes last


def shares_traded(account_ids: Iterable[UUID], *, since: datetime) -> dict[UUID, Decimal]:
    """Return the shares that each account has bought and sold since a moment, as they were then.

    Net of busts. A split multiplies no volume, and what it closes in lieu of fractions is no trade.
    """
    accounts = list(account_ids)
    bought = Lot.objects.filter(
        portfolio__account_id__in=accounts, opened_at__gte=since, busted_by=None
    )
    sold = standing_closings().filter(lot__portfolio__account_id__in=accounts, closed_at__gte=since)
    sold = sold.exclude(trade_id__in=PositionSplit.objects.values("id"))
    before = quantities_before_splits(bought)
    volumes = dict.fromkeys(accounts, ZERO)
    for lot_id, account_id, quantity in bought.values_list(
        "id", "portfolio__account_id", "quantity"
    ):
        volumes[account_id] += before.get(lot_id, quantity)
    for account_id, quantity in sold.values_list("lot__portfolio__account_id", "quantity"):
        volumes[account_id] += quantity
    return volumes


def realized_pnl_of(portfolio: Portfolio) -> dict[str, Decimal]:
    """Return what the portfolio's sales have made so far, by currency."""
    rows = (
        LotClosing.objects.filter(lot__portfolio=portfolio)
        .values_list("lot__instrument__currency")
        .annotate(total=Sum("realized_pnl"))
        .order_by()
    )
    return dict(rows)


Moments = tuple[datetime, datetime | None]
"""When the cash of a trade moved, and when it moved back, if its trade was taken back."""


def moved_by_others(portfolio: Portfolio) -> list[tuple[datetime, str, Decimal]]:
    """Return what the account's other portfolios paid for shares and had of them: when, currency.

    Cash is the account's, so that this comes from outside of the portfolio and goes there, at the
    ledger's moments: with the booking of a trade, and the other way with its bust. One statement
    where there is no other portfolio, five else.
    """
    others = Portfolio.objects.filter(account_id=portfolio.account_id).exclude(id=portfolio.id)
    ids = list(others.values_list("id", flat=True))
    if not ids:
        return []
    booked = trade_moments(portfolio.account)
    lots = Lot.objects.filter(portfolio_id__in=ids)
    closings = LotClosing.objects.filter(lot__portfolio_id__in=ids, reverses=None)
    told: list[tuple[datetime, str, Decimal]] = []
    for trade_id, at, bust, currency, cost in lots.values_list(
        "trade_id", "opened_at", "busted_by", "instrument__currency", "cost"
    ):
        told += _there_and_back(moments_of(booked, trade_id, at, bust), currency, -cost)
    for trade_id, at, bust, currency, proceeds in closings.values_list(
        "trade_id", "closed_at", "reversed_by", "lot__instrument__currency", "proceeds"
    ):
        told += _there_and_back(moments_of(booked, trade_id, at, bust), currency, proceeds)
    dividends = DividendEntitlement.objects.filter(portfolio_id__in=ids, paid_at__isnull=False)
    earned = dividends.values_list("paid_at", "currency", "gross_amount", "withheld_amount")
    told += [(at, currency, gross - withheld) for at, currency, gross, withheld in earned if at]
    return told


def moments_of(
    booked: Mapping[UUID, Moments], trade_id: UUID, at: datetime, bust: UUID | None
) -> Moments:
    """Return a trade's moments of trade_moments(); of one that never moved cash, its own time."""
    return booked.get(trade_id, (at, at if bust else None))


def _there_and_back(
    moments: Moments, currency: str, amount: Decimal
) -> list[tuple[datetime, str, Decimal]]:
    at, back = moments
    there = (at, currency, amount)
    return [there] if back is None else [there, (back, currency, -amount)]


def _holding(position: Position, tick: Tick | None) -> Holding:
    instrument = position.instrument
    cost = vars(position)["its_cost"] or ZERO
    value = ZERO if not position.quantity else None
    if tick is not None and tick.last is not None:
        value = round_money(tick.last * position.quantity, instrument.currency)
    return Holding(
        position=position,
        instrument=instrument,
        quantity=position.quantity,
        reserved_quantity=position.reserved_quantity,
        cost_basis=cost,
        unit_cost=(cost / position.quantity).quantize(QUANTUM) if position.quantity else ZERO,
        tick=tick,
        market_value=value,
        unrealized_pnl=None if value is None else value - cost,
    )
