"""Bugs planted in the calendar on purpose: the tables of its tests must catch every one."""

from datetime import date, time, timedelta
from types import ModuleType
from typing import Any

import pytest

from instruments.special_days import known_days
from instruments.tests.test_calendar import SESSIONS, at, rows
from instruments.tests.test_extended_hours import ENDS, STARTS, cases
from instruments.tests.test_special_days import KNOWN, PHASES
from trades.tests.sandbox import Sandbox, changed

CALENDAR = "instruments.calendar"
INSTANT = timedelta(microseconds=1)
TUESDAY = date(2026, 11, 24)

BUGS = {
    "every weekday trades": ("return self.facts.get((mic, day))", "return None"),
    "a short day is a long one": (
        "return _session(day, zone, special)",
        "return _session(day, zone, _regular_hours(mic, day))",
    ),
    "staff are not heard": (
        "if override is not None or _never_closes(mic, mode):",
        "if _never_closes(mic, mode):",
    ),
    "hours are those of UTC": (
        "return datetime.combine(day, local, zone).astimezone(UTC)",
        "return datetime.combine(day, local, UTC)",
    ),
    "clocks never change": (
        "return datetime.combine(day, local, zone).astimezone(UTC)",
        "return datetime.combine(day, local, UTC) - zone.utcoffset(datetime(2026, 1, 5))",
    ),
    "the old hours last a day longer": ("and day < until", "and day <= until"),
    "the old hours are forgotten": ("and day < until", "and False"),
    "Saturdays trade": ("if day.weekday() >= 5:  # Sat", "if day.weekday() >= 6:  # Sat"),
    "the close belongs to the session": (
        "not session.opens_at <= moment < session.closes_at",
        "not session.opens_at <= moment <= session.closes_at",
    ),
    "nobody eats": (
        "return not self.break_starts_at <= moment < self.break_ends_at",
        "return True",
    ),
    "trading resumes tomorrow": ("if resumes_at and moment < resumes_at:", "if False:"),
    "after hours end at eight on a short day": (
        "moment < session.closes_at + POST_LASTS",
        "moment < _utc(day, time(20), zone_of(mic, mode))",
    ),
    "London has a pre-market": ("return mic in PRE_OPENS and", "return mic != ALWAYS_OPEN and"),
    "an extended day ends with its session": (
        "    return session.closes_at + POST_LASTS\n",
        "    return session.closes_at\n",
    ),
    "what is given in the evening is over": (
        "if moment >= session.closes_at + POST_LASTS:",
        "if moment > session.closes_at + POST_LASTS:",
    ),
    "trading begins with the session": (
        "return pre_opens_at if moment < pre_opens_at else opens_at",
        "return opens_at",
    ),
}


def loaded(source: str | None = None) -> Any:
    """Return a calendar of its own with the known days in use, made from source if given."""
    module: ModuleType = Sandbox({CALENDAR: source} if source else {}).load(CALENDAR)
    module.use(module.Calendar(known_days(), {}))  # type: ignore[attr-defined]
    return module


def agrees(module: Any) -> bool:
    """Return whether the calendar says what the tables say."""
    checks = (sessions, known, phases, extended, lunch, overrides)
    return all(check(module) for check in checks)


def sessions(module: Any) -> bool:
    for mic, day, opens, closes, *_ in rows(SESSIONS):
        opens_at, closes_at = at(f"{day} {opens}"), at(f"{day} {closes}")
        session = module.session_of(mic, opens_at, "exchange")
        if session is None or (session.opens_at, session.closes_at) != (opens_at, closes_at):
            return False
        if module.session_of(mic, closes_at, "exchange") is not None:
            return False
    return True


def known(module: Any) -> bool:
    for mic, day, opens, *rest in rows(KNOWN):
        session = module.session_on(mic, date.fromisoformat(day), "exchange")
        if session is None or opens == "closed":
            if session is not None or opens != "closed":
                return False
            continue
        closes = session.closes_at.astimezone(module.zone_of(mic, "exchange"))
        if f"{closes:%H:%M}" != rest[0].replace("24:00", "00:00"):
            return False
    return True


def phases(module: Any) -> bool:
    new_york = all(
        module.phase("XNYS", at(f"{day} {hour}") + timedelta(hours=5), "exchange") == phase
        for day, hour, phase in rows(PHASES)
    )
    return new_york and module.phase("XLON", at("2026-11-24 07:59"), "exchange") == "closed"


def extended(module: Any) -> bool:
    ends = all(module.next_extended_close(m, t, "exchange") == end for m, t, end in cases(ENDS))
    starts = (module.next_start(m, t, "exchange") == start for m, t, start in cases(STARTS))
    return ends and all(starts)


def lunch(module: Any) -> bool:
    starts, ends = at("2026-11-24 02:30"), at("2026-11-24 03:30")
    return (
        module.is_open("XTKS", starts - INSTANT, "exchange")
        and not module.is_open("XTKS", starts, "exchange")
        and module.next_open("XTKS", starts, "exchange") == ends
    )


def overrides(module: Any) -> bool:
    special = module.SpecialDay(time(10), time(11))
    ours = module.Calendar({}, {("XNYS", TUESDAY): special})
    found = (ours.session_on("XNYS", TUESDAY, mode) for mode in ("exchange", "always"))
    expected = (at("2026-11-24 16:00"), at("2026-11-24 11:00"))
    return tuple(session and session.closes_at for session in found) == expected


def test_the_calendar_agrees() -> None:
    assert agrees(loaded())


@pytest.mark.parametrize("name", BUGS)
def test_the_tables_catch(name: str) -> None:
    old, new = BUGS[name]
    source = changed(CALENDAR, old, new)
    try:
        agreed = agrees(loaded(source))
    except (AssertionError, LookupError, KeyError):
        agreed = False
    assert not agreed
