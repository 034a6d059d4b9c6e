"""The statement: what moved an account's cash in one currency, with the balance after each.

One function reads it for the page, the API and the file: opening + movements = closing. A statement
of one kind lists that kind alone; its balances, and its sums, are those of all of the cash.
The database is asked more than once: who reads one does so in one_moment() (bengi/moments.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from accounts.models import Account, LedgerEntry
from accounts.selectors import cash_entries_of
from bengi.csv_files import csv_lines
from bengi.errors import Malformed
from bengi.listing import midnight
from bengi.money import ZERO, plain
from bengi.pagination import Leaf, leaf
from bengi.realtime.protocol import moment
from bengi.sentences import Sentence, sentence
from bengi.terms import LedgerKind

LINES_MAX = 10_000
"""Lines that are read at once."""
FILE_LINES_MAX = 200_000
"""Lines of a file; each takes 150 bytes or so, and half a kilobyte at most: 100 MB in all."""
CHUNK = 1_000

COLUMNS = (
    *("occurred_at_utc", "kind", "description", "transaction_id", "trade_id"),
    *("currency", "amount", "balance"),
)
NEWEST_FIRST = ("-transaction__occurred_at", "-id")
_OLDEST_FIRST = ("transaction__occurred_at", "id")
_OF_TRADES = frozenset({LedgerKind.TRADE, LedgerKind.COMMISSION, LedgerKind.FEE})


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of cash and the balance right after it."""

    entry: LedgerEntry
    balance: Decimal

    @property
    def words(self) -> str | Sentence:
        """What it was: of a conversion with its numbers, which a page writes as they are read."""
        posted = self.entry.transaction
        return posted.conversion.words if hasattr(posted, "conversion") else posted.description

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
    """One currency of an account over whole days in UTC, of one kind where that is named.

    moved are all entries of these days, newest first; movements is their sum, and listed that of
    those that are listed.
    """

    account: Account
    currency: str
    since: date | None
    until: date | None
    kind: LedgerKind | None
    opening: Decimal
    movements: Decimal
    listed: Decimal
    moved: QuerySet[LedgerEntry]

    @property
    def closing(self) -> Decimal:
        return self.opening + self.movements

    @property
    def entries(self) -> QuerySet[LedgerEntry]:
        """The entries that are listed."""
        return self.moved if self.kind is None else self.moved.filter(transaction__kind=self.kind)

    def leaf(
        self, limit: int, *, after: str = "", before: str = ""
    ) -> tuple[list[StatementLine], Leaf[LedgerEntry]]:
        """Return one page of lines, newest first, and the cursors of those beside it.

        Two statements at most for the cursors, and two for the balances.
        """
        found = leaf(self.entries, by=NEWEST_FIRST, limit=limit, after=after, before=before)
        if not found.rows:
            return [], found
        balance = self.closing - _sum(self.moved.filter(_newer_than(found.rows[0])))
        if self.kind is None:
            return list(statement_lines(found.rows, balance)), found
        return list(self._between(found.rows, balance)), found

    def lines(self) -> list[StatementLine]:
        """Return all lines, oldest first. Raises Malformed when there are too many."""
        rows = list(self.moved.order_by(*_OLDEST_FIRST)[: LINES_MAX + 1])
        _check_length(len(rows), LINES_MAX)
        return list(self._walk(rows))

    def stream(self) -> Iterator[StatementLine]:
        """Return all lines, oldest first, to be read one after the other.

        Raises Malformed when there are too many, at once. Two statements.
        """
        _check_length(self.moved.count(), FILE_LINES_MAX)
        return self._walk(self.moved.order_by(*_OLDEST_FIRST).iterator(chunk_size=CHUNK))

    def _walk(self, entries: Iterable[LedgerEntry]) -> Iterator[StatementLine]:
        balance = self.opening
        for entry in entries:
            balance += entry.amount
            if self.kind is None or entry.transaction.kind == self.kind:
                yield StatementLine(entry, balance)

    def _between(self, rows: list[LedgerEntry], balance: Decimal) -> Iterator[StatementLine]:
        """Yield entries of one kind, newest first, past the others that moved the balance too."""
        listed = {entry.id: entry for entry in rows}
        oldest = rows[-1]
        around = self.moved.exclude(_newer_than(rows[0])).filter(_newer_than(oldest))
        amounts = [*around.values_list("id", "amount"), (oldest.id, oldest.amount)]
        for key, amount in amounts:
            if key in listed:
                yield StatementLine(listed[key], balance)
            balance -= amount


