"""Numbers and times as Twelve Data writes them."""

from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal

from instruments.standin.history import BY_DAY, Bar

Numbers = dict[str, object]


def price(value: Decimal | None, places: int) -> str | None:
    """Return a price as a string with so many places; None stays None."""
    if value is None:
        return None
    return format(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f")


def whole(value: Decimal) -> str:
    """Return a number of shares as a string, without parts of one."""
    return format(value.quantize(Decimal(1)), "f")


def change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Return the difference of two prices; None where one is missing."""
    return None if now is None or before is None else now - before


def percent(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Return the difference of two prices in percent of the first; None where one is missing."""
    return None if now is None or not before else (now - before) / before * 100


def moment(at: datetime, zone: tzinfo) -> str:
    """Return a time of the day in zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def label(bar: Bar, interval: str, zone: tzinfo) -> str:
    """Return what a bar is named after: its day, or the time in zone at which it began."""
    return bar.day.isoformat() if interval in BY_DAY else moment(bar.starts_at, zone)


def seconds(at: datetime) -> int:
    """Return a time as whole seconds of the epoch."""
    return int(at.timestamp())


def clock_face(span_s: int) -> str:
    """Return a stretch of time as HH:MM:SS."""
    return f"{span_s // 3600:02}:{span_s // 60 % 60:02}:{span_s % 60:02}"
