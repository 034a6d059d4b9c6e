"""Demo money: the house credits an account, as a deposit from outside."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Account, User
from accounts.services import Receipt, deposit
from bengi.access import require
from bengi.audit.services import note
from bengi.errors import Malformed
from bengi.events.selectors import newest_seq
from bengi.money import plain

CREDIT = "accounts.add_ledgeradjustment"


@transaction.atomic
def credit(
    account: Account,
    amount: Decimal,
    currency: str,
    *,
    by: User | None,
    reason: str,
    key: str,
    now: datetime,
) -> Receipt:
    """Credit an amount with a reason, which stands in the statement; the same key does it once.

    Raises Forbidden, Malformed without a reason or for an amount, and what deposit() raises.
    """
    require(by, CREDIT)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    words = f"Credit: {reason.strip()}"
    receipt = deposit(account, amount, currency, key=f"credit:{key}", now=now, description=words)
    if not receipt.replayed:
        note(
            "cash.credited",
            by=by,
            now=now,
            target=f"account {account.id}",
            details={"amount": plain(amount), "currency": currency, "reason": reason.strip()},
            event=newest_seq(account.id, "cash.posted"),
        )
    return receipt
