"""The double-entry ledger: every transaction's legs sum to zero per currency, rows never change."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from accounts.models import LedgerEntry, LedgerTransaction
from bengi.bulk import insert_values
from bengi.ids import new_id
from bengi.money import ZERO, plain
from bengi.terms import LedgerBook, LedgerKind


class LedgerLeg(msgspec.Struct, frozen=True):
    """One signed leg; account_id is the customer's for customer_cash and None for the house."""

    book: LedgerBook
    account_id: UUID | None
    currency: str
    amount: Decimal


class NewTransaction(msgspec.Struct, frozen=True):
    """A ledger transaction about to be written. (kind, reference) happens once."""

    id: UUID
    kind: LedgerKind
    reference: str
    account_id: UUID
    occurred_at: datetime
    description: str
    legs: tuple[LedgerLeg, ...]
    reverses: UUID | None = None


def post(transactions: Sequence[NewTransaction]) -> None:
    """Write the transactions and their legs: two statements, however many there are."""
    for new in transactions:
        _assert_balanced(new)
    rows = [
        (
            *(new.id, new.kind, new.reference, new.account_id),
            *(new.occurred_at, new.description, new.reverses),
        )
        for new in transactions
    ]
    entries = [
        (new_id(), new.id, leg.book, leg.account_id, leg.currency, leg.amount)
        for new in transactions
        for leg in new.legs
    ]
    insert_values(LedgerTransaction, _TRANSACTION, rows)
    insert_values(LedgerEntry, _ENTRY, entries)


_TRANSACTION = (
    *("id", "kind", "reference", "account_id"),
    *("occurred_at", "description", "reverses_id"),
)
_ENTRY = ("id", "transaction_id", "book", "account_id", "currency", "amount")


def transaction_payload(new: NewTransaction) -> dict[str, Any]:
    """Return the transaction as an event takes it: enough to write it again."""
    return {
        "id": new.id,
        "kind": new.kind,
        "reference": new.reference,
        "description": new.description,
        "reverses": new.reverses,
        "entries": [
            {
                "book": leg.book,
                "account_id": leg.account_id,
                "currency": leg.currency,
                "amount": plain(leg.amount),
            }
            for leg in new.legs
        ],
    }


def reversal_of(
    original: LedgerTransaction, entries: Sequence[LedgerEntry], reason: str, now: datetime
) -> NewTransaction:
    """Return the transaction that takes original back, leg by leg; it names it, once."""
    assert original.kind != LedgerKind.REVERSAL, "a reversal is final"
    return NewTransaction(
        id=new_id(),
        kind=LedgerKind.REVERSAL,
        reference=str(original.id),
        account_id=original.account_id,
        occurred_at=now,
        description=f"Reversal: {reason}"[:200],
        legs=tuple(
            LedgerLeg(LedgerBook(each.book), each.account_id, each.currency, -each.amount)
            for each in entries
        ),
        reverses=original.id,
    )


def _assert_balanced(new: NewTransaction) -> None:
    if len(new.legs) == 2:
        one, other = new.legs
        if one.currency == other.currency and one.amount == -other.amount:
            return
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for leg in new.legs:
        sums[leg.currency] += leg.amount
    assert all(total == 0 for total in sums.values()), f"{new.kind} does not balance: {sums}"
