"""What an order owes in commission: formulas of the fee schedules, on an order's running totals.

Commission is reckoned on the order, not on the fill: what is due after a fill is the formula on
all that has filled so far, and the fill pays the difference. Quantity and value only grow, every
formula is monotone in both, and so is rounding: no difference is ever negative, and the formula at
the full quantity and the worst price bounds every sequence of fills.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, Self

from bengi.money import ZERO, parse_decimal, round_money
from bengi.terms import CommissionKind


class FeeTerms(Protocol):
    """Anything with the numbers of a fee schedule: its row, for one."""

    kind: str
    rate: Decimal
    per_share: Decimal
    minimum: Decimal
    maximum_rate: Decimal | None
    tiers: list[list[str | None]]


@dataclass(frozen=True, slots=True)
class Tier:
    """A price per share for the month's shares up to and including up_to; None: for all above."""

    up_to: Decimal | None
    per_share: Decimal


@dataclass(frozen=True, slots=True)
class CommissionSchedule:
    """The numbers of one fee schedule.

    rate and maximum_rate are shares of the value (0.001 is 0.1 %), per_share and minimum amounts
    in the order's currency. zero: nothing. flat_rate: rate. per_share: per_share x quantity, at
    least minimum, at most maximum_rate of the value; the maximum wins over the minimum. tiered: as
    per_share, each share at the price of its tier, counted from month_volume on, the shares the
    account had traded that month. custom: rate and per_share together, with the same bounds.
    """

    kind: CommissionKind
    rate: Decimal = ZERO
    per_share: Decimal = ZERO
    minimum: Decimal = ZERO
    maximum_rate: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    month_volume: Decimal = ZERO

    def __post_init__(self) -> None:
        numbers = (self.rate, self.per_share, self.minimum, self.maximum_rate or ZERO)
        assert min(numbers) >= 0, "a fee schedule has no negative numbers"

    @property
    def next_per_share(self) -> Decimal:
        """What the next share costs: the price of its tier, where there are tiers."""
        for tier in self.tiers:
            if tier.up_to is None or tier.up_to > self.month_volume:
                return tier.per_share
        return self.per_share

    @classmethod
    def of(cls, terms: FeeTerms, month_volume: Decimal = ZERO) -> Self:
        """Read a schedule from its row, for an account that has traded so much this month."""
        return cls(
            kind=CommissionKind(terms.kind),
            rate=terms.rate,
            per_share=terms.per_share,
            minimum=terms.minimum,
            maximum_rate=terms.maximum_rate,
            tiers=tuple(_tier(up_to, per_share) for up_to, per_share in terms.tiers),
            month_volume=month_volume,
        )


def commission_due(
    schedule: CommissionSchedule, quantity: Decimal, value: Decimal, currency: str
) -> Decimal:
    """Return all the commission of an order that has filled quantity shares worth value in all.

    Rounded once, half-even to the currency's minor unit. Nothing is due before the first fill.
    """
    assert quantity >= 0
    assert value >= 0
    if not quantity:
        return ZERO
    return round_money(_FORMULAS[schedule.kind](schedule, quantity, value), currency)


def _zero(_schedule: CommissionSchedule, _quantity: Decimal, _value: Decimal) -> Decimal:
    return ZERO


def _flat_rate(schedule: CommissionSchedule, _quantity: Decimal, value: Decimal) -> Decimal:
    return schedule.rate * value


def _per_share(schedule: CommissionSchedule, quantity: Decimal, value: Decimal) -> Decimal:
    return _bounded(schedule, schedule.per_share * quantity, value)


def _tiered(schedule: CommissionSchedule, quantity: Decimal, value: Decimal) -> Decimal:
    amount, reached = ZERO, schedule.month_volume
    last = reached + quantity
    for tier in schedule.tiers:
        upper = last if tier.up_to is None else min(tier.up_to, last)
        if upper > reached:
            amount += (upper - reached) * tier.per_share
            reached = upper
    return _bounded(schedule, amount, value)


def _custom(schedule: CommissionSchedule, quantity: Decimal, value: Decimal) -> Decimal:
    amount = schedule.rate * value + schedule.per_share * quantity
    return _bounded(schedule, amount, value)


def _bounded(schedule: CommissionSchedule, amount: Decimal, value: Decimal) -> Decimal:
    amount = max(amount, schedule.minimum)
    if schedule.maximum_rate is None:
        return amount
    return min(amount, schedule.maximum_rate * value)


def read_tiers(rows: object) -> tuple[Tier, ...]:
    """Read tiers as staff write them: [[up to, price], ..., [null, price]], rising.

    Raises ValueError for anything else.
    """
    if not isinstance(rows, list) or not all(isinstance(r, list) and len(r) == 2 for r in rows):
        raise ValueError("tiers are pairs of shares and a price")
    ends = [None if end is None else parse_decimal(str(end)) for end, _ in rows]
    tiers = [
        Tier(end, parse_decimal(str(price))) for end, (_, price) in zip(ends, rows, strict=True)
    ]
    known = [end for end in ends if end is not None]
    if ends[-1:] != [None] or known != sorted(set(known)) or len(known) != len(rows) - 1:
        raise ValueError("tiers rise, and the last one has no end")
    return tuple(tiers)


def _tier(up_to: str | None, per_share: str | None) -> Tier:
    return Tier(None if up_to is None else Decimal(up_to), Decimal(per_share or 0))


_FORMULAS: dict[CommissionKind, Callable[[CommissionSchedule, Decimal, Decimal], Decimal]] = {
    CommissionKind.ZERO: _zero,
    CommissionKind.FLAT_RATE: _flat_rate,
    CommissionKind.PER_SHARE: _per_share,
    CommissionKind.TIERED: _tiered,
    CommissionKind.CUSTOM: _custom,
}
