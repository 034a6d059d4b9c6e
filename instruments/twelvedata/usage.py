"""What is left of Twelve Data's credits, and what is promised with them, for staff."""

from collections import Counter
from datetime import datetime

import msgspec
from django.core.cache import cache

from bengi.numerals import age
from instruments.hours import market_hours
from instruments.twelvedata import wiring
from instruments.twelvedata.chores import REPORT, STATES
from instruments.twelvedata.desk import feed_targets, limits, shared_ledger
from instruments.twelvedata.governor import Governor, Priority, Standing
from instruments.twelvedata.poller import wishes_of
from instruments.twelvedata.schedule import Wish, best_wishes, make_plan


class Row(msgspec.Struct, frozen=True):
    """One priority: how many instruments it has, how old their prices become, credits used today.

    promise_s is None where the credits left promise nothing, and for chores.
    """

    name: str
    instruments: int
    promise_s: int | None
    used: int

    @property
    def promise(self) -> str:
        """How old a price becomes, in words."""
        return "–" if self.promise_s is None else f"at most {age(self.promise_s)}"


class UsageReport(msgspec.Struct, frozen=True):
    """differing: listings and market states that are not as ours, in words."""

    standing: Standing
    rows: list[Row]
    differing: list[str]


def standing_now(now: datetime) -> Standing:
    """Return the credits used and left, of all processes that share them."""
    return Governor(shared_ledger(), limits()).standing(now)


def usage_report(now: datetime) -> UsageReport:
    """Return how it stands at now, for all processes that share the credits."""
    standing = standing_now(now)
    wishes = _wishes(now)
    plan = make_plan(
        wishes,
        now=now,
        mode=market_hours(),
        day_left=standing.day_left,
        day_limit=standing.day_limit,
        minute_limit=standing.minute_limit,
    )
    count = Counter(wish.priority for wish in wishes)
    rows = [
        Row(
            name=priority.name.lower(),
            instruments=count[priority],
            promise_s=plan.promise_s.get(priority) if plan.is_kept else None,
            used=standing.day_by[priority.name.lower()],
        )
        for priority in Priority
    ]
    return UsageReport(standing, rows, _differing())


def _wishes(now: datetime) -> list[Wish]:
    """Return the wish that counts for each instrument with a feed."""
    return best_wishes(wishes_of(feed_targets().values(), wiring.in_use().wants(now)))


def _differing() -> list[str]:
    states: dict[str, str] = cache.get(STATES, {})
    listings: list[str] = cache.get(REPORT, {}).get("differing", [])
    told = [f"{mic}: {word} there, not by our calendar" for mic, word in sorted(states.items())]
    return [*listings, *told]
