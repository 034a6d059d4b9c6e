"""The checks of bengi/books.py about settling, conversions and what took back or corrected."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from accounts.models import (
    Conversion,
    GoodFaithViolation,
    LedgerAdjustment,
    LedgerEntry,
    LedgerTransaction,
    UnsettledCash,
    UnsettledUse,
)
from bengi.money import QUANTUM, ZERO, minor_unit, plain
from bengi.terms import LedgerBook, LedgerKind, Side
from portfolios.models import PositionSplit
from portfolios.selectors import standing_closings
from trades.models import Trade
from trades.settlement import settles_at


def unsettled_cash_equals_sales() -> Iterator[str]:
    """[2] Each sale's net proceeds are unsettled cash once, less what buys used of them."""
    used: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for use in UnsettledUse.objects.iterator():
        used[use.unsettled_id] += use.amount
    rows = {row.trade_id: row for row in UnsettledCash.objects.iterator()}
    sales = Trade.objects.filter(side=Side.SELL, net_amount__gt=0, busts=None)
    sales = sales.select_related("instrument")
    for sale in sales.iterator():
        row = rows.pop(sale.exec_id, None)
        if row is None:
            yield f"sale {sale.exec_id} left no unsettled cash"
            continue
        due = settles_at(sale.instrument.mic, sale.settles_on)
        told = (row.account_id, row.currency, row.amount, row.settles_on, row.settles_at)
        meant = (sale.account_id, sale.currency, sale.net_amount, sale.settles_on, due)
        if told != meant:
            yield f"sale {sale.exec_id}: its unsettled cash says something else"
        if row.remaining_amount != row.amount - used[row.id]:
            yield f"unsettled cash {row.id}: {plain(row.remaining_amount)} left, its uses disagree"
    for row in rows.values():
        yield f"unsettled cash {row.id} comes from no sale"


def unsettled_cash_paid_for_buys() -> Iterator[str]:
    """[2] What used unsettled cash is a buy of the same account, in time, that cost as much.

    What busts use and give back of it is checked apart.
    """
    paid: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
    used = Trade.objects.filter(exec_id__in=UnsettledUse.objects.values("trade_id"))
    buys = {trade.exec_id: trade for trade in used.filter(side=Side.BUY, busts=None)}
    busts = set(used.filter(busts__isnull=False).values_list("exec_id", flat=True))
    for use in UnsettledUse.objects.select_related("unsettled").iterator():
        if use.trade_id in busts:
            continue
        buy = buys.get(use.trade_id)
        if buy is None:
            yield f"unsettled cash {use.unsettled_id} paid for {use.trade_id}, which is no buy"
            continue
        paid[use.trade_id] += use.amount
        source = use.unsettled
        if (buy.account_id, buy.currency) != (source.account_id, source.currency):
            yield f"buy {buy.exec_id} was paid with another account's proceeds"
        if buy.executed_at >= source.settles_at or buy.order_id != use.order_id:
            yield f"buy {buy.exec_id} was not paid with unsettled cash {source.id}"
    for exec_id, amount in paid.items():
        if amount > -buys[exec_id].net_amount:
            yield f"buy {exec_id} was paid {plain(amount)} of unsettled cash, more than it cost"


def violations_are_recorded() -> Iterator[str]:
    """[2] A buy sold before the proceeds that paid for it settled is one violation, no other is."""
    recorded = {row.bought_by: row for row in GoodFaithViolation.objects.filter(busted_by=None)}
    uses: defaultdict[UUID, list[UnsettledUse]] = defaultdict(list)
    for use in UnsettledUse.objects.select_related("unsettled").iterator():
        uses[use.trade_id].append(use)
    due: set[UUID] = set()
    sold = standing_closings().exclude(trade_id__in=PositionSplit.objects.values("id"))
    for closing in sold.filter(lot__trade_id__in=uses).select_related("lot"):
        for use in uses[closing.lot.trade_id]:
            if closing.closed_at < use.unsettled.settles_at:
                due.add(use.order_id)
    for order_id in due - recorded.keys():
        yield f"order {order_id} was sold in bad faith and nothing says so"
    for order_id in recorded.keys() - due:
        yield f"order {order_id} has a violation that it did not commit"


