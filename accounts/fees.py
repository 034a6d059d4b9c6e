"""What regulators take of a sale in the United States, by dated rates.

A fee is reckoned on the order, like commission (docs/adr/0008): what is due after a fill is the
formula on all that has been sold so far, each share at the rate of the day it was sold on, rounded
up to the minor unit once; the fill pays the difference. So partial fills do not round up each.

Sources: Section 31 of the Securities Exchange Act of 1934 and the SEC's fee rate advisories;
FINRA By-Laws, Schedule A, Section 1 (trading activity fee).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol, TypeVar

import msgspec

from bengi.money import ZERO, round_up_money

US_MICS = frozenset({"XNYS", "XNAS", "ARCX"})
"""Where a sale owes these fees (ISO 10383)."""

MILLION = Decimal(1_000_000)


class Dated(Protocol):
    """A row that counts from a day on, until a later one of its kind does."""

    effective_from: date


DatedRow = TypeVar("DatedRow", bound=Dated)


class Rate(Protocol):
    """One dated rate of one fee: a row of the table, for one.

    per_million of the value sold and per_share sold are added up; cap is the most that one order
    pays, None without a limit.
    """

    code: str
    effective_from: date
    per_million: Decimal
    per_share: Decimal
    cap: Decimal | None


class Sold(msgspec.Struct, frozen=True):
    """Shares that one order sold on one day, and what they came to."""

    day: date
    quantity: Decimal
    value: Decimal


def in_force(rows: Iterable[DatedRow], day: date) -> DatedRow | None:
    """Return the newest row that counts on day; None before the first."""
    known = [row for row in rows if row.effective_from <= day]
    return max(known, key=lambda row: row.effective_from, default=None)


def regulatory_fees(rates: Sequence[Rate], sold: Sequence[Sold], currency: str) -> Decimal:
    """Return all that an order owes which has sold so much in all; nothing before its first fill.

    Each fee is rounded up to the minor unit, once; the cap is that of the last day.
    """
    codes = {rate.code for rate in rates}
    return sum((_fee([r for r in rates if r.code == c], sold, currency) for c in codes), ZERO)


def _fee(rates: Sequence[Rate], sold: Sequence[Sold], currency: str) -> Decimal:
    amount = ZERO
    cap: Decimal | None = None
    for part in sorted(sold, key=lambda part: part.day):
        rate = in_force(rates, part.day)
        if rate is not None:
            amount += rate.per_million * part.value / MILLION + rate.per_share * part.quantity
            cap = rate.cap
    return round_up_money(amount if cap is None else min(amount, cap), currency)
