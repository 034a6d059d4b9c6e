"""What a plan allows, and what each key has used of it. Pure; the time is the machine's."""

from datetime import date, datetime

import msgspec

from instruments.standin.refusals import out_of_day, out_of_minute


class Plan(msgspec.Struct, frozen=True):
    """Credits a minute and a day (None: without end), symbols streamed, and what it includes."""

    name: str
    category: str
    credits_per_minute: int
    credits_per_day: int | None
    stream_credits: int
    rank: int


PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", "basic", 8, 800, 0, rank=0),
        Plan("grow", "grow", 55, None, 0, rank=1),
        Plan("pro", "pro", 610, None, 500, rank=2),
        Plan("ultra", "ultra", 2584, None, 2500, rank=3),
    )
}
PAID = {1: "grow or pro or ultra or venture or enterprise", 2: "pro or ultra or enterprise"}
PAID[3] = "ultra or enterprise"


class Meter:
    """One key's credits: those of a wall-clock minute, and those of a day in UTC."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._minute, self._in_minute = 0, 0
        self._day, self._in_day = date.min, 0

    def check(self, cost: int, wall: datetime) -> None:
        """Raise Refused where cost does not fit any more: the day's limit is told first."""
        self._turn(wall)
        per_day = self.plan.credits_per_day
        if per_day is not None and self._in_day + cost > per_day:
            raise out_of_day(self._in_day + cost, per_day)
        if self._in_minute + cost > self.plan.credits_per_minute:
            raise out_of_minute(self._in_minute + cost, self.plan.credits_per_minute)

    def charge(self, cost: int, wall: datetime) -> None:
        """Count credits as used."""
        self._turn(wall)
        self._in_minute += cost
        self._in_day += cost

    def in_minute(self, wall: datetime) -> int:
        """Return the credits used in the minute of wall."""
        self._turn(wall)
        return self._in_minute

    def in_day(self, wall: datetime) -> int:
        """Return the credits used on the day of wall."""
        self._turn(wall)
        return self._in_day

    def headers(self, wall: datetime) -> dict[str, str]:
        """Return the headers that tell a client about its minute."""
        used = self.in_minute(wall)
        left = max(0, self.plan.credits_per_minute - used)
        return {"api-credits-used": str(used), "api-credits-left": str(left)}

    def _turn(self, wall: datetime) -> None:
        minute, day = int(wall.timestamp()) // 60, wall.date()
        if minute != self._minute:
            self._minute, self._in_minute = minute, 0
        if day != self._day:
            self._day, self._in_day = day, 0
