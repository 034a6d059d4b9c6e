"""What amounts of several currencies come to in one of them: told, never booked. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal

from accounts.fx import Rate
from bengi.money import round_money, sum_or_none

_WIDE = Context(prec=60)


@dataclass(slots=True)
class Valuer:
    """Says what amounts come to in one currency, at the rates it is given; nothing is booked.

    used: the rates that were needed so far, missing: the currencies that have none.
    """

    currency: str
    rates: dict[frozenset[str], Rate]
    used: dict[frozenset[str], Rate] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, currency: str, rates: Iterable[Rate]) -> "Valuer":
        """Return one that goes by rates, of which those between a pair are one at most."""
        return cls(currency, {frozenset({rate.base, rate.quote}): rate for rate in rates})

    def total(self, amounts: Mapping[str, Decimal | None]) -> Decimal | None:
        """Return what amounts by currency come to; None where one is not known or has no rate.

        Each is rounded half-even to the minor unit. Nothing needs a rate to be worth nothing.
        """
        worths = [self._worth(amount, source) for source, amount in amounts.items()]
        return sum_or_none(worths)

    def _worth(self, amount: Decimal | None, source: str) -> Decimal | None:
        if amount is None or not amount or source == self.currency:
            return amount
        pair = frozenset({source, self.currency})
        rate = self.rates.get(pair)
        if rate is None:
            self.missing.add(source)
            return None
        self.used[pair] = rate
        if source == rate.base:
            return round_money(_WIDE.multiply(amount, rate.rate), self.currency)
        return round_money(_WIDE.divide(amount, rate.rate), self.currency)
