"""Corrections of trades: one of staff asks, another approves, and only then anything is booked.

A trade never changes. It is taken back by a bust, a row with its amounts turned; what was wrong
about it is booked anew by a correction (docs/adr/0012). The two sides of a match go together.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import lock_accounts
from bengi.audit.services import note
from bengi.bus import NUDGE, get_bus
from bengi.errors import Conflict, Forbidden, Malformed, NotFound
from bengi.events.selectors import newest_seq
from bengi.events.services import NewEvent, append
from bengi.realtime.publish import publish
from bengi.retries import retried
from bengi.terms import CorrectionKind, CorrectionOutcome
from trades.claiming import claim
from trades.models import Trade, TradeCorrection
from trades.payloads import correction_payload
from trades.restating import carry_out, sides_of
from trades.terms import check_terms

CORRECT = "trades.correct_trade"
"""The permission to ask for corrections and to decide on those of others."""


@retried
def ask_bust(by: User, exec_id: UUID, *, reason: str, now: datetime) -> TradeCorrection:
    """Ask for a trade to be taken back wholly; nothing moves before it is approved.

    Raises Forbidden, NotFound, Malformed without a reason, and Conflict not_bustable,
    already_busted or correction_pending.
    """
    return _ask(by, TradeCorrection(trade_id=exec_id, kind=CorrectionKind.BUST), reason, now)


@retried
def ask_adjust(
    by: User,
    exec_id: UUID,
    *,
    price: Decimal | None = None,
    quantity: Decimal | None = None,
    reason: str,
    now: datetime,
) -> TradeCorrection:
    """Ask for a trade to be booked anew at another price, with fewer shares, or both.

    Raises what ask_bust does, and Malformed or Refused for terms that it cannot have had.
    """
    row = TradeCorrection(
        trade_id=exec_id, kind=CorrectionKind.ADJUST, price=price, quantity=quantity
    )
    return _ask(by, row, reason, now)


@retried
def approve(correction_id: UUID, by: User, *, now: datetime) -> TradeCorrection:
    """Book what was asked for. Raises Forbidden when by is who asked, Conflict when it is decided.

    Also raises what stands in its way (trades/obstacles.py) and Refused insufficient_available or
    insufficient_position; it stays asked for then, and nothing has moved.
    """
    _check_may(by)
    trade = _trade_of(correction_id)
    claim(trade.instrument.shard)
    accounts = lock_accounts(side.account_id for side in sides_of(trade))
    row = TradeCorrection.objects.select_related("trade__order", "trade__instrument").get(
        id=correction_id
    )
    _check_undecided(row)
    if row.requested_by_id == by.id:
        raise Forbidden("second_person_needed", "Somebody else has to approve what you asked for.")
    _check_standing(row.trade)
    check_terms(row, sides_of(row.trade))
    row.outcome, row.decided_by, row.decided_at = CorrectionOutcome.APPROVED, by, now
    heads = carry_out(row, accounts, now)
    row.save(update_fields=["outcome", "decided_by", "decided_at"])
    _note(row, "correction.approved", by, now)
    _tell_after_commit(heads, trade.instrument.shard)
    return row


@retried
def decline(correction_id: UUID, by: User, *, now: datetime) -> TradeCorrection:
    """Decide against what was asked for; who asked may do so too. Raises Forbidden, Conflict."""
    _check_may(by)
    lock_accounts([_trade_of(correction_id).account_id])
    row = TradeCorrection.objects.select_related("trade").get(id=correction_id)
    _check_undecided(row)
    row.outcome, row.decided_by, row.decided_at = CorrectionOutcome.DECLINED, by, now
    row.save(update_fields=["outcome", "decided_by", "decided_at"])
    _tell_after_commit(_log(row, "correction.declined", by, now))
    return row


def check_askable(row: TradeCorrection) -> None:
    """Raise unless the correction can be asked for: its trade stands and can have its terms.

    Raises Conflict not_bustable, already_busted or correction_pending, and what check_terms does.
    """
    _check_standing(row.trade)
    check_terms(row, sides_of(row.trade))
    asked = TradeCorrection.objects.filter(trade=row.trade, outcome=CorrectionOutcome.ASKED).first()
    if asked is not None:
        detail = "Somebody has asked for a correction of it already; decide on that first."
        raise Conflict("correction_pending", detail, correction_id=str(asked.id))


def _check_standing(trade: Trade) -> None:
    """Raise Conflict unless the trade stands: it is no bust and none has taken it back."""
    if trade.busts_id is not None:
        raise Conflict("not_bustable", "It is a bust itself; a bust is final.")
    bust = Trade.objects.filter(busts=trade).values_list("exec_id", flat=True).first()
    if bust is not None:
        detail = "The trade has been taken back already."
        raise Conflict("already_busted", detail, busted_by=str(bust))


def _ask(by: User, row: TradeCorrection, reason: str, now: datetime) -> TradeCorrection:
    _check_may(by)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    account_id = Trade.objects.filter(exec_id=row.trade_id).values_list("account_id", flat=True)
    if not (found := account_id.first()):
        raise NotFound
    lock_accounts([found])
    row.trade = Trade.objects.select_related("order", "instrument").get(exec_id=row.trade_id)
    check_askable(row)
    row.reason, row.requested_by, row.requested_at = reason.strip(), by, now
    row.save(force_insert=True)
    _tell_after_commit(_log(row, "correction.requested", by, now))
    return row


def _check_may(by: User) -> None:
    if not by.has_perm(CORRECT):
        raise Forbidden("forbidden", "Only who may correct trades does that.")


def _check_undecided(row: TradeCorrection) -> None:
    if row.outcome == CorrectionOutcome.APPROVED:
        raise Conflict("already_approved", "It has been approved and booked already.")
    if row.outcome == CorrectionOutcome.DECLINED:
        raise Conflict("already_declined", "It has been declined already.")


def _trade_of(correction_id: UUID) -> Trade:
    found = TradeCorrection.objects.filter(id=correction_id)
    row = found.select_related("trade__instrument").first()
    if row is None:
        raise NotFound
    return row.trade


def _log(row: TradeCorrection, event: str, by: User, now: datetime) -> dict[UUID, int]:
    payload = {"correction": correction_payload(row)}
    heads = append([NewEvent(row.trade.account_id, event, payload, now)])
    _note(row, event, by, now)
    return heads


def _note(row: TradeCorrection, action: str, by: User, now: datetime) -> None:
    note(
        action,
        by=by,
        now=now,
        target=f"trade {row.trade_id}",
        details={"correction_id": str(row.id), "kind": str(row.kind), "reason": row.reason},
        event=newest_seq(row.trade.account_id, action),
    )


def _tell_after_commit(heads: dict[UUID, int], shard: int | None = None) -> None:
    def tell() -> None:
        if shard is not None:
            get_bus().publish(NUDGE, shard)
        publish(heads)

    transaction.on_commit(tell, robust=True)
