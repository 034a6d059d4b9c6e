"""The invariants of corporate actions: what a split and a dividend may do to the books.

Positions are reckoned from trades and splits in the order in which they counted, without lots and
without running totals. Numbers as in docs/invariants.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from accounts.models import LedgerEntry
from bengi.money import QUANTUM, ZERO, minor_unit, plain
from bengi.terms import CorporateActionKind, CorporateActionStatus, LedgerBook, LedgerKind, Side
from instruments.models import SPLITS, CorporateAction
from orders.models import Order
from portfolios.models import DividendEntitlement, Lot, LotClosing, LotSplit, PositionSplit
from trades.models import Trade

Holding = tuple[UUID, UUID]
"""(portfolio id, instrument id)."""


class Shares:
    """Holdings over time, by the trades and the splits alone."""

    def __init__(self) -> None:
        self._trades: defaultdict[UUID, list[tuple[datetime, UUID, Decimal]]] = defaultdict(list)
        self._rows: dict[tuple[UUID, UUID], PositionSplit] = {}
        self._splits: defaultdict[UUID, list[CorporateAction]] = defaultdict(list)
        for trade in Trade.objects.order_by("executed_at", "exec_id").iterator():
            signed = trade.quantity if trade.side == Side.BUY else -trade.quantity
            moved = trade.executed_at, trade.portfolio_id, signed
            self._trades[trade.instrument_id].append(moved)
        for row in PositionSplit.objects.all():
            self._rows[row.action_id, row.portfolio_id] = row
        applied = CorporateAction.objects.filter(
            kind__in=SPLITS, status=CorporateActionStatus.APPLIED
        )
        for action in applied.order_by("effective_at"):
            self._splits[action.instrument_id].append(action)
        self.wrong: list[str] = []

    def now(self) -> dict[Holding, Decimal]:
        """Return every holding after all trades and splits; wrong says which splits do not fit."""
        return {
            (portfolio_id, instrument_id): quantity
            for instrument_id in self._trades
            for portfolio_id, quantity in self.at(instrument_id, None).items()
        }

    def at(self, instrument_id: UUID, moment: datetime | None) -> dict[UUID, Decimal]:
        """Return the holdings of an instrument when a moment begins, those of zero too."""
        held: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
        splits = [
            split
            for split in self._splits[instrument_id]
            if moment is None or split.effective_at is None or split.effective_at < moment
        ]
        for executed_at, portfolio_id, signed in self._trades[instrument_id]:
            if moment is not None and executed_at >= moment:
                break
            while splits and splits[0].effective_at and splits[0].effective_at <= executed_at:
                self._split(held, splits.pop(0))
            held[portfolio_id] += signed
        for split in splits:
            self._split(held, split)
        return dict(held)

    def _split(self, held: defaultdict[UUID, Decimal], action: CorporateAction) -> None:
        for portfolio_id, before in held.items():
            row = self._rows.get((action.id, portfolio_id))
            if row is None and not before:
                continue
            exact = Fraction(before) * (action.ratio_to or 1) / (action.ratio_from or 1)
            told = (row.quantity_before, row.quantity_after) if row else None
            if told is None or told[0] != before or exact < Fraction(told[1]):
                where = f"split {action.id} of portfolio {portfolio_id}"
                self.wrong.append(f"{where}: {plain(before)} were held, {told} is recorded")
            held[portfolio_id] = told[1] if told else before


def splits_multiply_positions() -> Iterator[str]:
    """[25, 28] Each applied split has met each holding once: whole steps of the exact product."""
    shares = Shares()
    shares.now()
    yield from dict.fromkeys(shares.wrong)
    steps = dict(CorporateAction.objects.values_list("id", "instrument__quantity_step"))
    for row in PositionSplit.objects.select_related("action").iterator():
        action, step = row.action, Fraction(steps[row.action_id])
        exact = Fraction(row.quantity_before) * (action.ratio_to or 1) / (action.ratio_from or 1)
        if Fraction(row.quantity_after) != exact // step * step:
            yield f"position split {row.id}: {plain(row.quantity_after)} is not the product"
        cut = exact // Fraction(QUANTUM) * Fraction(QUANTUM)
        if Fraction(row.excess) != cut - Fraction(row.quantity_after):
            yield f"position split {row.id}: {plain(row.excess)} is not what was left over"
        if action.status != CorporateActionStatus.APPLIED:
            yield f"position split {row.id} belongs to an action that is {action.status}"


def splits_conserve_cost() -> Iterator[str]:
    """[28] A split makes no cost: lots keep theirs, but for what fractions were paid for."""
    closed: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
    shifts: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
    paid: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
    splits = list(PositionSplit.objects.all())
    for closing in LotClosing.objects.filter(trade_id__in=[split.id for split in splits]):
        closed[closing.trade_id] += closing.cost
        paid[closing.trade_id] += closing.proceeds
    for each in LotSplit.objects.iterator():
        shifts[each.split_id] += each.shift
    for split in splits:
        if split.cost_before != split.cost_after + split.cost_closed or shifts[split.id]:
            yield f"position split {split.id} made or lost cost"
        if (closed[split.id], paid[split.id]) != (split.cost_closed, split.cash_in_lieu):
            yield f"position split {split.id}: its closings say something else"


def lots_follow_their_splits() -> Iterator[str]:
    """[26, 28] A lot's split met what was bought of it and what its closings had left by then."""
    bought = dict(Trade.objects.filter(side=Side.BUY).values_list("exec_id", "quantity"))
    closings = _closings()
    for lot, splits in _split_lots().items():
        whole = left = bought[lot.trade_id]
        rest = closings[lot.id]
        for each in splits:
            at: Any = each.split.action.effective_at
            left -= sum((closing.quantity for closing in rest if closing.closed_at < at), ZERO)
            rest = [closing for closing in rest if closing.closed_at >= at]
            if (each.quantity_before, each.remaining_before) != (whole, left):
                yield f"lot {lot.id}: {plain(left)} were left at its split, which says otherwise"
            whole, left = each.quantity_after, each.remaining_after
        if lot.quantity != whole:
            yield f"lot {lot.id}: {plain(lot.quantity)} in all, its splits say {plain(whole)}"


