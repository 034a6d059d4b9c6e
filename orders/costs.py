"""What orders will cost: the fee schedules and regulatory rates in force when they are given."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from accounts.commission import CommissionSchedule
from accounts.fees import US_MICS, Sold, in_force, regulatory_fees
from accounts.models import Account, FeeSchedule, RegulatoryRate
from bengi.money import ZERO
from bengi.terms import CommissionKind
from instruments.calendar import session_date
from instruments.models import Instrument
from portfolios.selectors import shares_traded


@dataclass(frozen=True, slots=True)
class Costs:
    """The rows of the accounts' fee schedules; by account the month's volume where it counts."""

    rows: list[FeeSchedule]
    volumes: dict[UUID, Decimal]
    _in_force: dict[tuple[UUID, str, datetime], FeeSchedule] = field(default_factory=dict)
    _priced: dict[tuple[UUID, Decimal], CommissionSchedule] = field(default_factory=dict)

    def row(self, account: Account, mic: str, now: datetime) -> FeeSchedule:
        """Return the row of the account's schedule that is in force on the exchange's day."""
        own = account.fee_schedule
        key = (own.id, mic, now)
        if key not in self._in_force:
            dated = [row for row in self.rows if row.code == own.code]
            self._in_force[key] = in_force(dated, session_date(mic, now)) or own
        return self._in_force[key]

    def schedule(self, account: Account, mic: str, now: datetime) -> CommissionSchedule:
        """Return the commission of an order given now."""
        row, volume = self.row(account, mic, now), self.volume(account)
        found = self._priced.get((row.id, volume))
        if found is None:
            found = self._priced[row.id, volume] = CommissionSchedule.of(row, volume)
        return found

    def volume(self, account: Account) -> Decimal:
        """Return the shares the account has traded this month; zero where nothing depends on it."""
        return self.volumes.get(account.id, ZERO)


def schedules_of(accounts: Iterable[Account]) -> list[FeeSchedule]:
    """Return all dated rows of the accounts' fee schedules; one statement."""
    codes = {account.fee_schedule.code for account in accounts}
    return list(FeeSchedule.objects.filter(code__in=codes))


def costs_with(rows: list[FeeSchedule], accounts: Iterable[Account], now: datetime) -> Costs:
    """Return what the accounts pay; three statements where a price depends on the volume.

    A month is that of UTC.
    """
    tiered = {row.code for row in rows if row.kind == CommissionKind.TIERED}
    priced = [account.id for account in accounts if account.fee_schedule.code in tiered]
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Costs(rows, shares_traded(priced, since=month) if priced else {})


def fees_on_sale(
    instrument: Instrument, quantity: Decimal, value: Decimal, now: datetime
) -> Decimal:
    """Return what regulators take of a sale of quantity shares for value, done now."""
    if instrument.mic not in US_MICS:
        return ZERO
    rates = list(RegulatoryRate.objects.all())
    sold = Sold(session_date(instrument.mic, now), quantity, value)
    return min(value, regulatory_fees(rates, [sold], instrument.currency))
