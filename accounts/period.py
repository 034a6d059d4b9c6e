"""A period of an account's cash, all currencies of it: opening, every movement, closing, by kind.

The lines of a currency are those of its statement (accounts/statement.py): opening + entries =
closing, in every currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Sum

from accounts.models import Account
from accounts.selectors import cash_entries_of
from accounts.statement import StatementLine, line_shape
from bengi.errors import Malformed
from bengi.listing import midnight
from bengi.money import ZERO, plain
from bengi.sentences import sentence
from bengi.terms import LedgerKind

LINES_MAX = 5_000
"""Movements of one period: what can be read, and printed."""


@dataclass(frozen=True, slots=True)
class KindTotal:
    """What movements of one kind came to, and how many there were."""

    kind: LedgerKind
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CurrencyPeriod:
    """One currency of a period; lines are oldest first."""

    currency: str
    opening: Decimal
    lines: Sequence[StatementLine]
    totals: Sequence[KindTotal]

    @property
    def movements(self) -> Decimal:
        return sum((total.amount for total in self.totals), ZERO)

    @property
    def closing(self) -> Decimal:
        return self.opening + self.movements


def read_period(account: Account, since: date, until: date) -> list[CurrencyPeriod]:
    """Return the currencies of which there was anything, by name. Two statements, of one moment
    where the caller reads within one_moment().

    Days are those of UTC, both included. Raises Malformed for more than LINES_MAX movements.
    """
    entries = cash_entries_of(account)
    starts_at, ends_at = midnight(since), midnight(until + timedelta(days=1))
    before = entries.filter(transaction__occurred_at__lt=starts_at).order_by()
    openings: dict[str, Decimal] = dict(
        before.values_list("currency").annotate(total=Sum("amount"))
    )
    during = entries.filter(
        transaction__occurred_at__gte=starts_at, transaction__occurred_at__lt=ends_at
    )
    rows = list(during.order_by("currency", "transaction__occurred_at", "id")[: LINES_MAX + 1])
    if len(rows) > LINES_MAX:
        detail = sentence("More than {most} movements; ask for a shorter time.", most=LINES_MAX)
        raise Malformed("invalid_parameter", detail, field="from", limit=LINES_MAX)
    moved = {currency: list(group) for currency, group in groupby(rows, lambda row: row.currency)}
    names = sorted({*moved, *(currency for currency, total in openings.items() if total)})
    return [_period(name, openings.get(name, ZERO), moved.get(name, [])) for name in names]


def period_shape(period: CurrencyPeriod) -> dict[str, Any]:
    """Return a currency of a period as JSON."""
    return {
        "currency": period.currency,
        "opening": plain(period.opening),
        "movements": plain(period.movements),
        "closing": plain(period.closing),
        "totals": [
            {"kind": total.kind, "count": total.count, "amount": plain(total.amount)}
            for total in period.totals
        ],
        "lines": [line_shape(line) for line in period.lines],
    }


def _period(currency: str, opening: Decimal, entries: Sequence[Any]) -> CurrencyPeriod:
    balance, lines = opening, []
    counts: dict[str, tuple[int, Decimal]] = {}
    for entry in entries:
        balance += entry.amount
        lines.append(StatementLine(entry, balance))
        count, amount = counts.get(entry.transaction.kind, (0, ZERO))
        counts[entry.transaction.kind] = (count + 1, amount + entry.amount)
    totals = [KindTotal(kind, *counts[kind]) for kind in LedgerKind if kind in counts]
    found = CurrencyPeriod(currency, opening, lines, totals)
    assert found.closing == balance, "opening and entries make the closing balance"
    return found
