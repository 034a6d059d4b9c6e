"""What there is of every currency, and what all of it comes to in the account's own."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal

from accounts.fx import Rate
from accounts.models import UnsettledCash
from accounts.settlement import CashState
from accounts.valuing import Valuer
from bengi.money import ZERO


@dataclass(frozen=True, slots=True)
class CashLine:
    """One currency's cash; worth is what it comes to in the account's, None without a rate."""

    currency: str
    state: CashState
    worth: Decimal | None


@dataclass(frozen=True, slots=True)
class Together:
    """All columns of the table in the account's currency; None where a rate is missing."""

    cash: Decimal | None
    reserved: Decimal | None
    settled: Decimal | None
    unsettled: Decimal | None
    buying_power: Decimal | None
    withdrawable: Decimal | None


@dataclass(frozen=True, slots=True)
class CashTable:
    """The lines, what they come to together, and the rates by which that was reckoned."""

    currency: str
    lines: list[CashLine]
    together: Together
    rates: list[Rate]


def cash_table(
    base_currency: str, states: Mapping[str, CashState], rates: Iterable[Rate]
) -> CashTable:
    """Return the table of an account's cash. Nothing of it is booked: rates move."""
    valuer = Valuer.of(base_currency, rates)
    names = list(CashState.__dataclass_fields__)
    columns = zip(*(astuple(state) for state in states.values()), strict=True)
    sums = {
        name: valuer.total(dict(zip(states, column, strict=True)))
        for name, column in zip(names, columns, strict=False)
    }
    together = Together(**{name: sums.get(name, ZERO) for name in names})
    lines = [
        CashLine(currency, state, valuer.total({currency: state.cash}))
        for currency, state in states.items()
    ]
    used = sorted(valuer.used.values(), key=lambda rate: (rate.base, rate.quote))
    return CashTable(base_currency, lines, together, used)


@dataclass(frozen=True, slots=True)
class Settling:
    """What of a currency settles on one day."""

    currency: str
    amount: Decimal
    settles_on: date


def settlings(waiting: Iterable[UnsettledCash]) -> list[Settling]:
    """Return what settles when, soonest first, by day and currency."""
    sums: dict[tuple[date, str], Decimal] = {}
    for row in waiting:
        key = (row.settles_on, row.currency)
        sums[key] = sums.get(key, ZERO) + row.remaining_amount
    return [Settling(currency, sums[day, currency], day) for day, currency in sorted(sums)]
