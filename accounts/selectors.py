"""Accounts as their owner may see them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import (
    Case,
    Exists,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber, TruncDate

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
from bengi.errors import Malformed, NotFound
from bengi.events.selectors import head_seq
from bengi.listing import midnight
from bengi.money import ZERO
from bengi.terms import AccountStatus, LedgerBook, LedgerKind

VIOLATIONS_MAX = 20
VIOLATIONS_COUNT = timedelta(days=365)
"""Brokers look at the violations of the last twelve months."""


def accounts_of(user: User) -> QuerySet[Account]:
    """Return the user's accounts, oldest first, with fee schedules, balances and portfolios."""
    found = Account.objects.filter(user=user).order_by("created_at", "id")
    return found.select_related("fee_schedule").prefetch_related("balances", "portfolios")


def open_accounts_of(user: User) -> QuerySet[Account]:
    """Return those of the user's accounts that are not closed."""
    return accounts_of(user).exclude(status=AccountStatus.CLOSED)


def main_account(accounts: QuerySet[Account]) -> Account | None:
    """Return the account that pages show and forms move money in: the first that is open.

    Where all are closed, the first of them; None where there is none. One statement, and those that
    accounts fetches with it.
    """
    closed_last = Case(When(status=AccountStatus.CLOSED, then=Value(1)), default=Value(0))
    return accounts.order_by(closed_last, "created_at", "id").first()


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


def stream_of(user: User, account_id: UUID | None) -> UUID:
    """Return the id of the account whose events are asked for: the named one, or the only one.

    Raises NotFound for an absent account and for others'; Malformed where several are open, or
    none, and none is named.
    """
    if account_id is not None:
        return account_of(user, account_id).id
    ids = list(open_accounts_of(user).prefetch_related(None).values_list("id", flat=True)[:2])
    if len(ids) != 1:
        detail = "Say which account." if ids else "There is no account."
        raise Malformed("invalid_parameter", detail, field="account")
    return ids[0]


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


def transactions_of(
    account: Account, *, kind: str | None = None, currency: str | None = None
) -> QuerySet[LedgerTransaction]:
    """Return the account's ledger transactions, newest first, with their entries.

    Of one kind, or those that moved the account's cash in one currency, where it is named.
    """
    found = LedgerTransaction.objects.filter(account=account).order_by("-id")
    if kind is not None:
        found = found.filter(kind=kind)
    if currency is not None:
        moved = LedgerEntry.objects.filter(transaction=OuterRef("pk"), account=account)
        found = found.filter(Exists(moved.filter(currency=currency)))
    return found.prefetch_related(Prefetch("entries", LedgerEntry.objects.order_by("id")))


def rates_at(now: datetime, among: Collection[str] | None = None) -> list[Rate]:
    """Return the newest rate of each pair at now, by pair; among: of these currencies alone."""
    by_age = Window(RowNumber(), partition_by=["base", "quote"], order_by="-as_of")
    rows = FxRate.objects.filter(as_of__lte=now)
    if among is not None:
        rows = rows.filter(base__in=among, quote__in=among)
    rows = rows.annotate(age=by_age).filter(age=1)
    in_order = rows.order_by("base", "quote")
    return [Rate(row.base, row.quote, row.rate, row.as_of) for row in in_order]


def rates_by_day(currency: str, since: date, until: date) -> dict[date, list[Rate]]:
    """Return for each day, in UTC, the rates between currency and others that held at its end.

    Two statements: when each pair's last rate of each day came, and those rates.
    """
    mine = FxRate.objects.filter(Q(base=currency) | Q(quote=currency))
    mine = mine.filter(as_of__lt=midnight(until + timedelta(days=1)))
    newest = (
        mine.annotate(day=TruncDate("as_of", tzinfo=UTC))
        .values("base", "quote", "day")
        .annotate(newest=Max("as_of"))
        .order_by()
        .values_list("base", "quote", "day", "newest")
    )
    ends = {(base, quote, at): day for base, quote, day, at in newest}
    rates = mine.filter(as_of__in={at for _, _, at in ends}).order_by("as_of")
    found = [Rate(row.base, row.quote, row.rate, row.as_of) for row in rates]
    last = [rate for rate in found if (rate.base, rate.quote, rate.as_of) in ends]
    held: dict[frozenset[str], Rate] = {}
    by_day: dict[date, list[Rate]] = {}
    for day in (since + timedelta(days=n) for n in range((until - since).days + 1)):
        end = midnight(day + timedelta(days=1))
        while last and last[0].as_of < end:
            rate = last.pop(0)
            held[frozenset({rate.base, rate.quote})] = rate
        by_day[day] = list(held.values())
    return by_day


