"""Holidays, early closes and breaks: what people know, what the library says, what always holds."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments import calendar
from instruments.calendar import HOURS, MICS, Calendar, SpecialDay
from instruments.special_days import FIRST_DAY, Fact, known_days, write_days

LAST_COMPARED = date(2026, 12, 31)
INSTANT = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


# From the exchanges' own notices; opening and close on the exchange's clock.
KNOWN = """
    XNYS  2026-11-25  09:30  16:00
    XNYS  2026-11-26  closed        Thanksgiving
    XNYS  2026-11-27  09:30  13:00  the day after
    XNAS  2026-11-27  09:30  13:00
    ARCX  2026-11-26  closed
    XNYS  2026-07-03  closed        Independence Day falls on a Saturday
    XNYS  2026-07-02  09:30  16:00
    XNYS  2025-07-03  09:30  13:00
    XNYS  2026-12-24  09:30  13:00
    XNYS  2026-12-25  closed
    XNYS  2022-06-20  closed        Juneteenth on a Sunday, the first one kept
    XNYS  2021-06-18  09:30  16:00  no holiday yet
    XNYS  2025-01-09  closed        mourning for President Carter
    XNYS  2012-10-29  closed        hurricane
    XNYS  2014-06-09  09:30  16:00
    XNAS  2026-04-03  closed        Good Friday
    XLON  2026-12-24  08:00  12:30
    XLON  2026-12-28  closed        Boxing Day on a Saturday
    XLON  2022-09-19  closed        the Queen's funeral
    XLON  2023-05-08  closed        the coronation
    XLON  2026-11-26  08:00  16:30
    XETR  2026-12-24  closed
    XETR  2026-12-30  09:00  14:00
    XETR  2026-05-01  closed
    XETR  2026-10-03  closed        a Saturday
    XAMS  2026-12-24  09:00  14:05
    XAMS  2026-12-26  closed
    XTKS  2026-11-23  closed        Labor Thanksgiving
    XTKS  2026-11-24  09:00  15:30
    XTKS  2024-11-01  09:00  15:00  the last Friday that ended at three
    XTKS  2024-11-05  09:00  15:30
    XTKS  2020-10-01  closed        its computers stood still
    XTKS  2020-10-02  09:00  15:00
    XTKS  2026-05-06  closed
    XHKG  2026-02-16  09:30  12:00  the eve of the new year, no afternoon
    XHKG  2026-02-17  closed
    XHKG  2026-10-01  closed
    XHKG  2026-11-26  09:30  16:00
    BNGI  2026-12-25  00:00  24:00
"""


@pytest.mark.parametrize("row", rows(KNOWN), ids=lambda row: "-".join(row[:2]))
def test_days_that_people_know(row: list[str]) -> None:
    """Calendar: holidays, early closes and the hours of their time."""
    mic, day = row[0], date.fromisoformat(row[1])
    session = calendar.session_on(mic, day, "exchange")
    if row[2] == "closed":
        assert session is None
        return
    assert session is not None
    zone = calendar.zone_of(mic, "exchange")
    opens, closes = session.opens_at.astimezone(zone), session.closes_at.astimezone(zone)
    assert f"{opens:%H:%M}" == row[2]
    assert f"{closes:%H:%M}".replace("00:00", "24:00") == row[3]
    noon = session.opens_at + (session.closes_at - session.opens_at) / 2
    assert calendar.session_date(mic, noon) == day


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the library
def test_every_day_is_the_librarys() -> None:
    """Our file and our hours against exchange_calendars: every session of every exchange."""
    import exchange_calendars

    for mic in HOURS:
        theirs = exchange_calendars.get_calendar(mic, start=FIRST_DAY, end=LAST_COMPARED)
        expected = {
            stamp.date(): tuple(str(each) for each in (opens, starts, ends, closes))
            for stamp, opens, starts, ends, closes in theirs.schedule.itertuples()
        }
        assert dict(our_sessions(mic)) == expected, mic


def our_sessions(mic: str) -> Iterator[tuple[date, tuple[str, ...]]]:
    for ordinal in range(FIRST_DAY.toordinal(), LAST_COMPARED.toordinal() + 1):
        day = date.fromordinal(ordinal)
        session = calendar.session_on(mic, day, "exchange")
        if session is not None:
            yield (
                day,
                (
                    str(session.opens_at),
                    str(session.break_starts_at or "NaT"),
                    str(session.break_ends_at or "NaT"),
                    str(session.closes_at),
                ),
            )


def test_the_file_reaches_a_year_ahead_and_names_its_days() -> None:
    days = known_days()
    for mic in HOURS:
        assert max(day for known, day in days if known == mic) >= date(2027, 12, 24)
    assert days["XNAS", date(2026, 11, 26)] == SpecialDay(note="Thanksgiving")
    assert days["XNYS", date(2026, 11, 27)].note == "Black Friday"
    assert all(special.note for special in days.values())


def test_what_is_written_is_read_again(tmp_path) -> None:
    early = SpecialDay(time(9, 30), time(12, 30), time(11), time(11, 15), "Early close")
    facts = [
        Fact("XTKS", date(2026, 5, 6), early),
        Fact("XNYS", date(2026, 5, 5), SpecialDay(note='"Quoted", day')),
    ]
    assert write_days(facts, tmp_path / "days.csv") == 2
    leader = facts[1].day
    assert known_days(tmp_path / "days.csv") == {
        ("XTKS", date(2026, 5, 6)): early,
        **{(mic, date(2026, 5, 5)): leader for mic in ("XNYS", "XNAS", "ARCX")},
    }


# New York, Thanksgiving week; times on its own clock, five hours behind UTC.
PHASES = """
    2026-11-24  03:59  closed
    2026-11-24  04:00  pre
    2026-11-24  09:29  pre
    2026-11-24  09:30  open
    2026-11-24  15:59  open
    2026-11-24  16:00  post
    2026-11-24  19:59  post
    2026-11-24  20:00  closed
    2026-11-26  05:00  closed
    2026-11-26  11:00  closed
    2026-11-26  17:00  closed
    2026-11-27  08:00  pre
    2026-11-27  12:59  open
    2026-11-27  13:00  post
    2026-11-27  16:59  post
    2026-11-27  17:00  closed
    2026-11-28  10:00  closed
