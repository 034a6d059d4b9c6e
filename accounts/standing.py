"""An account is frozen and released by staff: frozen, nothing is ordered and no money moves."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Account, User
from accounts.services import lock_accounts
from bengi.access import require
from bengi.audit.services import head_of, note
from bengi.errors import Conflict, Malformed, NotFound
from bengi.events.services import NewEvent, append
from bengi.realtime.publish import publish
from bengi.retries import retried
from bengi.terms import AccountStatus

FREEZE = "accounts.freeze_account"
_ACTIONS = {AccountStatus.FROZEN: "account.frozen", AccountStatus.ACTIVE: "account.released"}


def freeze(account_id: UUID, *, by: User | None, reason: str, now: datetime) -> bool:
    """Freeze an account; False where it is frozen already. Its open orders go on.

    Appends account.frozen. Raises Forbidden, NotFound, Malformed without a reason, and Conflict
    account_closed.
    """
    return _set(account_id, AccountStatus.FROZEN, by, reason, now)


def release(account_id: UUID, *, by: User | None, reason: str, now: datetime) -> bool:
    """Let a frozen account trade again; False where it is not frozen. Raises as freeze() does."""
    return _set(account_id, AccountStatus.ACTIVE, by, reason, now)


@retried
def _set(
    account_id: UUID, status: AccountStatus, by: User | None, reason: str, now: datetime
) -> bool:
    require(by, FREEZE)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    account: Account | None = lock_accounts([account_id]).get(account_id)
    if account is None:
        raise NotFound
    if account.status == AccountStatus.CLOSED:
        raise Conflict("account_closed", "The account is closed for good.")
    if account.status == status:
        return False
    account.status = status
    account.save(update_fields=["status"])
    action, target = _ACTIONS[status], f"account {account_id}"
    payload = {"account_id": str(account_id), "status": str(status), "reason": reason.strip()}
    heads = append([NewEvent(account_id, action, payload, now)])
    details = {"reason": reason.strip()}
    event = head_of(heads, account_id)
    note(action, by=by, now=now, target=target, details=details, event=event)
    transaction.on_commit(lambda: publish(heads), robust=True)
    return True
