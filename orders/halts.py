"""The kill switch: no new orders, of one account or of anybody, until it is lifted.

A row in the database, looked at by every acceptance: it counts in every process with the commit
that writes it, and survives restarts. Cancels go on; open orders may be asked to go with it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Account, User
from accounts.services import lock_accounts
from bengi.audit.services import head_of, note
from bengi.errors import Conflict, Forbidden, Malformed, NotFound
from bengi.events.services import NewEvent, append
from bengi.ids import derived_id
from bengi.realtime.protocol import moment
from bengi.retries import retried
from orders.canceling import ask_to_cancel
from orders.models import Order, TradingHalt

HOUSE = derived_id("house", "trading")
"""The stream of what staff do to trading as a whole."""


@retried
def halt_trading(
    by: User,
    *,
    reason: str,
    now: datetime,
    account_id: UUID | None = None,
    cancel_orders: bool = False,
) -> TradingHalt:
    """Refuse new orders from now on: of an account, or of everybody.

    cancel_orders: ask the open ones to go as well. Appends trading.halted to the house's stream.
    Raises Forbidden unless by is of staff, Malformed without a reason, NotFound, and Conflict
    already_halted.
    """
    _check_staff(by)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    if account_id is not None and account_id not in lock_accounts([account_id]):
        raise NotFound
    row = TradingHalt(account_id=account_id, reason=reason.strip(), halted_by=by, halted_at=now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("already_halted", "Trading is halted already.") from error
    _log(row, "trading.halted", by, now, {"reason": row.reason, "cancel_orders": cancel_orders})
    if cancel_orders:
        cancel_open_orders(None if account_id is None else [account_id], now=now)
    return row


@retried
def resume_trading(halt_id: UUID, by: User, *, now: datetime) -> TradingHalt:
    """Lift a halt; lifted again it changes nothing. Appends trading.resumed.

    Raises Forbidden unless by is of staff, and NotFound.
    """
    _check_staff(by)
    row = TradingHalt.objects.select_for_update(of=("self",)).filter(id=halt_id).first()
    if row is None:
        raise NotFound
    if row.lifted_at is not None:
        return row
    row.lifted_by, row.lifted_at = by, now
    row.save(update_fields=["lifted_by", "lifted_at"])
    _log(row, "trading.resumed", by, now, {"reason": row.reason})
    return row


@retried
def cancel_open_orders(account_ids: Iterable[UUID] | None, *, now: datetime) -> int:
    """Ask the engine to cancel every open order of the accounts, None: of all; return how many.

    In sets: one statement changes all of them. What waits to replace another goes with it. All the
    accounts are locked, so an order that is being accepted meanwhile is in, or comes after.
    """
    accounts = Account.objects.all()
    if account_ids is not None:
        accounts = accounts.filter(id__in=list(account_ids))
    ids = list(lock_accounts(accounts.values_list("id", flat=True)))
    found = Order.objects.all()
    if account_ids is not None:
        found = found.filter(account_id__in=ids)
    return len(ask_to_cancel(found, now=now))


def halt_payload(row: TradingHalt) -> dict[str, Any]:
    """Return a halt as the event log carries it."""
    return {
        "id": str(row.id),
        "account_id": str(row.account_id) if row.account_id else None,
        "reason": row.reason,
        "halted_by": str(row.halted_by_id),
        "halted_at": moment(row.halted_at),
        "lifted_by": str(row.lifted_by_id) if row.lifted_by_id else None,
        "lifted_at": moment(row.lifted_at) if row.lifted_at else None,
    }


def _log(row: TradingHalt, event: str, by: User, now: datetime, details: dict[str, Any]) -> None:
    """Tell the house's stream and the audit log."""
    heads = append([NewEvent(HOUSE, event, {"halt": halt_payload(row)}, now, subject=row.id)])
    target = f"account {row.account_id}" if row.account_id else "everybody"
    note(event, by=by, now=now, target=target, details=details, event=head_of(heads, HOUSE))


def _check_staff(by: User) -> None:
    if not by.is_staff:
        raise Forbidden("forbidden", "Only staff halt trading.")
