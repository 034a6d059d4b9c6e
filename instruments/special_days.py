"""Holidays and early closes as the exchanges published them: a file of facts, and where from.

The file holds what differs from the regular hours of instruments.calendar, one line a day, times on
the exchange's own clock, none where it stays closed. Exchanges that share a calendar share lines.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from instruments.calendar import HOURS, Calendar, Days, Session, SpecialDay

FILE = Path(__file__).parent / "facts" / "special_days.csv"
SOURCE = "exchange_calendars"
FIRST_DAY = date(2010, 1, 1)
FOLLOWS = {"XNAS": "XNYS", "ARCX": "XNYS"}
"""Exchanges that keep the calendar of another."""

_NOTE_LENGTH_MAX = 45
_COLUMNS = ("mic", "date", "opens", "closes", "break_starts", "break_ends", "note")


class Fact(NamedTuple):
    """One special day of one exchange."""

    mic: str
    date: date
    day: SpecialDay


def known_days(path: Path = FILE) -> Days:
    """Return the special days of the file by (mic, day), for every exchange."""
    with path.open(newline="", encoding="ascii") as lines:
        facts = list(_read(lines))
    followed = [
        Fact(mic, fact.date, fact.day)
        for mic, leader in FOLLOWS.items()
        for fact in facts
        if fact.mic == leader
    ]
    return {(fact.mic, fact.date): fact.day for fact in [*facts, *followed]}


def write_days(facts: Iterable[Fact], path: Path = FILE) -> int:
    """Write the file anew, by exchange and day, and return how many days it holds."""
    ordered = sorted(facts)
    with path.open("w", newline="", encoding="ascii") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for mic, day, special in ordered:
            hours = (special.opens, special.closes, special.break_starts, special.break_ends)
            writer.writerow([mic, day, *(_text(local) for local in hours), special.note])
    return len(ordered)


def days_of_library(until: date) -> Iterator[Fact]:
    """Yield what differs from our regular hours in exchange_calendars, up to until.

    Imports that library, which brings pandas and takes seconds: for import_calendar only.
    """
    import exchange_calendars  # type: ignore[import-untyped]  # noqa: PLC0415

    for mic in sorted(set(HOURS) - set(FOLLOWS)):
        theirs = exchange_calendars.get_calendar(mic, start=FIRST_DAY, end=until)
        yield from _differences(mic, theirs, until)


def _differences(mic: str, theirs: Any, until: date) -> Iterator[Fact]:
    zone, regular = HOURS[mic].zone, Calendar({}, {})
    sessions, notes = _sessions(theirs), _names(theirs)
    for ordinal in range(FIRST_DAY.toordinal(), until.toordinal() + 1):
        day = date.fromordinal(ordinal)
        session = sessions.get(day)
        if session == regular.session_on(mic, day, "exchange"):
            continue
        yield Fact(mic, day, _special(session, zone, notes.get(day, "")))


def _sessions(theirs: Any) -> dict[date, Session]:
    found = {}
    for stamp, opens, starts, ends, closes in theirs.schedule.itertuples():
        moments = (_moment(each) for each in (opens, closes, starts, ends))
        found[stamp.date()] = Session(*moments)
    return found


def _moment(stamp: Any) -> Any:
    """Return the library's time as a datetime, None where it has none (which equals nothing)."""
    return stamp.to_pydatetime() if stamp == stamp else None  # noqa: PLR0124


def _names(theirs: Any) -> dict[date, str]:
    """Return the names of the holidays and of the early closes that have one."""
    sets = [theirs.regular_holidays, *(special for _, special in theirs.special_closes)]
    return {
        stamp.date(): _plain(name)
        for named in sets
        for stamp, name in named.holidays(
            theirs.first_session, theirs.last_session, return_name=True
        ).items()
    }


def _plain(name: str) -> str:
    """Return a name without the years it holds for; nothing where it is a rule, not a name."""
    short = name.encode("ascii", "ignore").decode().partition(" (")[0].strip()
    return short if len(short) <= _NOTE_LENGTH_MAX else ""


def _special(session: Session | None, zone: ZoneInfo, note: str) -> SpecialDay:
    if session is None:
        return SpecialDay(note=note or "Exchange closed")
    return SpecialDay(
        _local(session.opens_at, zone),
        _local(session.closes_at, zone),
        _local(session.break_starts_at, zone),
        _local(session.break_ends_at, zone),
        note or "Early close",
    )


def _local(moment: datetime | None, zone: ZoneInfo) -> time | None:
    return moment.astimezone(zone).time() if moment else None


def _read(lines: TextIO) -> Iterator[Fact]:
    for row in csv.DictReader(lines):
        opens, closes, starts, ends = (_time(row[name]) for name in _COLUMNS[2:6])
        special = SpecialDay(opens, closes, starts, ends, row["note"])
        yield Fact(row["mic"], date.fromisoformat(row["date"]), special)


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None


def _text(local: time | None) -> str:
    return f"{local:%H:%M}" if local else ""
