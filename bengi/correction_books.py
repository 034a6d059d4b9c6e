"""The invariants of corrections: what a bust must have taken back, and who has approved it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import GoodFaithViolation, UnsettledUse
from bengi.money import ZERO, plain
from bengi.terms import CorrectionKind, CorrectionOutcome, Side
from portfolios.models import Lot, LotClosing
from trades.models import Trade, TradeCorrection

SAME = (
    *("order_id", "account_id", "portfolio_id", "instrument_id", "side", "price", "currency"),
    *("match_id", "liquidity", "executed_at", "trade_date", "settles_on"),
)
TURNED = ("quantity", "gross_amount", "commission", "fees", "net_amount")
TURNED_OF_CLOSINGS = ("quantity", "cost", "proceeds", "fees", "realized_pnl")


def busts_undo_one_trade() -> Iterator[str]:
    """[7, 8, 15] A bust is one trade, no bust itself, with the signs of its amounts turned."""
    for bust in Trade.objects.filter(busts__isnull=False).select_related("busts").iterator():
        original = bust.busts
        assert original is not None
        if original.busts_id is not None:
            yield f"bust {bust.exec_id} takes back another bust"
        for name in SAME:
            if getattr(bust, name) != getattr(original, name):
                yield f"bust {bust.exec_id} has another {name} than {original.exec_id}"
        for name in TURNED:
            if getattr(bust, name) != -getattr(original, name):
                yield f"bust {bust.exec_id}: its {name} does not undo that of {original.exec_id}"


def busts_undo_lots_and_closings() -> Iterator[str]:
    """[8, 25, 27] A busted buy leaves no lot, a busted sale has each of its closings reversed."""
    busts = {bust.busts_id: bust for bust in Trade.objects.filter(busts__isnull=False)}
    for lot in Lot.objects.iterator():
        bust = busts.get(lot.trade_id)
        if lot.busted_by != (bust.exec_id if bust else None):
            yield f"lot {lot.id} says that {lot.busted_by} busted its buy"
    reversed_: dict[UUID, LotClosing] = {}
    for closing in LotClosing.objects.filter(reverses__isnull=False).select_related("reverses"):
        original: Any = closing.reverses
        reversed_[original.id] = closing
        if any(getattr(closing, n) != -getattr(original, n) for n in TURNED_OF_CLOSINGS):
            yield f"closing {closing.id} does not undo {original.id}"
    for closing in LotClosing.objects.filter(reverses=None).iterator():
        bust, undone = busts.get(closing.trade_id), reversed_.get(closing.id)
        if (bust.exec_id if bust else None) != (undone.trade_id if undone else None):
            yield f"closing {closing.id} and its sale do not agree on a bust"


def busts_settle_up() -> Iterator[str]:
    """[2] A busted buy gave back what it used of unsettled cash; a busted sale broke no faith.

    While its proceeds were unsettled, the bust of a sale used all of them, and no buy any.
    """
    busts = {bust.exec_id: bust for bust in Trade.objects.filter(busts__isnull=False)}
    busted = {bust.busts_id: bust for bust in busts.values()}
    used: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for use in UnsettledUse.objects.select_related("unsettled").iterator():
        bust = busts.get(use.trade_id)
        if bust is None:
            buy = busted.get(use.trade_id)
            used[use.unsettled_id, use.trade_id] += use.amount if buy else ZERO
        elif bust.side == Side.BUY:
            used[use.unsettled_id, bust.busts_id] += use.amount
        elif (bust.busts_id, use.amount) != (use.unsettled.trade_id, use.unsettled.amount):
            yield f"bust {bust.exec_id} used {plain(use.amount)} of {use.unsettled_id}"
    for (unsettled_id, exec_id), amount in used.items():
        if amount:
            yield f"busted buy {exec_id} has not given {plain(amount)} of {unsettled_id} back"
    for row in GoodFaithViolation.objects.iterator():
        sale = busted.get(row.trade_id)
        if row.busted_by != (sale.exec_id if sale else None):
            yield f"violation {row.id} and its sale do not agree on a bust"


def corrections_take_two() -> Iterator[str]:
    """[36] What was corrected, one of staff asked for and another approved, and so it was done."""
    booked: defaultdict[UUID, list[Trade]] = defaultdict(list)
    for trade in Trade.objects.filter(correction__isnull=False):
        assert trade.correction_id is not None
        booked[trade.correction_id].append(trade)
    for row in TradeCorrection.objects.select_related("trade").iterator():
        rows = booked[row.id]
        is_approved = row.outcome == CorrectionOutcome.APPROVED
        if is_approved and row.decided_by_id == row.requested_by_id:
            yield f"correction {row.id} was approved by who asked for it"
        if not is_approved and rows:
            yield f"correction {row.id} is {row.outcome}, and trades were booked for it"
        if is_approved and not _is_done(row, rows):
            yield f"correction {row.id} was approved and not carried out"


def _is_done(row: TradeCorrection, rows: list[Trade]) -> bool:
    """Say whether the trade was busted and, if adjusted, booked anew with its new terms."""
    root = row.trade.corrects_id or row.trade_id
    is_busted = any(trade.busts_id == row.trade_id for trade in rows)
    terms = [(trade.price, trade.quantity) for trade in rows if trade.corrects_id == root]
    if row.kind == CorrectionKind.BUST:
        return is_busted and not terms
    wanted = (row.price or row.trade.price, row.quantity or row.trade.quantity)
    return is_busted and terms == [wanted]


CORRECTION_CHECKS: list[Callable[[], Iterator[str]]] = [
    busts_undo_one_trade,
    busts_undo_lots_and_closings,
    busts_settle_up,
    corrections_take_two,
]
