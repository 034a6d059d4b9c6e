"""Decimals at the door, integers inside: one unit of an int is 1e-8 of a price or of a share."""

from decimal import Context, Decimal, Inexact

PLACES = 8
SCALE = 10**PLACES

_EXACT = Context(prec=60, traps=[Inexact])


def to_fixed(value: Decimal) -> int:
    """Return value x 10**8 as an int, exactly.

    Raises ValueError for more than 8 places, infinities and not-a-numbers.
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not a number of shares or a price")
    scaled = value.scaleb(PLACES, context=_EXACT)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more than {PLACES} decimal places")
    return whole


def to_value(value: Decimal) -> int:
    """Return an amount of money x 10**16 as an int, exactly: the unit of price times quantity.

    Raises ValueError for more than 16 places.
    """
    return to_fixed(value.scaleb(PLACES, context=_EXACT))


def from_fixed(units: int) -> Decimal:
    """Return units / 10**8 as a Decimal with 8 places, exactly."""
    return Decimal(units).scaleb(-PLACES, context=_EXACT)
