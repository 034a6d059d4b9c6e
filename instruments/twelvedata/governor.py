"""Credits: so many a minute and so many a day, and who may have what is left of them.

Twelve Data counts by the minute and the day of the clock, in UTC. What its headers and refusals
tell corrects what we have counted. Orders and positions may have all there is; the others leave a
part of each minute to them, and may not run ahead of the day: by the middle of its trading hours
half of the credits may be gone, and a little more. Nobody ever gets more than the limits. Deciding
is pure; a ledger (ledgers.py) keeps the figures for one process or for many.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from instruments.twelvedata.errors import DayExhausted, Exhausted

T = TypeVar("T")

MINUTE_S, DAY_S = 60, 86_400
SKEW_S = 1
"""Their clock may be so far behind ours."""
LEAD_PERCENT = 8
"""Of the day's credits: how far those who are not urgent may be ahead of the day."""
KEY_PAUSE_S = 600
"""How long nothing is asked after the key was refused."""


class Priority(IntEnum):
    """Who is asked about first. chore: everything that is no quote, such as past bars."""

    ORDER = 0
    POSITION = 1
    PAGE = 2
    WATCHLIST = 3
    REST = 4
    CHORE = 5

    @property
    def is_urgent(self) -> bool:
        """Whether money hangs on it."""
        return self <= Priority.POSITION


UNLIMITED = 10_000_000
"""Credits of a day that has no limit."""


_KEPT = {Priority.PAGE: 8, Priority.WATCHLIST: 4, Priority.REST: 4, Priority.CHORE: 2}
"""Of a minute's credits one in so many is left to who comes before: half of them by chores."""


class Limits(msgspec.Struct, frozen=True):
    """Credits of the plan, a minute and a day."""

    minute: int
    day: int


class Credits(msgspec.Struct, frozen=True):
    """What is known of the credits used.

    minute and day count from 1970 in UTC. minute_limit, day_limit: what they told, None before.
    closed_until_s: nothing is asked before, because of closed_by. day_by: by priority.
    """

    minute: int = 0
    minute_used: int = 0
    minute_limit: int | None = None
    day: int = 0
    day_used: int = 0
    day_limit: int | None = None
    closed_until_s: int = 0
    closed_by: str = ""
    day_by: tuple[int, ...] = (0,) * len(Priority)


class Standing(msgspec.Struct, frozen=True):
    """For staff: what is left of the minute and of the day, and until when nothing is asked."""

    minute_used: int
    minute_limit: int
    day_used: int
    day_limit: int
    day_by: dict[str, int]
    closed_until: datetime | None
    closed_by: str

    @property
    def day_left(self) -> int:
        """The credits of today that nobody has used."""
        return max(0, self.day_limit - self.day_used)


class Ledger(Protocol):
    """Keeps Credits. change() is atomic over everybody who shares it."""

    def read(self) -> Credits:
        """Return what is known."""

    def change(self, work: Callable[[Credits], tuple[Credits, T]]) -> T:
        """Put in place what work makes of what is known; work may be called more than once."""


class Governor:
    """Hands credits out. elapsed: how much of today's trading hours is over, 0 to 1."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger, self._limits = ledger, limits

    def take(
        self, wanted: int, priority: Priority, now: datetime, *, elapsed: float = 1, least: int = 1
    ) -> int:
        """Take up to wanted credits and return how many: none where fewer than least are left."""

        def work(known: Credits) -> tuple[Credits, int]:
            return spent(known, self._limits, wanted, priority, now, elapsed=elapsed, least=least)

        return self._ledger.change(work)

    def give_back(self, count: int, priority: Priority, taken_at: datetime) -> None:
        """Count what was taken as not used: the question never arrived, or was refused."""
        self._change(lambda known: given_back(known, count, priority, taken_at))

    def hear(self, used: int, left: int, asked_at: datetime) -> None:
        """Learn from a response's headers."""
        self._change(lambda known: heard(known, used, left, asked_at))

    def hear_day(self, used: int, limit: int | None, asked_at: datetime) -> None:
        """Learn from /api_usage what was used of the day, by whomever."""
        self._change(lambda known: heard_day(known, used, limit, asked_at))

    def exhausted(self, error: Exhausted, asked_at: datetime) -> None:
        """Learn that there are no more: until the next minute, or until midnight UTC."""
        self._change(lambda known: exhausted(known, error, self._limits, asked_at))

    def refuse_key(self, now: datetime) -> None:
        """Learn that the key is refused: every question would be."""
        until_s = _seconds(now) + KEY_PAUSE_S
        self._change(lambda known: replace(known, closed_until_s=until_s, closed_by="key"))

    def standing(self, now: datetime) -> Standing:
        """Return what is left, for staff."""
        known = turned(self._ledger.read(), now)
        is_closed = known.closed_until_s > _seconds(now)
        return Standing(
            minute_used=known.minute_used,
            minute_limit=minute_limit(known, self._limits),
            day_used=known.day_used,
            day_limit=day_limit(known, self._limits),
            day_by={each.name.lower(): known.day_by[each] for each in Priority},
            closed_until=datetime.fromtimestamp(known.closed_until_s, UTC) if is_closed else None,
            closed_by=known.closed_by if is_closed else "",
        )

    def _change(self, work: Callable[[Credits], Credits]) -> None:
        self._ledger.change(lambda known: (work(known), None))


