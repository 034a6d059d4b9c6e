"""Recent trades of the market as the trade page lists them, newest first."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bengi.numerals import direction
from instruments.board import board
from instruments.models import Instrument


@dataclass(frozen=True, slots=True)
class PrintLine:
    """One print; direction is against the one before it: up, down or flat."""

    at: datetime
    price: Decimal
    size: Decimal
    direction: str


def recent_prints(instrument: Instrument) -> list[PrintLine]:
    """Return the prints that this process has heard; what it has not heard comes by the stream."""
    found = board.recent_prints(str(instrument.id))
    earlier = [*found[1:], found[-1]] if found else []
    return [
        PrintLine(each.at, each.price, each.size, direction(each.price - before.price))
        for each, before in zip(found, earlier, strict=True)
    ]
