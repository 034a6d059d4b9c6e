"""When an exchange trades: sessions by its own clock, so that daylight saving comes out right.

Regular hours are those the exchanges publish for continuous trading of shares. The days that differ
(holidays, early closes, staff's own word) are a Calendar, which instruments.days puts in use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from typing import Literal
from zoneinfo import ZoneInfo

Mode = Literal["always", "exchange"]
"""always: the demo market, open round the clock, a session is the UTC day; exchange: real hours."""

Phase = Literal["open", "closed", "break", "pre", "post"]
"""break: lunch within a session; pre, post: extended hours around one, New York only."""

EXTENDED = frozenset[Phase]({"pre", "post"})
"""The phases outside of a session in which orders with extended_hours work."""

ALWAYS_OPEN = "BNGI"
"""The house's own venue (class stocks, crypto): open in both modes."""

_DAY = timedelta(days=1)
_UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Hours:
    """Regular trading hours, local to zone; break_starts and break_ends are the lunch break."""

    zone: ZoneInfo
    opens: time
    closes: time
    break_starts: time | None = None
    break_ends: time | None = None


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day unlike the others, in local time; without opens and closes nobody trades on it."""

    opens: time | None = None
    closes: time | None = None
    break_starts: time | None = None
    break_ends: time | None = None
    note: str = ""


Days = Mapping[tuple[str, date], SpecialDay]
"""(mic, day) -> what is special about it."""

_NEW_YORK = Hours(ZoneInfo("America/New_York"), time(9, 30), time(16))
_TOKYO, _HONG_KONG = ZoneInfo("Asia/Tokyo"), ZoneInfo("Asia/Hong_Kong")

HOURS = {
    "XNYS": _NEW_YORK,
    "XNAS": _NEW_YORK,
    "ARCX": _NEW_YORK,
    "XLON": Hours(ZoneInfo("Europe/London"), time(8), time(16, 30)),
    "XETR": Hours(ZoneInfo("Europe/Berlin"), time(9), time(17, 30)),
    "XAMS": Hours(ZoneInfo("Europe/Amsterdam"), time(9), time(17, 30)),
    "XTKS": Hours(_TOKYO, time(9), time(15, 30), time(11, 30), time(12, 30)),
    "XHKG": Hours(_HONG_KONG, time(9, 30), time(16), time(12), time(13)),
}
"""Regular hours by MIC (ISO 10383) as they are today. BNGI is not here: it never closes."""

_UNTIL = {
    "XTKS": (date(2024, 11, 5), Hours(_TOKYO, time(9), time(15), time(11, 30), time(12, 30))),
    "XHKG": (date(2011, 3, 7), Hours(_HONG_KONG, time(10), time(16), time(12), time(13))),
}
"""Regular hours as they were before a day."""

PRE_OPENS = {"XNYS": time(4), "XNAS": time(4), "ARCX": time(4)}
"""Where and from when one trades before the opening."""

POST_LASTS = timedelta(hours=4)
"""How long one trades there after the close: to 20:00, or to 17:00 where a day ends at 13:00."""

NAMES = {
    "XNYS": "New York Stock Exchange",
    "XNAS": "Nasdaq",
    "ARCX": "NYSE Arca",
    "XLON": "London Stock Exchange",
    "XETR": "Xetra",
    "XAMS": "Euronext Amsterdam",
    "XTKS": "Tokyo Stock Exchange",
    "XHKG": "Hong Kong Stock Exchange",
    ALWAYS_OPEN: "Bengi house venue",
}

MICS = (*HOURS, ALWAYS_OPEN)


class UnknownExchange(ValueError):
    """No hours are known for this MIC."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day in UTC, closes_at excluded; a lunch break belongs to it, without trading."""

    opens_at: datetime
    closes_at: datetime
    break_starts_at: datetime | None = None
    break_ends_at: datetime | None = None

    def is_trading(self, moment: datetime) -> bool:
        """Return whether continuous trading runs at moment."""
        if not self.opens_at <= moment < self.closes_at:
            return False
        if self.break_starts_at is None or self.break_ends_at is None:
            return True
        return not self.break_starts_at <= moment < self.break_ends_at