def spent(
    known: Credits,
    limits: Limits,
    wanted: int,
    priority: Priority,
    now: datetime,
    *,
    elapsed: float,
    least: int = 1,
) -> tuple[Credits, int]:
    """Return the credits after a priority has taken what it may of wanted, and how many."""
    known = turned(known, now)
    count = min(wanted, room(known, limits, priority, now, elapsed))
    if count < max(1, least):
        return known, 0
    return _added(known, count, priority), count


def room(known: Credits, limits: Limits, priority: Priority, now: datetime, elapsed: float) -> int:
    """Return how many credits a priority may have now; credits are of now's minute and day."""
    if known.closed_until_s > _seconds(now):
        return 0
    a_minute, a_day = minute_limit(known, limits), day_limit(known, limits)
    left = min(a_minute - known.minute_used, a_day - known.day_used)
    if not priority.is_urgent:
        kept = a_minute // _KEPT[priority]
        ahead = int(a_day * elapsed) + a_day * LEAD_PERCENT // 100
        left = min(left, a_minute - kept - known.minute_used, ahead - known.day_used)
    return max(0, left)


def turned(known: Credits, now: datetime) -> Credits:
    """Return the credits of now's minute and day: a new one begins with none used.

    A clock that is behind another process's stays in that one's minute.
    """
    seconds = _seconds(now)
    minute, day = seconds // MINUTE_S, seconds // DAY_S
    if minute > known.minute:
        known = replace(known, minute=minute, minute_used=0)
    if day > known.day:
        known = replace(known, day=day, day_used=0, day_by=(0,) * len(Priority))
    return known


def given_back(known: Credits, count: int, priority: Priority, at: datetime) -> Credits:
    """Return the credits without what was taken at a moment, in the same minute."""
    seconds = _seconds(at)
    if known.minute == seconds // MINUTE_S:
        known = replace(known, minute_used=max(0, known.minute_used - count))
    if known.day == seconds // DAY_S:
        by = list(known.day_by)
        by[priority] = max(0, by[priority] - count)
        used = max(0, known.day_used - count)
        known = replace(known, day_used=used, day_by=tuple(by))
    return known


def heard(known: Credits, used: int, left: int, asked_at: datetime) -> Credits:
    """Return the credits as the headers of an answer correct them.

    What we have counted and they have not is on its way to them, so the larger count holds.
    """
    known = turned(known, asked_at)
    if known.minute != _seconds(asked_at) // MINUTE_S:
        return known
    known = replace(known, minute_limit=used + left)
    return _others(known, used - known.minute_used)


def heard_day(known: Credits, used: int, limit: int | None, asked_at: datetime) -> Credits:
    """Return the credits with what they count of the day, which others may have used too."""
    known = turned(known, asked_at)
    if known.day != _seconds(asked_at) // DAY_S:
        return known
    told = known.day_limit if limit is None else limit
    return replace(known, day_used=max(known.day_used, used), day_limit=told)


def exhausted(known: Credits, error: Exhausted, limits: Limits, asked_at: datetime) -> Credits:
    """Return the credits after a refusal: nothing is asked before the next minute, or midnight."""
    known, seconds = turned(known, asked_at), _seconds(asked_at)
    if isinstance(error, DayExhausted):
        told = error.limit or known.day_limit
        used = max(known.day_used, error.limit or day_limit(known, limits))
        until_s = (seconds // DAY_S + 1) * DAY_S + SKEW_S
        known = replace(known, day_limit=told, day_used=used)
        return _closed(known, until_s, "day")
    told = error.limit or known.minute_limit
    used = max(known.minute_used, error.limit or minute_limit(known, limits))
    until_s = (seconds // MINUTE_S + 1) * MINUTE_S + SKEW_S
    return _closed(replace(known, minute_limit=told, minute_used=used), until_s, "minute")


def minute_limit(known: Credits, limits: Limits) -> int:
    """Return the credits of a minute: what they told, but no more than the settings say."""
    said = known.minute_limit
    return limits.minute if said is None else min(said, limits.minute)


def day_limit(known: Credits, limits: Limits) -> int:
    """Return the credits of a day: what they told, but no more than the settings say."""
    return limits.day if known.day_limit is None else min(known.day_limit, limits.day)


def _added(known: Credits, count: int, priority: Priority) -> Credits:
    by = list(known.day_by)
    by[priority] += count
    return replace(
        known,
        minute_used=known.minute_used + count,
        day_used=known.day_used + count,
        day_by=tuple(by),
    )


def _others(known: Credits, more: int) -> Credits:
    """Count what somebody else has used of this minute, and so of this day."""
    if more <= 0:
        return known
    minute_used, day_used = known.minute_used + more, known.day_used + more
    return replace(known, minute_used=minute_used, day_used=day_used)


def _closed(known: Credits, until_s: int, by: str) -> Credits:
    """Close until a moment; what closes for longer stays."""
    if until_s <= known.closed_until_s:
        return known
    return replace(known, closed_until_s=until_s, closed_by=by)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
