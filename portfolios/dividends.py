"""What a holding is paid of a cash dividend. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from bengi.money import minor_unit, nearest_to, round_money


@dataclass(frozen=True, slots=True)
class Payment:
    """gross is what the issuer pays, withheld what the country keeps of it."""

    gross: Decimal
    withheld: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.withheld


def payment_on(
    quantity: Decimal, amount: Decimal, withholding_rate: Decimal, currency: str
) -> Payment:
    """Return what quantity shares are paid at amount a share.

    The gross amount is rounded once, half-even, on the whole holding, and the tax once on that.
    """
    assert quantity > 0
    gross = nearest_to(Fraction(quantity) * Fraction(amount), minor_unit(currency))
    return Payment(gross, round_money(gross * withholding_rate, currency))
