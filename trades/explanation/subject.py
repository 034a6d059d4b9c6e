"""The order a story is about, and how its prices, amounts and times are written for people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bengi import numerals, writing
from bengi.terms import OrderType, Side, TimeInForce

Step = dict[str, Any]
"""What an event tells of one decision: JSON, decimals and times as text (trades/steps.py)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What does not change about an order while its story goes on.

    places: decimals its prices are shown with; zone: the clock its exchange goes by.
    """

    symbol: str
    currency: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    places: int
    zone: ZoneInfo

    @property
    def is_buy(self) -> bool:
        return self.side is Side.BUY

    @property
    def offered(self) -> str:
        """The side of the quote it trades with: ask for a buy, bid for a sell."""
        return "ask" if self.is_buy else "bid"

    @property
    def did(self) -> str:
        return "Bought" if self.is_buy else "Sold"

    def price(self, value: Decimal | str) -> str:
        """Write a price per share."""
        return numerals.price(Decimal(value), self.places)

    def cost(self, value: Decimal | str) -> str:
        """Write what a share cost more (+) or less (−) than something."""
        value = Decimal(value)
        own = max(0, -int(value.normalize().as_tuple().exponent))
        return numerals.signed(value, max(self.places, min(own, self.places + 2)))

    def money(self, value: Decimal | str) -> str:
        """Write an amount with its currency: what its owner pays, gets or holds free."""
        return f"{numerals.own_money(Decimal(value), self.currency)} {self.currency}"

    def number(self, value: Decimal | str) -> str:
        """Write a number of shares."""
        return numerals.quantity(Decimal(value))

    def clock(self, moment: datetime, now: datetime) -> str:
        """Write a time by the exchange's clock: 09:30 New York time, with the day if another.

        Who reads by another clock is told the time by theirs first, the exchange's behind it.
        """
        own = writing.zone_beside(moment, self.zone)
        there = _by_clock(moment, now, self.zone)
        if own is None:
            return there
        return f"{_by_clock(moment, now, own)}, {there}"


def _by_clock(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    city = writing.city_of(zone)
    time = f"{local:%H:%M} {city if city == 'UTC' else f'{city} time'}"
    days = (local.date() - today).days
    if days == 0:
        return time
    return f"{local:%A} {time}" if 0 < days < 7 else f"{local.day} {local:%B} {time}"


def gained(side: Side, price: Decimal, reference: Decimal) -> Decimal:
    """Return how much a share cost more than reference: above it for a buy, below for a sell."""
    return price - reference if side is Side.BUY else reference - price


def since(start: datetime, at: datetime) -> str:
    """Write how long after the start of a story something was: start, +6 ms, +2.8 s."""
    milliseconds = (at - start) // timedelta(milliseconds=1)
    if milliseconds <= 0:
        return "start"
    if milliseconds < 1000:
        return f"+{milliseconds} ms"
    return f"+{numerals.age(Decimal(milliseconds) / 1000)}"
