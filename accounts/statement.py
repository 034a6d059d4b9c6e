"""The statement: what moved an account's cash in one currency, with the balance after each.

One function reads it for the page, the API and the file: opening + movements = closing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Sum

from accounts.models import Account, LedgerEntry
from accounts.selectors import cash_entries_of
from bengi.csv_files import csv_text
from bengi.errors import Malformed
from bengi.listing import midnight
from bengi.money import ZERO, plain
from bengi.realtime.protocol import moment
from bengi.terms import LedgerKind

LINES_MAX = 10_000
COLUMNS = ("occurred_at", "kind", "description", "transaction_id", "trade_id", "amount", "balance")
_OF_TRADES = frozenset({LedgerKind.TRADE, LedgerKind.COMMISSION, LedgerKind.FEE})


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of cash and the balance right after it."""

    entry: LedgerEntry
    balance: Decimal

    @property
    def trade_id(self) -> str | None:
        """The exec_id of the trade behind it, or of the one whose money it takes back."""
        posted = self.entry.transaction
        posted = posted.reverses or posted
        if posted.kind not in _OF_TRADES:
            return None
        try:
            return str(UUID(posted.reference))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Statement:
    """One currency of an account over whole days in UTC; entries are newest first."""

    account: Account
    currency: str
    since: date | None
    until: date | None
    opening: Decimal
    movements: Decimal
    entries: QuerySet[LedgerEntry]

    @property
    def closing(self) -> Decimal:
        return self.opening + self.movements

    def newest(self, start: int, stop: int) -> list[StatementLine]:
        """Return the lines from start to stop, counted from the newest, each with its balance."""
        newer = sum((entry.amount for entry in self.entries[:start]), ZERO) if start else ZERO
        return list(statement_lines(self.entries[start:stop], self.closing - newer))

    def lines(self) -> list[StatementLine]:
        """Return all lines, oldest first. Raises Malformed when there are too many."""
        found = self.newest(0, LINES_MAX + 1)
        if len(found) > LINES_MAX:
            detail = f"More than {LINES_MAX} movements; ask for a shorter time."
            raise Malformed("invalid_parameter", detail, field="from", limit=LINES_MAX)
        return found[::-1]


def read_statement(
    account: Account, currency: str, since: date | None = None, until: date | None = None
) -> Statement:
    """Return the statement of a currency from the first to the last day, both included."""
    entries = cash_entries_of(account).filter(currency=currency)
    opening = ZERO
    if since is not None:
        starts_at = midnight(since)
        opening = _sum(entries.filter(transaction__occurred_at__lt=starts_at))
        entries = entries.filter(transaction__occurred_at__gte=starts_at)
    if until is not None:
        entries = entries.filter(transaction__occurred_at__lt=midnight(until + timedelta(days=1)))
    return Statement(account, currency, since, until, opening, _sum(entries), entries)


def statement_lines(entries: Iterable[LedgerEntry], balance: Decimal) -> Iterator[StatementLine]:
    """Yield entries, newest first, each with the balance after it; balance is the newest one's."""
    for entry in entries:
        yield StatementLine(entry, balance)
        balance -= entry.amount


def statement_shape(statement: Statement) -> dict[str, Any]:
    """Return the statement as JSON, oldest line first."""
    return {
        "account_id": str(statement.account.id),
        "currency": statement.currency,
        "from": statement.since.isoformat() if statement.since else None,
        "to": statement.until.isoformat() if statement.until else None,
        "opening": plain(statement.opening),
        "movements": plain(statement.movements),
        "closing": plain(statement.closing),
        "lines": [_line_shape(line) for line in statement.lines()],
    }


def statement_csv(statement: Statement) -> str:
    """Return the statement as a file for spreadsheets; no cell of it is taken for a formula."""
    empty = dict.fromkeys(COLUMNS)
    opening = {"kind": "opening", "balance": plain(statement.opening)}
    totals = {"amount": plain(statement.movements), "balance": plain(statement.closing)}
    lines = [_line_shape(line) for line in statement.lines()]
    rows = [empty | opening, *lines, empty | {"kind": "closing"} | totals]
    return csv_text(COLUMNS, rows)


def _line_shape(line: StatementLine) -> dict[str, Any]:
    posted = line.entry.transaction
    return {
        "occurred_at": moment(posted.occurred_at),
        "kind": posted.kind,
        "description": posted.description,
        "transaction_id": str(posted.id),
        "trade_id": line.trade_id,
        "amount": plain(line.entry.amount),
        "balance": plain(line.balance),
    }


def _sum(entries: QuerySet[LedgerEntry]) -> Decimal:
    total: Decimal | None = entries.order_by().aggregate(total=Sum("amount"))["total"]
    return total or ZERO
