"""Who is asked about next, and how old a price may become: so that a day's credits last the day.

Pure. Every priority has an interval that one would like. Where the credits do not reach, all are
stretched: the less urgent, the more, up to a longest one, so that every symbol is seen again. The
stretch is what makes the credits left today just reach to the last close of the day; a part of them
stays for chores, and one credit a symbol for its closing price. What was promised is the interval
and the time it takes when everybody as urgent is due in the same moment.

Where a market is closed nothing is asked but, once, the close.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from instruments.calendar import Mode, is_open, session_before, session_on
from instruments.twelvedata.governor import MINUTE_S, Priority

IDEAL_S = {
    Priority.ORDER: 60,
    Priority.POSITION: 120,
    Priority.PAGE: 60,
    Priority.WATCHLIST: 300,
    Priority.REST: 900,
}
EXPONENT = {
    Priority.ORDER: 0.6,
    Priority.POSITION: 0.7,
    Priority.PAGE: 1.0,
    Priority.WATCHLIST: 1.5,
    Priority.REST: 2.0,
}
LONGEST_S = {Priority.WATCHLIST: 3600, Priority.REST: 11_700}
"""An hour; half of a session in New York."""
_LONGER_S = {priority: 4 * longest_s for priority, longest_s in LONGEST_S.items()}
POSITION_S_MAX = 2700
"""Where positions would have to wait longer for that, the longest intervals do not hold."""

CHORES_PERCENT = 8
"""Of a day's credits so many are kept for chores, the fewer the more of the day is over."""
CLOSES_PERCENT = 20
"""Of a day's credits at most so many are kept for closing prices."""
MINUTE_PERCENT = 80
"""Of a minute's credits are planned at most so many, so that what comes unplanned has room."""
ROUND_S = 15
"""Within so many seconds what is due is asked, if there are credits."""
CLOSING_S = 150
"""So long after the close the closing price is asked for."""
_STEP = 1.04
_STEPS_MAX = 220
_DAY = timedelta(days=1)


class Wish(msgspec.Struct, frozen=True):
    """Somebody wants the price of a token at mic.

    since: an older price is of no use to them, so it is due at once.
    """

    token: str
    mic: str
    priority: Priority
    since: datetime | None = None


class Plan(msgspec.Struct, frozen=True):
    """How often each priority is asked about, and how old its prices become at most.

    interval_s, promise_s: seconds by priority. is_kept: False where the credits cannot reach, and
    nothing is promised. elapsed: how much of today's trading is over, 0 to 1.
    """

    interval_s: dict[Priority, int]
    promise_s: dict[Priority, int]
    elapsed: float
    is_kept: bool


class _Demand(msgspec.Struct):
    """What wishes ask of the rest of the day: seconds of open markets, symbols open now, closes."""

    open_s: Counter[Priority]
    open_now: Counter[Priority]
    closes: int
    total_s: float

    @property
    def elapsed(self) -> float:
        """How much of the day's trading is over, 0 to 1; all of it where there is none."""
        left_s = sum(self.open_s.values())
        return min(1, max(0, 1 - left_s / self.total_s)) if self.total_s else 1


def make_plan(
    wishes: Sequence[Wish],
    *,
    now: datetime,
    mode: Mode,
    day_left: int,
    day_limit: int,
    minute_limit: int,
) -> Plan:
    """Return the plan for the rest of the credits' day, which ends at midnight UTC."""
    demand = _demand(wishes, now, mode)
    closes = min(demand.closes, day_limit * CLOSES_PERCENT // 100)
    chores = day_limit * CHORES_PERCENT / 100 * (1 - demand.elapsed)
    budget = day_left - closes - chores
    for longest_s in (LONGEST_S, _LONGER_S, {}):
        for step in range(_STEPS_MAX):
            interval_s = _intervals(_STEP**step, longest_s)
            if longest_s and interval_s[Priority.POSITION] > POSITION_S_MAX:
                break
            if _fits(demand, interval_s, budget, minute_limit):
                return _plan(interval_s, wishes, demand, minute_limit, is_kept=True)
    return _plan(_intervals(_STEP**_STEPS_MAX, {}), wishes, demand, minute_limit, is_kept=False)


def due(
    wishes: Iterable[Wish], polled: Mapping[str, datetime], plan: Plan, now: datetime, mode: Mode
) -> list[Wish]:
    """Return what is to be asked about now, the most urgent first and of those the oldest.

    polled: when each token was last asked about. Wished for twice, it is asked for once.
    """
    urgent = best_wishes(wishes)
    found = [wish for wish in urgent if _is_due(wish, polled.get(wish.token), plan, now, mode)]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda wish: (wish.priority, polled.get(wish.token, never)))


