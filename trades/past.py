"""What the trades of a correction have done, read in sets, so that it can be taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from accounts.models import GoodFaithViolation, LedgerTransaction, UnsettledCash
from bengi.events.models import Event
from bengi.terms import CostBasisMethod, LedgerKind, Side
from portfolios.models import Lot, LotClosing
from trades.models import Trade
from trades.rows import Rows

OF_TRADES = (LedgerKind.TRADE, LedgerKind.COMMISSION, LedgerKind.FEE)


@dataclass(slots=True)
class Past:
    """What trades have done, each by its exec_id.

    lots: of a buy; closings and violations: of a sale; shifts: by lot, the cost that an average
    sale moved into it; proceeds: what a sale left as unsettled cash, whether or not it has settled
    by now. A lot or a row of unsettled cash that the batch's rows hold too is the same object.
    """

    lots: dict[UUID, Lot] = field(default_factory=dict)
    closings: dict[UUID, list[LotClosing]] = field(default_factory=dict)
    shifts: dict[UUID, dict[UUID, Decimal]] = field(default_factory=dict)
    transactions: dict[UUID, list[LedgerTransaction]] = field(default_factory=dict)
    proceeds: dict[UUID, UnsettledCash] = field(default_factory=dict)
    violations: dict[UUID, list[GoodFaithViolation]] = field(default_factory=dict)


def read_past(rows: Rows, trades: Sequence[Trade]) -> Past:
    """Read what the trades have done; closed lots join those of rows. Six statements at most.

    rows hold the unsettled cash of their accounts from the earliest of the trades on.
    """
    sales = [trade.exec_id for trade in trades if trade.side == Side.SELL]
    buys = [trade.exec_id for trade in trades if trade.side == Side.BUY]
    past = Past(transactions=_transactions(trades))
    for lot in Lot.objects.filter(trade_id__in=buys) if buys else []:
        past.lots[lot.trade_id] = _join(rows, lot)
    if not sales:
        return past
    closings = LotClosing.objects.filter(trade_id__in=sales).select_related("lot").order_by("id")
    for closing in closings:
        closing.lot = _join(rows, closing.lot)
        past.closings.setdefault(closing.trade_id, []).append(closing)
    past.shifts = _shifts(past, trades)
    found = [row for waiting in rows.settling.proceeds.values() for row in waiting]
    past.proceeds = {row.trade_id: row for row in found if row.trade_id in set(sales)}
    broken = GoodFaithViolation.objects.filter(trade_id__in=sales, busted_by=None)
    for violation in broken.order_by("id"):
        past.violations.setdefault(violation.trade_id, []).append(violation)
    return past


def _join(rows: Rows, lot: Lot) -> Lot:
    """Return the lot as rows know it; one they have not read, because it is closed, joins them."""
    held = rows.lots.setdefault((lot.portfolio_id, lot.instrument_id), [])
    for known in held:
        if known.id == lot.id:
            return known
    held.append(lot)
    held.sort(key=lambda each: (each.opened_at, each.id))
    return lot


def _transactions(trades: Iterable[Trade]) -> dict[UUID, list[LedgerTransaction]]:
    """Return the ledger transactions of each trade, with their entries and what reversed them."""
    references = {str(trade.exec_id): trade.exec_id for trade in trades}
    posted = LedgerTransaction.objects.filter(kind__in=OF_TRADES, reference__in=references)
    found: dict[UUID, list[LedgerTransaction]] = {key: [] for key in references.values()}
    for each in posted.select_related("reversed_by").prefetch_related("entries").order_by("id"):
        found[references[each.reference]].append(each)
    return found


def _shifts(past: Past, trades: Iterable[Trade]) -> dict[UUID, dict[UUID, Decimal]]:
    """Return the cost that each average sale moved between lots: only its event knows."""
    averaged = {
        str(sale)
        for sale, closings in past.closings.items()
        if any(closing.method == CostBasisMethod.AVERAGE for closing in closings)
    }
    if not averaged:
        return {}
    orders = {trade.order_id for trade in trades}
    told = Event.objects.filter(
        subject__in=orders, type="trade.executed", payload__trade__exec_id__in=sorted(averaged)
    )
    return {
        UUID(event.payload["trade"]["exec_id"]): {
            UUID(shift["lot_id"]): Decimal(shift["cost"]) for shift in event.payload["shifts"]
        }
        for event in told
    }