class Calendar:
    """The days that differ. facts are the exchanges'; overrides are staff's and win.

    Facts count where real hours do. An override counts for every market and in both modes; where
    the market never closes its times are UTC. A calendar never changes: use() takes a new one.
    """

    _editions = count(1)

    def __init__(self, facts: Days, overrides: Days) -> None:
        self.facts = facts
        self.overrides = overrides
        self.edition = next(self._editions)
        self.session_on = lru_cache(maxsize=4096)(self._session_on)

    def special_day(self, mic: str, day: date, mode: Mode) -> SpecialDay | None:
        """Return what is special about the day at mic, None where nothing is."""
        override = self.overrides.get((mic, day))
        if override is not None or _never_closes(mic, mode):
            return override
        return self.facts.get((mic, day))

    def _session_on(self, mic: str, day: date, mode: Mode) -> Session | None:
        special = self.special_day(mic, day, mode)
        zone = zone_of(mic, mode)
        if special is not None:
            return _session(day, zone, special)
        if _never_closes(mic, mode):
            opens_at = datetime.combine(day, time(), UTC)
            return Session(opens_at, opens_at + _DAY)
        if day.weekday() >= 5:  # Saturday, Sunday
            return None
        return _session(day, zone, _regular_hours(mic, day))


_in_use = Calendar({}, {})


def use(calendar: Calendar) -> None:
    """Let every function of this module go by calendar from now on, in this process."""
    global _in_use  # noqa: PLW0603 - one calendar a process, put in place whole
    _in_use = calendar


def in_use() -> Calendar:
    """Return the calendar that this process goes by; its edition changes with every use()."""
    return _in_use


def special_day(mic: str, day: date, mode: Mode) -> SpecialDay | None:
    """Return what is special about the day at mic, None where nothing is."""
    return _in_use.special_day(mic, day, mode)


def session_on(mic: str, day: date, mode: Mode) -> Session | None:
    """Return the session of a day in the exchange's zone; None where nobody trades on it."""
    return _in_use.session_on(mic, day, mode)


def session_of(mic: str, moment: datetime, mode: Mode) -> Session | None:
    """Return the session that moment falls into, its lunch break included; None outside of one."""
    session = session_on(mic, session_date(mic, moment, mode), mode)
    if session is None or not session.opens_at <= moment < session.closes_at:
        return None
    return session


def is_open(mic: str, moment: datetime, mode: Mode) -> bool:
    """Return whether mic trades at moment."""
    session = session_of(mic, moment, mode)
    return session is not None and session.is_trading(moment)


def phase(mic: str, moment: datetime, mode: Mode) -> Phase:
    """Return what mic does at moment. Extended hours need a trading day of an exchange."""
    day = session_date(mic, moment, mode)
    session = session_on(mic, day, mode)
    if session is None:
        return "closed"
    if session.opens_at <= moment < session.closes_at:
        return "open" if session.is_trading(moment) else "break"
    if not has_extended_hours(mic, mode):
        return "closed"
    if moment < session.opens_at:
        return "pre" if _utc(day, PRE_OPENS[mic], zone_of(mic, mode)) <= moment else "closed"
    return "post" if moment < session.closes_at + POST_LASTS else "closed"


def next_open(mic: str, moment: datetime, mode: Mode) -> datetime:
    """Return the first start of trading after moment: a session's opening or the end of a break.

    In a market that never closes that is the next session's opening, at midnight UTC.
    """
    session = session_of(mic, moment, mode)
    resumes_at = session and session.break_ends_at
    if resumes_at and moment < resumes_at:
        return resumes_at
    return session_after(mic, moment, mode).opens_at


def next_start(mic: str, moment: datetime, mode: Mode) -> datetime:
    """Return when trading begins next after moment, before the session where one does so there."""
    opens_at = next_open(mic, moment, mode)
    if not has_extended_hours(mic, mode):
        return opens_at
    zone = zone_of(mic, mode)
    pre_opens_at = _utc(opens_at.astimezone(zone).date(), PRE_OPENS[mic], zone)
    return pre_opens_at if moment < pre_opens_at else opens_at


