"""What the page of markets shows: what moves, how many rise and fall, and which exchange trades."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bengi import writing
from bengi.writing import city_of
from instruments.calendar import (
    MICS,
    NAMES,
    is_open,
    next_close,
    next_open,
    phase,
    session_of,
    zone_of,
)
from instruments.hours import market_hours
from instruments.lines import Line, hours_words, lines_of
from instruments.models import Instrument
from instruments.movers import Breadth, Market, Mover
from instruments.selectors import latest_quotes

MOVERS_MAX = 8
LISTS = (
    ("gainers", "Gainers", "Nothing has risen today."),
    ("losers", "Losers", "Nothing has fallen today."),
    ("most_active", "Most active", "Nothing has traded today."),
)
BAR_WIDTH = 100
_MARKS = {"open": "filled", "break": "pending", "pre": "part", "post": "part", "closed": "gone"}
_WORDS = {"open": "Open", "break": "Break", "pre": "Pre-market", "post": "After hours"}


@dataclass(frozen=True, slots=True)
class Venue:
    """One exchange: its status with its mark, its own clock, and when it opens or closes next.

    changes is a sentence's end in its own time, "" where it trades round the clock.
    """

    mic: str
    name: str
    city: str
    zone: str
    status: str
    mark: str
    local_time: str
    words: str
    changes: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bar of breadth: x and width in BAR_WIDTH."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class MoverList:
    """The first movers of a kind, and what is said where there are none."""

    kind: str
    title: str
    nothing: str
    movers: Sequence[Mover]

    @property
    def is_by_volume(self) -> bool:
        return self.kind == "most_active"


def market_context(market: Market, now: datetime) -> dict[str, Any]:
    """Return the movers of a market with their breadth."""
    lists = [MoverList(*each, market.top(each[0], MOVERS_MAX)) for each in LISTS]
    movers = {mover.instrument.symbol: mover for each in lists for mover in each.movers}
    lines = [Line(mover.instrument, mover.tick, now) for mover in movers.values()]
    return {
        "mover_lists": lists,
        "breadth": market.breadth,
        "breadth_parts": breadth_parts(market.breadth),
        "quotes": [line.facts for line in lines],
    }


def found_lines(found: Collection[Instrument], now: datetime) -> list[Line]:
    """Return what a search has found, with quotes and the shape of the day."""
    return lines_of(found, latest_quotes(found, now), now)


def venues(now: datetime) -> list[Venue]:
    """Return every exchange as it stands at now."""
    return [_venue(mic, now) for mic in MICS]


def breadth_parts(breadth: Breadth) -> list[Part]:
    """Return the bar of those that rose, stayed and fell; nothing while there are none."""
    counts = {"up": breadth.advancers, "flat": breadth.unchanged, "down": breadth.decliners}
    total = sum(counts.values())
    parts, x = list[Part](), Decimal(0)
    for kind, count in counts.items():
        if not count:
            continue
        width = Decimal(count) * BAR_WIDTH / total
        parts.append(Part(kind, f"{x:.2f}", f"{width:.2f}"))
        x += width
    return parts


def _venue(mic: str, now: datetime) -> Venue:
    mode, zone = market_hours(), zone_of(mic, "exchange")
    doing = phase(mic, now, mode)
    return Venue(
        mic=mic,
        name=NAMES[mic],
        city=city_of(zone),
        zone=zone.key,
        status=_WORDS.get(doing, "Closed"),
        mark=_MARKS[doing],
        local_time=f"{now.astimezone(zone):%H:%M:%S}",
        words=hours_words(mic, now),
        changes=_changes(mic, now, zone),
    )


def _changes(mic: str, now: datetime, zone: ZoneInfo) -> str:
    """Say when trading ends, or begins again, by the clock of the exchange."""
    mode = market_hours()
    if zone_of(mic, mode) != zone or zone.key == "UTC":
        return ""  # it trades round the clock
    session = session_of(mic, now, mode)
    if not is_open(mic, now, mode):
        return f"opens {_when(next_open(mic, now, mode), now, zone)}"
    pause = session and session.break_starts_at
    if pause and now < pause:
        return f"break at {_when(pause, now, zone)}"
    return f"closes {_when(next_close(mic, now, mode), now, zone)}"


def _when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Write when, by the reader's clock first where they have chosen another than the exchange."""
    own, there = writing.zone_beside(moment, zone), _by_clock(moment, now, zone)
    if own is None:
        return there
    return f"{_by_clock(moment, now, own)} {city_of(own)}, {there} {city_of(zone)}"


def _by_clock(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%a} {local.day} {local:%b %H:%M}"