def cash_by_day(account: Account, since: date, until: date) -> dict[date, dict[str, Decimal]]:
    """Return the account's cash by currency at the end of each day in UTC, by the ledger alone.

    Two statements: what there was before, and what each day has changed.
    """
    entries = LedgerEntry.objects.filter(account=account, book=LedgerBook.CUSTOMER_CASH)
    before = entries.filter(transaction__occurred_at__lt=midnight(since))
    opening = before.values_list("currency").annotate(total=Sum("amount")).order_by()
    cash: dict[str, Decimal] = dict(opening)
    moved = (
        entries.filter(
            transaction__occurred_at__gte=midnight(since),
            transaction__occurred_at__lt=midnight(until + timedelta(days=1)),
        )
        .annotate(day=TruncDate("transaction__occurred_at", tzinfo=UTC))
        .values_list("day", "currency")
        .annotate(total=Sum("amount"))
        .order_by("day")
    )
    changes: dict[date, list[tuple[str, Decimal]]] = {}
    for day, currency, total in moved:
        changes.setdefault(day, []).append((currency, total))
    by_day = {}
    for day in (since + timedelta(days=n) for n in range((until - since).days + 1)):
        for currency, total in changes.get(day, []):
            cash[currency] = cash.get(currency, ZERO) + total
        by_day[day] = dict(cash)
    return by_day


def cash_entries_of(account: Account) -> QuerySet[LedgerEntry]:
    """Return the account's cash movements, newest first, with the reasons they happened for."""
    found = LedgerEntry.objects.filter(account=account, book=LedgerBook.CUSTOMER_CASH)
    related = found.select_related("transaction__reverses", "transaction__conversion")
    return related.order_by("-transaction__occurred_at", "-id")


FLOWS = (LedgerKind.DEPOSIT, LedgerKind.WITHDRAWAL, LedgerKind.ADJUSTMENT)
"""What moves cash between an account and the world outside, and no market."""


def flows_by_day(account: Account) -> dict[date, dict[str, tuple[Decimal, Decimal]]]:
    """Return by day in UTC and currency what came into the account from outside, and what went.

    Both are zero or more; what takes a flow back is one the other way. One statement.
    """
    entries = LedgerEntry.objects.filter(account=account, book=LedgerBook.CUSTOMER_CASH)
    moved = (
        entries.filter(Q(transaction__kind__in=FLOWS) | Q(transaction__reverses__kind__in=FLOWS))
        .annotate(day=TruncDate("transaction__occurred_at", tzinfo=UTC))
        .values_list("day", "currency")
        .annotate(
            came=Sum("amount", filter=Q(amount__gt=0)),
            went=Sum("amount", filter=Q(amount__lt=0)),
        )
        .order_by("day", "currency")
    )
    flows: dict[date, dict[str, tuple[Decimal, Decimal]]] = {}
    for day, currency, came, went in moved:
        flows.setdefault(day, {})[currency] = came or ZERO, -(went or ZERO)
    return flows


def trade_moments(account: Account) -> dict[UUID, tuple[datetime, datetime | None]]:
    """Return by exec_id when the cash of the account's trades moved, and when it moved back.

    One statement.
    """
    posted = LedgerTransaction.objects.filter(account=account, kind=LedgerKind.TRADE)
    rows = posted.values_list("reference", "occurred_at", "reversed_by__occurred_at")
    return {UUID(reference): (at, back) for reference, at, back in rows}