def day_elapsed(wishes: Iterable[Wish], now: datetime, mode: Mode) -> float:
    """Return how much of today's trading is over, 0 to 1, today being the credits' day."""
    return _demand(list(wishes), now, mode).elapsed


def open_seconds(mic: str, start: datetime, end: datetime, mode: Mode) -> float:
    """Return for how many seconds mic trades between two moments."""
    total_s, day = 0.0, start.date() - _DAY
    while day <= end.date() + _DAY:
        total_s += sum(_overlap_s(part, start, end) for part in _parts(mic, day, mode))
        day += _DAY
    return total_s


def _demand(wishes: Sequence[Wish], now: datetime, mode: Mode) -> _Demand:
    midnight = datetime.combine(now.date(), time(), UTC)
    found = _Demand(Counter(), Counter(), 0, 0)
    left: dict[str, float] = {}
    total: dict[str, float] = {}
    for wish in best_wishes(wishes):
        mic = wish.mic
        if mic not in left:
            left[mic] = open_seconds(mic, now, midnight + _DAY, mode)
            total[mic] = open_seconds(mic, midnight, midnight + _DAY, mode)
        found.total_s += total[mic]
        found.open_s[wish.priority] += int(left[mic])
        found.open_now[wish.priority] += is_open(mic, now, mode)
        found.closes += left[mic] > 0
    return found


def _intervals(stretch: float, longest_s: Mapping[Priority, int]) -> dict[Priority, int]:
    """Return the interval of every priority at a stretch, none above its longest.

    Unless somebody who is more urgent waits longer: then it is theirs.
    """
    found, before_s = {}, 0
    for priority, ideal_s in IDEAL_S.items():
        stretched_s = math.ceil(ideal_s * stretch ** EXPONENT[priority])
        capped_s = min(stretched_s, longest_s.get(priority, stretched_s))
        found[priority] = capped_s if stretch == 1 else max(capped_s, before_s)
        before_s = found[priority]
    return found


def _fits(
    demand: _Demand, interval_s: Mapping[Priority, int], budget: float, minute_limit: int
) -> bool:
    """Say whether credits reach: those of the day to its end, and those of each minute."""
    a_day = sum(open_s / interval_s[each] for each, open_s in demand.open_s.items())
    a_minute = sum(MINUTE_S * n / interval_s[each] for each, n in demand.open_now.items())
    return a_day <= budget and a_minute <= minute_limit * MINUTE_PERCENT / 100


def _plan(
    interval_s: dict[Priority, int],
    wishes: Sequence[Wish],
    demand: _Demand,
    minute_limit: int,
    *,
    is_kept: bool,
) -> Plan:
    count = Counter(wish.priority for wish in best_wishes(wishes))
    promise_s, as_urgent = {}, 0
    for priority, every_s in interval_s.items():
        as_urgent += count[priority]
        minutes = math.ceil(as_urgent / max(1, minute_limit))
        promise_s[priority] = every_s + minutes * MINUTE_S + ROUND_S
    return Plan(interval_s, promise_s, demand.elapsed, is_kept)


def _is_due(wish: Wish, polled_at: datetime | None, plan: Plan, now: datetime, mode: Mode) -> bool:
    if polled_at is None:
        return True
    if not is_open(wish.mic, now, mode):
        closed_at = session_before(wish.mic, now, mode).closes_at
        closing_at = closed_at + timedelta(seconds=CLOSING_S)
        return polled_at < closing_at <= now
    if wish.since is not None and polled_at < wish.since:
        return True
    return now - polled_at >= timedelta(seconds=plan.interval_s[wish.priority])


def best_wishes(wishes: Iterable[Wish]) -> list[Wish]:
    """Return one wish a token: of the highest priority and the latest since."""
    found: dict[str, Wish] = {}
    for wish in wishes:
        known = found.get(wish.token)
        if known is not None:
            since = max((w.since for w in (wish, known) if w.since is not None), default=None)
            priority = min(wish.priority, known.priority)
            wish = Wish(wish.token, wish.mic, priority, since)  # noqa: PLW2901 - both as one
        found[wish.token] = wish
    return list(found.values())


def _parts(mic: str, day: date, mode: Mode) -> list[tuple[datetime, datetime]]:
    session = session_on(mic, day, mode)
    if session is None:
        return []
    if session.break_starts_at is None or session.break_ends_at is None:
        return [(session.opens_at, session.closes_at)]
    morning = session.opens_at, session.break_starts_at
    return [morning, (session.break_ends_at, session.closes_at)]


def _overlap_s(part: tuple[datetime, datetime], start: datetime, end: datetime) -> float:
    return max(0.0, (min(part[1], end) - max(part[0], start)).total_seconds())
