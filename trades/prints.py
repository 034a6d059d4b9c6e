"""Recent trades of the market as the trade page lists them, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bengi.numerals import direction
from bengi.terms import Side
from instruments.board import RECENT_MAX, Print, board
from instruments.models import Instrument
from trades.selectors import standing_trades


@dataclass(frozen=True, slots=True)
class PrintLine:
    """One print; direction is against the one before it: up, down or flat."""

    at: datetime
    price: Decimal
    size: Decimal
    direction: str


def recent_prints(instrument: Instrument) -> list[PrintLine]:
    """Return the prints that this process has heard; what it has not heard comes by the stream.

    Where there is no feed the market is what customers trade: that is read, in one statement.
    """
    found: Sequence[Print] = board.recent_prints(str(instrument.id))
    if not instrument.has_feed:
        found = _traded_here(instrument)
    earlier = [*found[1:], found[-1]] if found else []
    return [
        PrintLine(each.at, each.price, each.size, direction(each.price - before.price))
        for each, before in zip(found, earlier, strict=True)
    ]


def _traded_here(instrument: Instrument) -> list[Print]:
    """Return customers' trades with each other that stand, newest first; of each its buy."""
    bought = standing_trades().filter(instrument=instrument, side=Side.BUY)
    newest = bought.order_by("-executed_at", "-exec_id")[:RECENT_MAX]
    return [Print(*row) for row in newest.values_list("executed_at", "price", "quantity")]