def conversions_follow_their_rate() -> Iterator[str]:
    """[1, 5] A conversion is its amount at its rate, cut off; the rest is in a leg of its own."""
    booked = _entries_of(LedgerKind.FX)
    for row in Conversion.objects.select_related("transaction").iterator():
        source, target, gone = row.source_currency, row.target_currency, row.source_amount
        by = row.rate if source == row.rate_base else 1 / Fraction(row.rate)
        units = int(Fraction(gone) * Fraction(by) / Fraction(QUANTUM))
        value = (units * QUANTUM).quantize(QUANTUM)
        came = units * Fraction(QUANTUM) // Fraction(minor_unit(target)) * minor_unit(target)
        meant = {
            (LedgerBook.CUSTOMER_CASH, source): -gone,
            (LedgerBook.FX, source): gone,
            (LedgerBook.CUSTOMER_CASH, target): came,
            (LedgerBook.FX, target): -value,
            (LedgerBook.ROUNDING, target): value - came,
        }
        told = booked.pop(row.transaction_id, {})
        if told != {key: amount for key, amount in meant.items() if amount}:
            yield f"conversion {row.id}: its entries are not {plain(gone)} {source} at its rate"
        if (row.target_amount, row.rounding) != (came, value - came):
            yield f"conversion {row.id}: {plain(row.target_amount)} {target} is not what came"
    for transaction_id in booked:
        yield f"transaction {transaction_id} converts without a rate"


def reversals_undo_one_original() -> Iterator[str]:
    """[8] A reversal names one original, once, and is its entries with the other sign."""
    reversals = LedgerTransaction.objects.filter(reverses__isnull=False)
    booked = _entries_of(LedgerKind.REVERSAL)
    originals: dict[UUID, Any] = {row.id: row.reverses_id for row in reversals}
    meant = _entries_of(*LedgerKind, only=list(originals.values()))
    for transaction_id in booked.keys() - originals.keys():
        yield f"reversal {transaction_id} names nothing"
    for reversal_id, original_id in originals.items():
        undone = {key: -amount for key, amount in meant.get(original_id, {}).items()}
        if original_id in originals or booked.get(reversal_id, {}) != undone:
            yield f"reversal {reversal_id} does not undo {original_id}"
    approved = LedgerAdjustment.objects.exclude(transaction=None).select_related("transaction")
    due = {row.transaction_id: row for row in approved}
    for posted in LedgerTransaction.objects.filter(kind=LedgerKind.ADJUSTMENT):
        row = due.get(posted.id)
        amounts = _entries_of(LedgerKind.ADJUSTMENT, only=[posted.id])[posted.id]
        if row is None or amounts.get((LedgerBook.CUSTOMER_CASH, row.currency)) != row.amount:
            yield f"adjustment {posted.id} is not what was approved"


def _entries_of(
    *kinds: LedgerKind, only: list[Any] | None = None
) -> dict[UUID, dict[tuple[str, str], Decimal]]:
    """Return {transaction id: {(book, currency): amount}} of the transactions of these kinds."""
    entries = LedgerEntry.objects.filter(transaction__kind__in=kinds)
    if only is not None:
        entries = entries.filter(transaction_id__in=only)
    found: dict[UUID, dict[tuple[str, str], Decimal]] = {}
    for entry in entries.iterator():
        amounts = found.setdefault(entry.transaction_id, {})
        key = (LedgerBook(entry.book), entry.currency)
        amounts[key] = amounts.get(key, ZERO) + entry.amount
    return found


CASH_CHECKS = [
    unsettled_cash_equals_sales,
    unsettled_cash_paid_for_buys,
    violations_are_recorded,
    conversions_follow_their_rate,
    reversals_undo_one_original,
]
