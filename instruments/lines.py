"""An instrument as pages show it: newest quote, how it moved, when it trades, its day's shape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from bengi.numerals import age, fixed
from bengi.terms import InstrumentStatus
from bengi.writing import city_of
from instruments import calendar
from instruments.calendar import ALWAYS_OPEN, is_open, next_open, session_date, session_of
from instruments.hours import market_hours, trades_now
from instruments.models import Bar, Instrument
from instruments.quotes import Tick
from instruments.serializers import quote_shape

SPARK_INTERVAL = "15min"
SPARK_SPAN = timedelta(hours=8)
SPARK_BOX = (56, 24)
_MARGIN = 2
_RANGE_WIDTH = 62
_Closes = tuple[list[Decimal], datetime | None]
"""Closes, oldest first, and when the bar of the last one begins."""
_NOT_OPEN = {"break": "Lunch break", "pre": "Pre-market", "post": "After hours"}


@dataclass(frozen=True, slots=True)
class Spark:
    """A small drawing in SPARK_BOX: points of a polyline, and the height of yesterday's close.

    low and high are the prices between which it is drawn.
    """

    points: str
    level: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One instrument at one moment. Prices are None while there is no quote."""

    instrument: Instrument
    tick: Tick | None
    now: datetime
    closes: Sequence[Decimal] = ()
    closes_until: datetime | None = None
    """When the bar of the last of closes begins."""

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def last(self) -> Decimal | None:
        return self.tick.last if self.tick else None

    @property
    def bid(self) -> Decimal | None:
        return self.tick.bid if self.tick else None

    @property
    def ask(self) -> Decimal | None:
        return self.tick.ask if self.tick else None

    @property
    def previous_close(self) -> Decimal | None:
        return self.tick.previous_close if self.tick else None

    @property
    def change(self) -> Decimal | None:
        return self.tick.change if self.tick else None

    @property
    def change_percent(self) -> Decimal | None:
        return self.tick.change_percent if self.tick else None

    @property
    def age_s(self) -> float | None:
        if self.tick is None:
            return None
        return max(0.0, (self.now - self.tick.as_of).total_seconds())

    @property
    def spread_words(self) -> str:
        """The spread, and what share of the price it is in basis points."""
        if self.bid is None or self.ask is None:
            return "–"
        spread, middle = self.ask - self.bid, (self.ask + self.bid) / 2
        bps = fixed(spread / middle * 10_000, 1)
        return f"{fixed(spread, self.instrument.price_places)} · {bps} bps"

    @property
    def range_x(self) -> str:
        """Where the last price stands in the day's range, 0 to 62."""
        if (
            self.tick is None
            or self.last is None
            or not self.tick.day_high
            or not self.tick.day_low
        ):
            return "0"
        span = self.tick.day_high - self.tick.day_low
        share = (self.last - self.tick.day_low) / span if span else Decimal(0)
        return f"{min(max(share, Decimal(0)), Decimal(1)) * _RANGE_WIDTH:.1f}"

    @property
    def is_open(self) -> bool:
        return is_open(self.instrument.mic, self.now, market_hours())

    @property
    def has_extended_hours(self) -> bool:
        return calendar.has_extended_hours(self.instrument.mic, market_hours())

    @property
    def hours(self) -> str:
        return trading_words(self.instrument, self.now)

    @property
    def zone(self) -> str:
        return zone_of(self.instrument.mic).key

    @property
    def zone_words(self) -> str:
        city = city_of(zone_of(self.instrument.mic))
        return city if city == "UTC" else f"{city} time"

    @property
    def spark(self) -> Spark | None:
        return draw_spark(self.closes, self.previous_close)

    @property
    def facts(self) -> dict[str, Any]:
        """What the script on the page starts from."""
        shape = quote_shape(self.instrument, self.tick, self.now)
        trades = trades_now(self.instrument, self.now)
        more = {"is_open": trades, "has_feed": self.instrument.has_feed}
        return {**shape, "volume": shape["day_volume"], **more}


def lines_of(
    instruments: Iterable[Instrument], quotes: Mapping[str, Tick], now: datetime
) -> list[Line]:
    """Return a line for each instrument, with the shape of its last hours: one statement."""
    listed = list(instruments)
    closes = _closes([instrument.id for instrument in listed], now - SPARK_SPAN)
    nothing: _Closes = [], None
    return [Line(i, quotes.get(i.symbol), now, *closes.get(i.id, nothing)) for i in listed]


def zone_of(mic: str) -> ZoneInfo:
    """Return the zone whose clock the market goes by: its own, UTC where it never closes."""
    return calendar.zone_of(mic, market_hours())


def trading_words(instrument: Instrument, now: datetime) -> str:
    """Say whether an instrument trades now: what staff have said of it, else its market's hours."""
    if instrument.status != InstrumentStatus.ACTIVE:
        return str(instrument.status).capitalize()
    return hours_words(instrument.mic, now)


def hours_words(mic: str, now: datetime) -> str:
    """Say whether mic trades now, and for how long or from when."""
    special = calendar.special_day(mic, session_date(mic, now, market_hours()), market_hours())
    if special is None and (market_hours() == "always" or mic == ALWAYS_OPEN):
        return "Open round the clock"
    session = session_of(mic, now, market_hours())
    if session is not None and session.is_trading(now):
        return f"Open, closes in {_span(session.closes_at - now)}"
    closed = _NOT_OPEN.get(calendar.phase(mic, now, market_hours()), "Closed")
    if special is not None and special.opens is None and special.note:
        closed = f"Closed: {special.note}"
    return f"{closed}, opens in {_span(next_open(mic, now, market_hours()) - now)}"


def draw_spark(closes: Sequence[Decimal], previous_close: Decimal | None) -> Spark | None:
    """Fit closes, oldest first, into SPARK_BOX; None for fewer than two."""
    if len(closes) < 2:
        return None
    level = closes[0] if previous_close is None else previous_close
    low, high = min(*closes, level), max(*closes, level)
    width, height = SPARK_BOX

    def y(value: Decimal) -> str:
        share = (high - value) / (high - low) if high > low else Decimal("0.5")
        return f"{_MARGIN + share * (height - 2 * _MARGIN):.1f}"

    step = Decimal(width) / (len(closes) - 1)
    points = " ".join(f"{step * at:.1f},{y(close)}" for at, close in enumerate(closes))
    return Spark(points, y(level), low, high)


def _span(left: timedelta) -> str:
    seconds = left.total_seconds()
    return age(seconds) if seconds >= 60 else "less than a minute"


def _closes(instrument_ids: Sequence[UUID], since: datetime) -> dict[UUID, _Closes]:
    found: dict[UUID, _Closes] = {}
    rows = Bar.objects.filter(
        instrument_id__in=instrument_ids, interval=SPARK_INTERVAL, starts_at__gte=since
    ).order_by("starts_at")
    for instrument_id, starts_at, close in rows.values_list("instrument_id", "starts_at", "close"):
        closes, _ = found.get(instrument_id, ([], None))
        closes.append(close)
        found[instrument_id] = closes, starts_at
    return found
