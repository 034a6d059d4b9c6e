"""Before and after the sessions of New York: when that ends for a day, and when it begins next."""

from datetime import UTC, datetime

import pytest

from instruments import calendar
from instruments.calendar import Calendar
from instruments.special_days import known_days

# A moment, and the end of after-hours trading that a day order given then lives to. UTC.
ENDS = """
    XNYS  2026-11-24 08:00  2026-11-25 01:00  in the night before: 20:00 of the day itself
    XNYS  2026-11-24 14:00  2026-11-25 01:00  in the pre-market
    XNYS  2026-11-24 18:00  2026-11-25 01:00  in the session
    XNAS  2026-11-25 00:59  2026-11-25 01:00  a minute before eight
    XNAS  2026-11-25 01:00  2026-11-26 01:00  at eight: tomorrow's
    ARCX  2026-11-26 15:00  2026-11-27 22:00  on Thanksgiving: 17:00 of the short day after
    XNYS  2026-11-27 17:59  2026-11-27 22:00
    XNYS  2026-11-27 18:00  2026-11-27 22:00  the early close, 13:00
    XNYS  2026-11-27 22:00  2026-12-01 01:00  over the weekend
    XNYS  2026-07-02 23:59  2026-07-03 00:00
    XNYS  2026-07-03 12:00  2026-07-07 00:00  on July 3rd, a holiday: Monday's
    XNYS  2026-03-06 22:00  2026-03-07 01:00  Friday before New York springs forward
    XNYS  2026-03-07 12:00  2026-03-10 00:00  Monday after it, an hour sooner in UTC
    XNYS  2026-10-30 21:00  2026-10-31 00:00  Friday before New York falls back
    XNYS  2026-11-01 12:00  2026-11-03 01:00  Monday after it
    XLON  2026-11-24 10:00  2026-11-24 16:30  London has its close only
    XTKS  2026-11-24 02:45  2026-11-24 06:30
    BNGI  2026-11-24 02:45  2026-11-25 00:00
"""

# A moment, and when trading begins next after it. UTC.
STARTS = """
    XNYS  2026-11-25 01:00  2026-11-25 09:00  04:00
    XNYS  2026-11-24 08:59  2026-11-24 09:00
    XNYS  2026-11-24 09:00  2026-11-24 14:30  the pre-market runs; then the session
    XNYS  2026-11-24 18:00  2026-11-25 09:00
    XNYS  2026-11-26 15:00  2026-11-27 09:00  Thanksgiving
    XNYS  2026-07-03 12:00  2026-07-06 08:00
    XNYS  2026-03-07 12:00  2026-03-09 08:00  clocks go forward
    XNYS  2026-11-01 12:00  2026-11-02 09:00  clocks go back
    XTKS  2026-11-24 02:45  2026-11-24 03:30  the end of lunch
    XLON  2026-11-24 06:00  2026-11-24 08:00
"""


def at(day: str, time: str) -> datetime:
    return datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def cases(table: str) -> list[tuple[str, datetime, datetime]]:
    """Return (mic, moment, answer) of a table's rows."""
    rows = [line.split() for line in table.strip().splitlines()]
    return [(row[0], at(*row[1:3]), at(*row[3:5])) for row in rows]


@pytest.fixture(autouse=True)
def known():
    before = calendar.in_use()
    calendar.use(Calendar(known_days(), {}))
    yield
    calendar.use(before)


@pytest.mark.parametrize(("mic", "moment", "ends_at"), cases(ENDS), ids=str)
def test_when_a_day_with_extended_hours_ends(mic: str, moment: datetime, ends_at: datetime) -> None:
    assert calendar.next_extended_close(mic, moment, "exchange") == ends_at


@pytest.mark.parametrize(("mic", "moment", "starts_at"), cases(STARTS), ids=str)
def test_when_trading_begins_next(mic: str, moment: datetime, starts_at: datetime) -> None:
    assert calendar.next_start(mic, moment, "exchange") == starts_at


@pytest.mark.parametrize("mic", calendar.MICS)
def test_a_market_that_never_closes_has_no_extended_hours(mic: str) -> None:
    moment = at("2026-11-24", "03:00")
    assert not calendar.has_extended_hours(mic, "always")
    assert calendar.next_extended_close(mic, moment, "always") == at("2026-11-25", "00:00")
    assert calendar.has_extended_hours(mic, "exchange") == (mic in {"XNYS", "XNAS", "ARCX"})
