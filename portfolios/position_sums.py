"""What positions come to: by currency, and together at the rates in force."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from accounts.fx import Rate
from accounts.valuing import Valuer
from bengi.money import ZERO, sum_or_none
from portfolios.selectors import Holding


@dataclass(frozen=True, slots=True)
class PositionSum:
    """Positions of one currency, or all of them in one; None where a price or a rate is missing."""

    currency: str
    count: int
    cost_basis: Decimal | None
    market_value: Decimal | None
    unrealized_pnl: Decimal | None


def position_sums(holdings: Sequence[Holding]) -> list[PositionSum]:
    """Return the sums of each currency, by its name."""
    names = sorted({holding.instrument.currency for holding in holdings})
    return [
        _sum(name, [each for each in holdings if each.instrument.currency == name])
        for name in names
    ]


def together(sums: Sequence[PositionSum], currency: str, rates: Iterable[Rate]) -> PositionSum:
    """Return what the sums of all currencies come to in one."""
    valuer = Valuer.of(currency, rates)
    return PositionSum(
        currency,
        sum(each.count for each in sums),
        valuer.total({each.currency: each.cost_basis for each in sums}),
        valuer.total({each.currency: each.market_value for each in sums}),
        valuer.total({each.currency: each.unrealized_pnl for each in sums}),
    )


def free_quantity(holding: Holding) -> Decimal:
    """Return what of a position no open order holds."""
    return max(ZERO, holding.quantity - holding.reserved_quantity)


def share_of(holding: Holding, percent: Decimal) -> Decimal:
    """Return so many percent of what is free, rounded down to whole steps of the instrument."""
    step = holding.instrument.quantity_step
    steps = (free_quantity(holding) * percent / 100 / step).to_integral_value(ROUND_DOWN)
    return steps * step


def _sum(currency: str, holdings: Sequence[Holding]) -> PositionSum:
    return PositionSum(
        currency,
        len(holdings),
        sum((each.cost_basis for each in holdings), ZERO),
        sum_or_none(each.market_value for each in holdings),
        sum_or_none(each.unrealized_pnl for each in holdings),
    )
