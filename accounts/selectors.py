"""Accounts as their owner may see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from accounts.fx import Rate
from accounts.models import (
    Account,
    CashBalance,
    FxRate,
    GoodFaithViolation,
    LedgerEntry,
    LedgerTransaction,
    UnsettledCash,
    User,
)
from accounts.settlement import CashState, Proceeds, cash_state
from bengi.errors import NotFound
from bengi.events.selectors import head_seq
from bengi.money import ZERO
from bengi.terms import LedgerBook

VIOLATIONS_MAX = 20
VIOLATIONS_COUNT = timedelta(days=365)
"""Brokers look at the violations of the last twelve months."""


def accounts_of(user: User) -> QuerySet[Account]:
    """Return the user's accounts, oldest first, with balances and portfolios."""
    found = Account.objects.filter(user=user).order_by("created_at", "id")
    return found.prefetch_related("balances", "portfolios")


@dataclass(frozen=True, slots=True)
class StreamHead:
    """An account's event log and the seq up to which a page knows it."""

    id: UUID
    seq: int


def heads_of(accounts: Iterable[Account]) -> list[StreamHead]:
    """Return where the accounts' logs stand. A page reads it first: what comes later is told it."""
    return [StreamHead(account.id, head_seq(account.id)) for account in accounts]


def account_of(user: User, account_id: UUID) -> Account:
    """Return an account of the user's. Raises NotFound for an absent one and for others'."""
    account = Account.objects.filter(user=user, id=account_id).first()
    if account is None:
        raise NotFound
    return account


def with_unsettled(accounts: QuerySet[Account], now: datetime) -> QuerySet[Account]:
    """Return the accounts with what of their cash has not settled, and a year's violations."""
    waiting = UnsettledCash.objects.filter(settles_at__gt=now, remaining_amount__gt=0)
    since = now - VIOLATIONS_COUNT
    broken = GoodFaithViolation.objects.filter(occurred_at__gt=since, busted_by=None)
    return accounts.prefetch_related(Prefetch("unsettled", waiting), Prefetch("violations", broken))


def proceeds_of(account: Account, currency: str, now: datetime) -> list[Proceeds]:
    """Return what of the account's sales has not settled at now, in one currency."""
    rows = UnsettledCash.objects.filter(
        account=account, currency=currency, settles_at__gt=now, remaining_amount__gt=0
    )
    return [Proceeds(row.id, row.remaining_amount, row.settles_at) for row in rows]


def cash_state_of(account: Account, currency: str, now: datetime) -> CashState:
    """Return the account's cash in one currency at now, all zero when it has none."""
    balance = CashBalance.objects.filter(account=account, currency=currency).first()
    if balance is None:
        return cash_state(ZERO, ZERO, [], now)
    waiting = proceeds_of(account, currency, now)
    return cash_state(balance.amount, balance.reserved, waiting, now)


def rate_between(source: str, target: str, now: datetime) -> Rate | None:
    """Return the newest rate between two currencies as of now, whichever way round it is kept."""
    either_way = Q(base=source, quote=target) | Q(base=target, quote=source)
    row = FxRate.objects.filter(either_way, as_of__lte=now).order_by("-as_of", "base").first()
    return Rate(row.base, row.quote, row.rate, row.as_of) if row else None


def cash_states_of(account: Account, now: datetime) -> dict[str, CashState]:
    """Return the account's cash by currency, in order. balances and unsettled are prefetched."""
    waiting: dict[str, list[Proceeds]] = {}
    for row in account.unsettled.all():
        proceeds = Proceeds(row.id, row.remaining_amount, row.settles_at)
        waiting.setdefault(row.currency, []).append(proceeds)
    return {
        row.currency: cash_state(row.amount, row.reserved, waiting.get(row.currency, []), now)
        for row in sorted(account.balances.all(), key=lambda each: each.currency)
    }


def transactions_of(account: Account) -> QuerySet[LedgerTransaction]:
    """Return the account's ledger transactions, newest first, with their entries."""
    found = LedgerTransaction.objects.filter(account=account).order_by("-id")
    return found.prefetch_related(Prefetch("entries", LedgerEntry.objects.order_by("id")))


def rates_at(now: datetime) -> list[Rate]:
    """Return the newest rate of each pair at now, by pair."""
    newest: dict[tuple[str, str], Rate] = {}
    for row in FxRate.objects.filter(as_of__lte=now).order_by("base", "quote", "-as_of"):
        rate = Rate(row.base, row.quote, row.rate, row.as_of)
        newest.setdefault((row.base, row.quote), rate)
    return list(newest.values())


def cash_entries_of(account: Account) -> QuerySet[LedgerEntry]:
    """Return the account's cash movements, newest first, with the reasons they happened for."""
    found = LedgerEntry.objects.filter(account=account, book=LedgerBook.CUSTOMER_CASH)
    related = found.select_related("transaction__reverses")
    return related.order_by("-transaction__occurred_at", "-id")
