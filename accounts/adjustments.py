"""Corrections of cash: one of staff asks, another approves, and only then the ledger moves.

Rows of the ledger never change. What was wrong is taken back by a REVERSAL that names it, once;
what was missing is an ADJUSTMENT against the house.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.ledger import LedgerLeg, NewTransaction, reversal_of
from accounts.models import Account, LedgerAdjustment, LedgerTransaction, User
from accounts.payloads import adjustment_payload
from accounts.selectors import cash_state_of
from accounts.services import check_amount, lock_accounts, post_cash
from bengi.audit.services import head_of, note
from bengi.errors import Conflict, Forbidden, Malformed, NotFound, Refused
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.money import grouped, plain
from bengi.realtime.publish import publish
from bengi.retries import retried
from bengi.terms import LedgerBook, LedgerKind

REVERSIBLE = frozenset(
    {
        LedgerKind.DEPOSIT,
        LedgerKind.WITHDRAWAL,
        LedgerKind.FEE,
        LedgerKind.DIVIDEND,
        LedgerKind.WITHHOLDING,
        LedgerKind.FX,
        LedgerKind.ADJUSTMENT,
    }
)
"""What can be taken back by itself. Trades have lots and positions; they are busted instead."""


@retried
def request_adjustment(
    by: User, account_id: UUID, amount: Decimal, currency: str, *, reason: str, now: datetime
) -> LedgerAdjustment:
    """Ask for amount (negative takes away) to be posted; nothing moves before it is approved."""
    check_amount(abs(amount), currency)
    row = LedgerAdjustment(account_id=account_id, currency=currency, amount=amount)
    return _request(row, by, reason, now)


@retried
def request_reversal(
    by: User, transaction_id: UUID, *, reason: str, now: datetime
) -> LedgerAdjustment:
    """Ask for a transaction to be taken back. Raises Conflict when that cannot be."""
    original = LedgerTransaction.objects.filter(id=transaction_id).first()
    if original is None:
        raise NotFound
    check_reversible(original)
    row = LedgerAdjustment(account_id=original.account_id, reverses=original)
    return _request(row, by, reason, now)


@retried
def approve(adjustment_id: UUID, by: User, *, now: datetime) -> LedgerAdjustment:
    """Post what was asked for. Raises Forbidden when by is who asked, Conflict when it is done.

    Raises Refused insufficient_available when the account has not as much that is unreserved.
    """
    _check_staff(by)
    row = _locked(adjustment_id)
    _check_undecided(row)
    if row.requested_by_id == by.id:
        raise Forbidden("second_person_needed", "Somebody else has to approve what you asked for.")
    new = _adjustment(row, now) if row.reverses is None else _reversal(row, now)
    _check_unreserved(row.account, new, now)
    row.approved_by, row.approved_at, row.transaction_id = by, now, new.id
    heads = post_cash([new], "adjustment.approved", {"adjustment": adjustment_payload(row)}, now)
    row.save(update_fields=["approved_by", "approved_at", "transaction"])
    _note(row, "adjustment.approved", by, heads, now)
    return row


@retried
def decline(adjustment_id: UUID, by: User, *, now: datetime) -> LedgerAdjustment:
    """Decide against what was asked for; who asked may do so too. Raises Forbidden, Conflict."""
    _check_staff(by)
    row = _locked(adjustment_id)
    _check_undecided(row)
    row.declined_by, row.declined_at = by, now
    row.save(update_fields=["declined_by", "declined_at"])
    _tell(row, "adjustment.declined", by, now)
    return row


def check_reversible(original: LedgerTransaction) -> None:
    """Raise Conflict unless the transaction can be taken back by itself and has not been."""
    if original.kind not in REVERSIBLE:
        detail = f"A {original.kind} cannot be taken back by itself."
        raise Conflict("not_reversible", detail, kind=original.kind)
    if LedgerTransaction.objects.filter(reverses=original).exists():
        raise Conflict("already_reversed", "It has been taken back already.")


def _request(row: LedgerAdjustment, by: User, reason: str, now: datetime) -> LedgerAdjustment:
    _check_staff(by)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    if row.account_id not in lock_accounts([row.account_id]):
        raise NotFound
    row.reason, row.requested_by, row.requested_at = reason.strip(), by, now
    row.save(force_insert=True)
    _tell(row, "adjustment.requested", by, now)
    return row


def _locked(adjustment_id: UUID) -> LedgerAdjustment:
    """Return a row with its account, which is locked."""
    found = LedgerAdjustment.objects.filter(id=adjustment_id).values_list("account_id", flat=True)
    account_id = found.first()
    if account_id is None:
        raise NotFound
    account = lock_accounts([account_id])[account_id]
    row = LedgerAdjustment.objects.select_related("reverses").get(id=adjustment_id)
    row.account = account
    return row


def _tell(row: LedgerAdjustment, event: str, by: User, now: datetime) -> None:
    """Tell the account's stream and the audit log."""
    payload: dict[str, Any] = {"adjustment": adjustment_payload(row)}
    heads = append([NewEvent(row.account_id, event, payload, now)])
    _note(row, event, by, heads, now)
    transaction.on_commit(lambda: publish(heads), robust=True)


def _note(
    row: LedgerAdjustment, action: str, by: User, heads: dict[UUID, int], now: datetime
) -> None:
    details = {
        "adjustment_id": str(row.id),
        "amount": None if row.amount is None else plain(row.amount),
        "currency": row.currency,
        "reverses": str(row.reverses_id) if row.reverses_id else None,
        "reason": row.reason,
    }
    target = f"account {row.account_id}"
    event = head_of(heads, row.account_id)
    note(action, by=by, now=now, target=target, details=details, event=event)


def _check_staff(by: User) -> None:
    if not by.is_staff:
        raise Forbidden("forbidden", "Only staff correct the books.")


def _check_undecided(row: LedgerAdjustment) -> None:
    if row.approved_by_id is not None:
        raise Conflict("already_approved", "It has been approved and posted already.")
    if row.declined_by_id is not None:
        raise Conflict("already_declined", "It has been declined already.")


def _check_unreserved(account: Account, new: NewTransaction, now: datetime) -> None:
    for leg in new.legs:
        if leg.account_id is None or leg.amount >= 0:
            continue
        free = cash_state_of(account, leg.currency, now).buying_power
        if -leg.amount > free:
            raise Refused(
                "insufficient_available",
                f"{grouped(-leg.amount)} {leg.currency} needed, {grouped(free)} available.",
                field="amount",
                needed=plain(-leg.amount),
                available=plain(free),
            )


def _adjustment(row: LedgerAdjustment, now: datetime) -> NewTransaction:
    assert row.amount is not None, "an adjustment has an amount, or it is a reversal"
    return NewTransaction(
        id=new_id(),
        kind=LedgerKind.ADJUSTMENT,
        reference=str(row.id),
        account_id=row.account_id,
        occurred_at=now,
        description=f"Adjustment: {row.reason}",
        legs=(
            LedgerLeg(LedgerBook.CUSTOMER_CASH, row.account_id, row.currency, row.amount),
            LedgerLeg(LedgerBook.HOUSE, None, row.currency, -row.amount),
        ),
    )


def _reversal(row: LedgerAdjustment, now: datetime) -> NewTransaction:
    assert row.reverses is not None
    check_reversible(row.reverses)
    entries = list(row.reverses.entries.order_by("id"))
    return reversal_of(row.reverses, entries, row.reason, now)