def shares_left() -> dict[UUID, Decimal]:
    """Return by lot what closings have left of it, since its newest split if it has one."""
    closings = _closings()
    newest = {lot.id: splits[-1] for lot, splits in _split_lots().items()}
    found = {}
    for lot in Lot.objects.iterator():
        whole, sold, split = lot.quantity, closings[lot.id], newest.get(lot.id)
        if split is not None:
            at: Any = split.split.action.effective_at
            whole, sold = split.remaining_after, [each for each in sold if each.closed_at >= at]
        found[lot.id] = whole - sum((each.quantity for each in sold), ZERO)
    return found


def _closings() -> defaultdict[UUID, list[LotClosing]]:
    found: defaultdict[UUID, list[LotClosing]] = defaultdict(list)
    for closing in LotClosing.objects.iterator():
        found[closing.lot_id].append(closing)
    return found


def _split_lots() -> dict[Lot, list[LotSplit]]:
    """Return the lots that have been split, each with its splits in order."""
    found: dict[Lot, list[LotSplit]] = {}
    rows = LotSplit.objects.select_related("lot", "split__action")
    for each in rows.order_by("split__action__effective_at"):
        found.setdefault(each.lot, []).append(each)
    return found


def open_orders_are_in_new_shares() -> Iterator[str]:
    """[28] No open order from before an applied split is left as it was."""
    open_orders = Order.objects.filter(closed_at__isnull=True)
    applied = CorporateAction.objects.filter(kind__in=SPLITS, status=CorporateActionStatus.APPLIED)
    for action in applied:
        left = open_orders.filter(
            instrument_id=action.instrument_id,
            accepted_at__lt=action.effective_at,
            updated_at__lt=action.applied_at,
        )
        for order in left:
            yield f"order {order.id} is from before split {action.id} and still in old shares"


def dividends_go_to_holders() -> Iterator[str]:
    """[2] Who held shares when the ex-date began is entitled once by the formula, and paid once."""
    shares = Shares()
    told: defaultdict[UUID, dict[UUID, tuple[Decimal, ...]]] = defaultdict(dict)
    for row in DividendEntitlement.objects.all():
        values = row.quantity, row.gross_amount, row.withheld_amount
        told[row.action_id][row.portfolio_id] = values
    done = [CorporateActionStatus.APPLIED, CorporateActionStatus.PAID]
    dividends = CorporateAction.objects.filter(kind=CorporateActionKind.CASH_DIVIDEND)
    for action in dividends.filter(status__in=done):
        held = shares.at(action.instrument_id, action.effective_at)
        meant = {
            portfolio_id: (quantity, *_due(action, quantity))
            for portfolio_id, quantity in held.items()
            if _due(action, quantity)[0]
        }
        if told.pop(action.id, {}) != meant:
            yield f"dividend {action.id}: its holders are not those who held shares"
    for action_id in told:
        yield f"dividend {action_id} has holders before its ex-date"
    yield from _not_as_paid()


def _due(action: CorporateAction, quantity: Decimal) -> tuple[Decimal, Decimal]:
    """Return gross and withheld: each rounded once, half-even, to the minor unit."""
    unit = Fraction(minor_unit(action.currency))
    gross = round(Fraction(quantity) * Fraction(action.amount or ZERO) / unit)
    withheld = round(gross * Fraction(action.withholding_rate or ZERO))
    return gross * minor_unit(action.currency), withheld * minor_unit(action.currency)


def _not_as_paid() -> Iterator[str]:
    """Yield what the ledger has paid and the actions do not owe, or the other way round."""
    booked: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    kinds = [LedgerKind.DIVIDEND, LedgerKind.WITHHOLDING, LedgerKind.CASH_IN_LIEU]
    entries = LedgerEntry.objects.filter(book=LedgerBook.CUSTOMER_CASH, transaction__kind__in=kinds)
    rows = entries.values_list("transaction__kind", "transaction__reference", "amount")
    for kind, reference, amount in rows.iterator():
        booked[kind, reference] += amount
    for row in DividendEntitlement.objects.iterator():
        reference = f"{row.action_id}:{row.portfolio_id}"
        paid = booked.pop((LedgerKind.DIVIDEND, reference), ZERO)
        withheld = booked.pop((LedgerKind.WITHHOLDING, reference), ZERO)
        due = (row.gross_amount, -row.withheld_amount) if row.paid_at else (ZERO, ZERO)
        if (paid, withheld) != due:
            yield f"entitlement {row.id}: paid {plain(paid)}, withheld {plain(-withheld)}"
    for split in PositionSplit.objects.iterator():
        reference = f"{split.action_id}:{split.portfolio_id}"
        paid = booked.pop((LedgerKind.CASH_IN_LIEU, reference), ZERO)
        if paid != split.cash_in_lieu:
            yield f"position split {split.id}: {plain(paid)} paid in lieu"
    for (kind, reference), amount in booked.items():
        yield f"{kind} {reference} paid {plain(amount)} for nothing"


CORPORATE_CHECKS: list[Callable[[], Iterator[str]]] = [
    splits_multiply_positions,
    splits_conserve_cost,
    lots_follow_their_splits,
    open_orders_are_in_new_shares,
    dividends_go_to_holders,
]
