"""A day of Twelve Data without Twelve Data: a counter of their own, people who come and go.

The counter is the oracle of the credits: it knows nothing of governors and refuses what is above a
limit, which no test lets pass.
"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from instruments.calendar import is_open
from instruments.twelvedata.governor import Governor, Limits, Priority
from instruments.twelvedata.ledgers import MemoryLedger
from instruments.twelvedata.schedule import Wish, due, make_plan

MODE = "exchange"
STEP = timedelta(seconds=15)


@dataclass
class Counted:
    """What Twelve Data counts: credits by minute and by day, and how often it had to refuse."""

    minute_limit: int
    day_limit: int
    minutes: Counter = field(default_factory=Counter)
    days: Counter = field(default_factory=Counter)
    refused: int = 0

    def ask(self, count: int, now: datetime) -> bool:
        minute, day = f"{now:%d %H:%M}", f"{now:%d}"
        if (
            self.minutes[minute] + count > self.minute_limit
            or self.days[day] + count > self.day_limit
        ):
            self.refused += 1
            return False
        self.minutes[minute] += count
        self.days[day] += count
        return True


class Desk:
    """60 people's symbols: who wants what of them changes through the day, by a seed."""

    def __init__(self, seed: int, counts: dict[Priority, int], mics=("XNAS",)) -> None:
        self.random = random.Random(seed)
        self.priority: dict[str, Priority] = {}
        self.mic: dict[str, str] = {}
        self.since: dict[str, datetime] = {}
        for priority, count in counts.items():
            for number in range(count):
                token = f"{priority.name}{number}"
                self.priority[token] = priority
                self.mic[token] = mics[number % len(mics)]
        self.home = dict(self.priority)

    def pass_time(self, now: datetime) -> None:
        """Let somebody place an order about every 8 minutes, and open a page every 4."""
        if self.random.random() < 1 / 32:
            token = self.random.choice(
                [t for t, mic in self.mic.items() if is_open(mic, now, MODE)]
            )
            self.priority[token] = Priority.ORDER
            self.since[token] = now
        if self.random.random() < 1 / 16:
            token = self.random.choice(list(self.priority))
            self.priority[token] = min(self.priority[token], Priority.PAGE)
        if self.random.random() < 1 / 10:
            moved = [t for t in self.home if self.priority[t] != self.home[t]] or list(self.home)
            token = self.random.choice(moved)
            self.priority[token] = self.home[token]
            self.since.pop(token, None)

    def wishes(self) -> list[Wish]:
        return [
            Wish(token, self.mic[token], priority, self.since.get(token))
            for token, priority in self.priority.items()
        ]


@dataclass
class Report:
    counted: Counted
    oldest_s: dict[Priority, int]
    promised_s: dict[Priority, int]
    broken: list[str]
    asked: Counter
    waited_s: list[float]
    """How long a fresh order waited for a quote younger than itself."""


def live_a_day(
    day: datetime,
    desk: Desk,
    *,
    limits: Limits,
    governors: int = 1,
    until_hour: int = 24,
    theirs: Limits | None = None,
) -> Report:
    """Live from midnight on, looking every 15 seconds, with several processes sharing a ledger."""
    theirs = theirs or limits
    counted = Counted(theirs.minute, theirs.day)
    ledger = MemoryLedger()
    processes = [Governor(ledger, limits) for _ in range(governors)]
    report = Report(counted, Counter(), Counter(), [], Counter(), [])
    polled: dict[str, datetime] = {}
    allowed_s: dict[str, dict[Priority, int]] = defaultdict(dict)
    planned = plan = None
    for number in range(until_hour * 240):
        now = day + number * STEP
        governor = processes[number % governors]
        if any(is_open(mic, now, MODE) for mic in set(desk.mic.values())):
            desk.pass_time(now)
        wishes = desk.wishes()
        if number % 4 == 0 or wishes != planned:
            planned, plan = (
                wishes,
                make_plan(
                    wishes,
                    now=now,
                    mode=MODE,
                    day_left=governor.standing(now).day_left,
                    day_limit=limits.day,
                    minute_limit=limits.minute,
                ),
            )
        _poll(wishes, polled, plan, governor, now, report)
        _judge(wishes, polled, plan, now, report, allowed_s)
    return report


def _poll(wishes, polled, plan, governor, now, report):
    waiting = due(wishes, polled, plan, now, MODE)
    batch = []
    for priority in Priority:
        of_it = [wish for wish in waiting if wish.priority is priority]
        if of_it:
            got = governor.take(len(of_it), priority, now, elapsed=plan.elapsed)
            batch += of_it[:got]
            if got < len(of_it):
                break
    if batch:
        assert report.counted.ask(len(batch), now), f"over a limit at {now}"
        for wish in batch:
            if wish.since is not None and polled.get(wish.token, wish.since) < wish.since:
                report.waited_s.append((now - wish.since).total_seconds())
            polled[wish.token] = now
            report.asked[wish.priority] += 1


def _judge(wishes, polled, plan, now, report, allowed_s):
    """Hold every open symbol's age to the longest promise since its last poll.

    A symbol that has just become more urgent is held to that from its next poll on.
    """
    for wish in wishes:
        at = polled.get(wish.token)
        if at is None or not is_open(wish.mic, at, MODE) or not is_open(wish.mic, now, MODE):
            allowed_s.pop(wish.token, None)
            continue
        known = allowed_s[wish.token]
        if at == now:
            known.clear()
        known[wish.priority] = max(known.get(wish.priority, 0), plan.promise_s[wish.priority])
        if not plan.is_kept:
            continue
        age_s = int((now - at).total_seconds())
        report.oldest_s[wish.priority] = max(report.oldest_s[wish.priority], age_s)
        most_s = max(known.values())
        report.promised_s[wish.priority] = max(
            report.promised_s[wish.priority], plan.promise_s[wish.priority]
        )
        if age_s > most_s:
            report.broken.append(f"{now:%H:%M:%S} {wish.token} {age_s} > {most_s}")


WEDNESDAY = datetime(2026, 11, 25, tzinfo=UTC)
