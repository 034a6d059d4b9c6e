"""Who trades, and the money they trade with."""

from accounts.models.cash import (
    Account,
    CashBalance,
    FxRate,
    GoodFaithViolation,
    UnsettledCash,
    UnsettledUse,
)
from accounts.models.fees import FeeSchedule, RegulatoryRate
from accounts.models.idempotency import IdempotencyKey
from accounts.models.ledger import Conversion, LedgerAdjustment, LedgerEntry, LedgerTransaction
from accounts.models.users import User, UserManager

__all__ = [
    "Account",
    "CashBalance",
    "Conversion",
    "FeeSchedule",
    "FxRate",
    "GoodFaithViolation",
    "IdempotencyKey",
    "LedgerAdjustment",
    "LedgerEntry",
    "LedgerTransaction",
    "RegulatoryRate",
    "UnsettledCash",
    "UnsettledUse",
    "User",
    "UserManager",
]
