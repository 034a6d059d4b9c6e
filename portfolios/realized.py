"""What sales made, lot by lot: each closing with its lot, and the trades behind both."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q, Sum

from bengi.listing import midnight
from bengi.money import ZERO
from instruments.models import Instrument
from portfolios.holding_period import HoldingPeriod
from portfolios.models import LotClosing, Portfolio, PositionSplit
from portfolios.selectors import standing_closings

CLOSINGS_MAX = 500
IS_WIN = Q(realized_pnl__gt=0)


@dataclass(frozen=True, slots=True)
class Closed:
    """One sale's part of one lot. sold_by is its trade, None where a split paid it in lieu."""

    closing: LotClosing
    held: HoldingPeriod
    sold_by: UUID | None


@dataclass(frozen=True, slots=True)
class ClosedInstrument:
    """What sales of one instrument made, newest first, in its currency."""

    instrument: Instrument
    closed: list[Closed]
    realized_pnl: Decimal
    proceeds: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Realized:
    """The sales of a span by instrument, by symbol; totals by currency. left_out: there are more.

    Totals count all of the span's sales, also those that are left out.
    """

    instruments: list[ClosedInstrument]
    totals: dict[str, Decimal]
    count: int
    wins: int
    left_out: int


def realized_in(portfolio: Portfolio, since: date, until: date) -> Realized:
    """Return what the portfolio's sales made from since to until, days in UTC.

    What was taken back is left out; what standing closings sum to is realized_pnl_of() the same
    days. Three statements; only what is shown is loaded.
    """
    closings = standing_closings().filter(
        lot__portfolio=portfolio,
        closed_at__gte=midnight(since),
        closed_at__lt=midnight(until + timedelta(days=1)),
    )
    sums = list(
        closings.values_list("lot__instrument__currency")
        .annotate(made=Sum("realized_pnl"), count=Count("id"), wins=Count("id", filter=IS_WIN))
        .order_by("lot__instrument__currency")
    )
    shown = list(
        closings.select_related("lot__instrument").order_by("-closed_at", "-id")[:CLOSINGS_MAX]
    )
    splits = set(PositionSplit.objects.filter(portfolio=portfolio).values_list("id", flat=True))
    count = sum(each[2] for each in sums)
    return Realized(
        instruments=_by_instrument(shown, splits),
        totals={currency: made for currency, made, _, _ in sums},
        count=count,
        wins=sum(each[3] for each in sums),
        left_out=count - len(shown),
    )


def _by_instrument(closings: Iterable[LotClosing], splits: set[UUID]) -> list[ClosedInstrument]:
    groups: dict[UUID, list[Closed]] = {}
    for each in closings:
        held = HoldingPeriod.of(each.lot, each.closed_at)
        sold_by = None if each.trade_id in splits else each.trade_id
        groups.setdefault(each.lot.instrument_id, []).append(Closed(each, held, sold_by))
    told = [_group(closed) for closed in groups.values()]
    return sorted(told, key=lambda each: each.instrument.symbol)


def _group(closed: list[Closed]) -> ClosedInstrument:
    rows = [each.closing for each in closed]
    return ClosedInstrument(
        instrument=rows[0].lot.instrument,
        closed=closed,
        realized_pnl=sum((row.realized_pnl for row in rows), ZERO),
        proceeds=sum((row.proceeds for row in rows), ZERO),
        cost=sum((row.cost for row in rows), ZERO),
    )