def next_close(mic: str, moment: datetime, mode: Mode) -> datetime:
    """Return when the running session closes, or else the next one: a day order's end."""
    session = session_of(mic, moment, mode)
    return (session or session_after(mic, moment, mode)).closes_at


def has_extended_hours(mic: str, mode: Mode) -> bool:
    """Return whether one trades before and after the sessions of mic."""
    return mic in PRE_OPENS and mode == "exchange"


def extended_hours_on(mic: str, day: date, mode: Mode) -> tuple[datetime, datetime] | None:
    """Return when one may trade on a day, before and after its session; None where one may not."""
    session = session_on(mic, day, mode)
    if session is None or not has_extended_hours(mic, mode):
        return None
    return _utc(day, PRE_OPENS[mic], zone_of(mic, mode)), session.closes_at + POST_LASTS


def next_extended_close(mic: str, moment: datetime, mode: Mode) -> datetime:
    """Return the first end of after-hours trading after moment; next_close() where there is none.

    On a trading day that is its own evening's, whenever on the day moment is before it.
    """
    if not has_extended_hours(mic, mode):
        return next_close(mic, moment, mode)
    session = session_before(mic, moment, mode)
    if moment >= session.closes_at + POST_LASTS:
        session = session_after(mic, moment, mode)
    return session.closes_at + POST_LASTS


def session_after(mic: str, moment: datetime, mode: Mode) -> Session:
    """Return the first session that opens after moment."""
    day = session_date(mic, moment, mode)
    while True:
        session = session_on(mic, day, mode)
        if session is not None and session.opens_at > moment:
            return session
        day += _DAY


def session_before(mic: str, moment: datetime, mode: Mode) -> Session:
    """Return the newest session that opened at or before moment; it may still be running."""
    day = session_date(mic, moment, mode)
    while True:
        session = session_on(mic, day, mode)
        if session is not None and session.opens_at <= moment:
            return session
        day -= _DAY


def session_date(mic: str, moment: datetime, mode: Mode = "exchange") -> date:
    """Return moment's day in the exchange's zone; the UTC day where the market never closes.

    Raises UnknownExchange. The day need not be a trading day.
    """
    return moment.astimezone(zone_of(mic, mode)).date()


def is_business_day(mic: str, day: date) -> bool:
    """Return whether trades settle on the day: the exchange trades then, whatever the mode.

    The house venue trades every day and settles Monday to Friday.
    """
    if mic == ALWAYS_OPEN and day.weekday() >= 5:
        return False
    return session_on(mic, day, "exchange") is not None


def zone_of(mic: str, mode: Mode) -> ZoneInfo:
    """Return the zone whose clock mic goes by: UTC where it never closes.

    Raises UnknownExchange.
    """
    return _UTC_ZONE if _never_closes(mic, mode) else _hours(mic).zone


def _never_closes(mic: str, mode: Mode) -> bool:
    return mode == "always" or mic == ALWAYS_OPEN


def _regular_hours(mic: str, day: date) -> Hours:
    until, earlier = _UNTIL.get(mic, (day, None))
    return earlier if earlier is not None and day < until else _hours(mic)


def _hours(mic: str) -> Hours:
    try:
        return HOURS[mic]
    except KeyError:
        raise UnknownExchange(f"{mic} is not one of {', '.join(MICS)}") from None


def _session(day: date, zone: ZoneInfo, hours: Hours | SpecialDay) -> Session | None:
    if hours.opens is None or hours.closes is None:
        return None
    lunch = hours.break_starts, hours.break_ends
    return Session(
        _utc(day, hours.opens, zone),
        _utc(day, hours.closes, zone),
        *(None if local is None else _utc(day, local, zone) for local in lunch),
    )


def _utc(day: date, local: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, local, zone).astimezone(UTC)