def read_statement(
    account: Account,
    currency: str,
    since: date | None = None,
    until: date | None = None,
    kind: LedgerKind | None = None,
) -> Statement:
    """Return the statement of a currency from the first to the last day, both included."""
    moved = cash_entries_of(account).filter(currency=currency)
    opening = ZERO
    if since is not None:
        starts_at = midnight(since)
        opening = _sum(moved.filter(transaction__occurred_at__lt=starts_at))
        moved = moved.filter(transaction__occurred_at__gte=starts_at)
    if until is not None:
        moved = moved.filter(transaction__occurred_at__lt=midnight(until + timedelta(days=1)))
    of_kind = Q() if kind is None else Q(transaction__kind=kind)
    sums = moved.order_by().aggregate(all=Sum("amount"), listed=Sum("amount", filter=of_kind))
    movements, listed = sums["all"] or ZERO, sums["listed"] or ZERO
    return Statement(account, currency, since, until, kind, opening, movements, listed, moved)


def statement_lines(entries: Iterable[LedgerEntry], balance: Decimal) -> Iterator[StatementLine]:
    """Yield entries, newest first, each with the balance after it; balance is the newest one's."""
    for entry in entries:
        yield StatementLine(entry, balance)
        balance -= entry.amount


def statement_shape(statement: Statement) -> dict[str, Any]:
    """Return the statement as JSON, oldest line first."""
    lines = statement.lines()
    return {
        "account_id": str(statement.account.id),
        "currency": statement.currency,
        "kind": statement.kind,
        "from": statement.since.isoformat() if statement.since else None,
        "to": statement.until.isoformat() if statement.until else None,
        "opening": plain(statement.opening),
        "movements": plain(statement.movements),
        "closing": plain(statement.closing),
        "listed": plain(statement.listed),
        "lines": [line_shape(line) for line in lines],
    }


def statement_csv(statement: Statement) -> Iterator[str]:
    """Yield the statement as a file for spreadsheets; no cell of it is taken for a formula.

    Raises Malformed when there are too many lines, before the first one is read.
    """
    return csv_lines(COLUMNS, _file_rows(statement, statement.stream()))


def _file_rows(statement: Statement, lines: Iterable[StatementLine]) -> Iterator[dict[str, Any]]:
    empty = dict.fromkeys(COLUMNS) | {"currency": statement.currency}
    yield empty | {"kind": "opening", "balance": plain(statement.opening)}
    for line in lines:
        shape = line_shape(line)
        yield empty | shape | {"occurred_at_utc": shape["occurred_at"]}
    totals = {"amount": plain(statement.movements), "balance": plain(statement.closing)}
    yield empty | {"kind": "closing"} | totals


def line_shape(line: StatementLine) -> dict[str, Any]:
    """Return a line of a statement as JSON."""
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


def _check_length(count: int, most: int) -> None:
    if count > most:
        detail = sentence("More than {most} movements; ask for a shorter time.", most=most)
        raise Malformed("invalid_parameter", detail, field="from", limit=most)


def _newer_than(entry: LedgerEntry) -> Q:
    at = entry.transaction.occurred_at
    return Q(transaction__occurred_at__gt=at) | Q(transaction__occurred_at=at, id__gt=entry.id)


def _sum(entries: QuerySet[LedgerEntry]) -> Decimal:
    total: Decimal | None = entries.order_by().aggregate(total=Sum("amount"))["total"]
    return total or ZERO