"""


@pytest.mark.parametrize("mic", ["XNYS", "XNAS", "ARCX"])
@pytest.mark.parametrize("row", rows(PHASES), ids=lambda row: "-".join(row[:2]))
def test_phases_of_new_york(mic: str, row: list[str]) -> None:
    """Calendar: pre-market 04:00-09:30 and after-hours 16:00-20:00 New York kept by us."""
    moment = at(f"{row[0]} {row[1]}") + timedelta(hours=5)
    assert calendar.phase(mic, moment, "exchange") == row[2]
    assert calendar.phase(mic, moment, "always") == "open"


@pytest.mark.parametrize(
    ("mic", "moment", "phase"),
    [
        ("XTKS", "2026-11-24 02:30", "break"),
        ("XTKS", "2026-11-24 03:30", "open"),
        ("XTKS", "2026-11-23 02:00", "closed"),
        ("XHKG", "2026-11-24 04:30", "break"),
        ("XHKG", "2026-12-24 04:30", "closed"),
        ("XLON", "2026-11-24 07:59", "closed"),
        ("BNGI", "2026-12-25 12:00", "open"),
    ],
)
def test_phases_elsewhere(mic: str, moment: str, phase: str) -> None:
    assert calendar.phase(mic, at(moment), "exchange") == phase


@pytest.mark.parametrize(
    ("mic", "moment", "opens_at", "closes_at"),
    [
        ("XNYS", "2026-11-25 21:00", "2026-11-27 14:30", "2026-11-27 18:00"),
        ("XNYS", "2026-11-26 15:00", "2026-11-27 14:30", "2026-11-27 18:00"),
        ("XNYS", "2026-11-27 17:59", "2026-11-30 14:30", "2026-11-27 18:00"),
        ("XNYS", "2026-11-27 18:00", "2026-11-30 14:30", "2026-11-30 21:00"),
        ("XNYS", "2026-07-02 20:00", "2026-07-06 13:30", "2026-07-06 20:00"),
        ("XTKS", "2026-11-20 06:30", "2026-11-24 00:00", "2026-11-24 06:30"),
        ("XTKS", "2026-12-30 06:30", "2027-01-04 00:00", "2027-01-04 06:30"),
        ("XLON", "2026-12-24 12:30", "2026-12-29 08:00", "2026-12-29 16:30"),
    ],
)
def test_the_next_opening_and_close_jump_over_holidays(
    mic: str, moment: str, opens_at: str, closes_at: str
) -> None:
    assert calendar.next_open(mic, at(moment), "exchange") == at(opens_at)
    assert calendar.next_close(mic, at(moment), "exchange") == at(closes_at)


def test_an_override_wins_in_both_modes_and_facts_only_where_hours_are_real() -> None:
    day, other = date(2026, 11, 26), date(2026, 11, 27)
    opened = SpecialDay(time(10), time(11), note="Open after all")
    ours = Calendar(known_days(), {("XNYS", day): opened, ("BNGI", other): SpecialDay()})
    session = ours.session_on("XNYS", day, "exchange")
    assert session is not None
    assert session.opens_at == at("2026-11-26 15:00")
    session = ours.session_on("XNYS", day, "always")
    assert session is not None
    assert session.opens_at == at("2026-11-26 10:00")
    assert ours.session_on("XNAS", day, "exchange") is None
    session = ours.session_on("XNAS", day, "always")
    assert session is not None
    assert session.closes_at == at("2026-11-27 00:00")
    assert ours.session_on("BNGI", other, "exchange") is None
    assert ours.session_on("BNGI", other, "always") is None


moments = st.integers(0, 17 * 365 * 24 * 60).map(
    lambda minutes: at("2010-01-05 00:00") + timedelta(minutes=minutes)
) | st.sampled_from(
    [
        at("2026-11-27 18:00"),
        at("2026-11-24 02:30"),
        at("2026-03-08 07:00"),
        at("2026-11-01 06:00"),
        at("2026-10-25 01:00"),
    ]
)


@given(mic=st.sampled_from(MICS), moment=moments, mode=st.sampled_from(["always", "exchange"]))
def test_what_the_functions_say_fits_together(mic, moment, mode) -> None:
    session = calendar.session_of(mic, moment, mode)
    before = calendar.session_before(mic, moment, mode)
    after = calendar.session_after(mic, moment, mode)
    assert before.opens_at <= moment < after.opens_at
    assert before.closes_at <= after.opens_at
    assert (session == before) if session else (before.closes_at <= moment)
    assert calendar.next_close(mic, moment, mode) == (session or after).closes_at
    opens = calendar.next_open(mic, moment, mode)
    assert moment < opens <= after.opens_at
    assert calendar.is_open(mic, opens, mode)
    is_resumed = opens.time() == time() and (mic == "BNGI" or mode == "always")
    assert is_resumed or not calendar.is_open(mic, opens - INSTANT, mode)
    assert calendar.is_open(mic, moment, mode) == (calendar.phase(mic, moment, mode) == "open")
    if calendar.phase(mic, moment, mode) in {"pre", "post", "closed"}:
        assert session is None
