"""When one may trade, written down plainly: New York's days, and a venue that never closes.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Hours" and "Lots and settlement".
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
SATURDAY = 5
OPENS, CLOSES = time(9, 30), time(16)
DAY = timedelta(days=1)

HOLIDAYS = {date(2026, 4, 3): "Good Friday", date(2026, 11, 26): "Thanksgiving"}
EARLY_CLOSES = {date(2026, 11, 27): time(13)}
"""What the walks can come across, and no more."""


class PlainCalendar:
    """hours is "new york" or "always". overrides are staff's: a day's close, None for no session.

    They win over holidays, weekends and early closes, and count for New York alone.
    """

    def __init__(self) -> None:
        self.overrides: dict[date, time | None] = {}

    def closes_on(self, day: date) -> time | None:
        """Return when New York closes on the day; None where nobody trades there."""
        if day in self.overrides:
            return self.overrides[day]
        if day.weekday() >= SATURDAY or day in HOLIDAYS:
            return None
        return EARLY_CLOSES.get(day, CLOSES)

    def is_open(self, hours: str, moment: datetime) -> bool:
        if hours == "always":
            return True
        there = moment.astimezone(NEW_YORK)
        closes = self.closes_on(there.date())
        return closes is not None and OPENS <= there.time() < closes

    def next_close(self, hours: str, moment: datetime) -> datetime:
        """Return when a day order of moment ends: the close of its session, or of the next one."""
        if hours == "always":
            return datetime.combine(moment.date(), time(), UTC) + DAY
        day = moment.astimezone(NEW_YORK).date()
        while True:
            closes = self.closes_on(day)
            if closes is not None and _utc(day, closes) > moment:
                return _utc(day, closes)
            day += DAY

    def next_open(self, moment: datetime) -> datetime:
        """Return the first opening of New York's session after moment."""
        day = moment.astimezone(NEW_YORK).date()
        while self.closes_on(day) is None or _utc(day, OPENS) <= moment:
            day += DAY
        return _utc(day, OPENS)

    def is_extended(self, moment: datetime) -> bool:
        """Say whether New York trades outside of a session: from four, and four hours after it."""
        there = moment.astimezone(NEW_YORK)
        closes = self.closes_on(there.date())
        if closes is None or self.is_open("new york", moment):
            return False
        ends_at = _utc(there.date(), closes) + timedelta(hours=4)
        return time(4) <= there.time() and moment < ends_at

    def next_turn(self, moment: datetime) -> datetime:
        """Return when New York's session next opens or closes after moment."""
        is_open = self.is_open("new york", moment)
        return self.next_close("new york", moment) if is_open else self.next_open(moment)

    def last_turn(self, moment: datetime) -> datetime:
        """Return when New York's session last opened or closed, at moment or before it."""
        day = moment.astimezone(NEW_YORK).date()
        while self.closes_on(day) is None or _utc(day, OPENS) > moment:
            day -= DAY
        closes_at = _utc(day, self.closes_on(day))
        return closes_at if closes_at <= moment else _utc(day, OPENS)

    def settles_at(self, hours: str, moment: datetime) -> datetime:
        """Return when a sale of moment settles: as the next business day begins there."""
        day = day_of(hours, moment) + DAY
        while day.weekday() >= SATURDAY if hours == "always" else self.closes_on(day) is None:
            day += DAY
        return start_of(hours, day)


def start_of(hours: str, day: date) -> datetime:
    """Return when a day begins where the exchange is."""
    zone = UTC if hours == "always" else NEW_YORK
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(hours: str, moment: datetime) -> date:
    """Return the day that a trade or an order of moment belongs to where it is traded."""
    return moment.astimezone(UTC if hours == "always" else NEW_YORK).date()


def _utc(day: date, local: time) -> datetime:
    return datetime.combine(day, local, NEW_YORK).astimezone(UTC)
