"""The fee schedules and regulatory rates that Bengi knows from the start, as their sources say.

Rows are added by staff when a rate changes; nothing here is changed for the past.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bengi.money import ZERO
from bengi.terms import CommissionKind

SINCE_EVER = date(1970, 1, 1)
SEC = "sec-31"
TAF = "finra-taf"


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """One dated rate of one regulatory fee; see accounts/fees.py."""

    code: str
    effective_from: date
    per_million: Decimal = ZERO
    per_share: Decimal = ZERO
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PublishedSchedule:
    """One fee schedule as it is offered; see accounts/commission.py."""

    code: str
    name: str
    kind: CommissionKind
    rate: Decimal = ZERO
    per_share: Decimal = ZERO
    minimum: Decimal = ZERO
    maximum_rate: Decimal | None = None
    tiers: tuple[tuple[str | None, str], ...] = ()


def _taf(year: int, per_share: str, cap: str) -> PublishedRate:
    day = date(year, 1, 1)
    return PublishedRate(TAF, day, per_share=Decimal(per_share), cap=Decimal(cap))


RATES = [
    PublishedRate(SEC, SINCE_EVER),
    PublishedRate(SEC, date(2026, 4, 4), per_million=Decimal("20.60")),
    PublishedRate(TAF, SINCE_EVER),
    _taf(2025, "0.000166", "8.30"),
    _taf(2026, "0.000195", "9.79"),
    _taf(2027, "0.000232", "11.61"),
    _taf(2028, "0.000240", "12.05"),
]
"""Rates before 2025 (TAF) are not known here and count as none."""

PER_SHARE = PublishedSchedule(
    "per-share",
    "0.005 a share, at least 1.00",
    CommissionKind.PER_SHARE,
    per_share=Decimal("0.005"),
    minimum=Decimal(1),
    maximum_rate=Decimal("0.01"),
)
TIERED = PublishedSchedule(
    "tiered",
    "0.0035 a share and less, at least 0.35",
    CommissionKind.TIERED,
    minimum=Decimal("0.35"),
    maximum_rate=Decimal("0.01"),
    tiers=(
        ("300000", "0.0035"),
        ("3000000", "0.002"),
        ("20000000", "0.0015"),
        ("100000000", "0.001"),
        (None, "0.0005"),
    ),
)
SCHEDULES = [
    PublishedSchedule("zero", "No commission", CommissionKind.ZERO),
    PublishedSchedule("flat-rate", "0.1 %", CommissionKind.FLAT_RATE, rate=Decimal("0.001")),
    PER_SHARE,
    TIERED,
]
