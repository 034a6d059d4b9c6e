"""Opening hours, read off the exchanges' own clocks: both daylight-saving weekends included."""

from datetime import UTC, date, datetime, timedelta

import pytest

from instruments.calendar import (
    MICS,
    UnknownExchange,
    is_open,
    next_open,
    session_after,
    session_before,
    session_date,
    session_of,
)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


# Friday and Monday around each change of the clocks; times in UTC, worked out by hand.
SESSIONS = """
    XNYS  2026-03-06  14:30  21:00   winter, five hours behind
    XNYS  2026-03-09  13:30  20:00   the Monday after New York sprang forward
    XNYS  2026-10-30  13:30  20:00
    XNYS  2026-11-02  14:30  21:00   the Monday after New York fell back
    XNAS  2026-07-01  13:30  20:00
    ARCX  2026-12-01  14:30  21:00
    XLON  2026-03-27  08:00  16:30
    XLON  2026-03-30  07:00  15:30   London, three weeks after New York
    XLON  2026-10-23  07:00  15:30
    XLON  2026-10-26  08:00  16:30
    XETR  2026-03-27  08:00  16:30
    XETR  2026-03-30  07:00  15:30
    XETR  2026-10-26  08:00  16:30
    XAMS  2026-03-30  07:00  15:30
    XTKS  2026-03-30  00:00  06:30   no daylight saving in Tokyo
    XTKS  2026-11-02  00:00  06:30
    XHKG  2026-03-30  01:30  08:00
    XHKG  2026-11-02  01:30  08:00
"""


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


@pytest.mark.parametrize("row", rows(SESSIONS), ids=lambda row: "-".join(row[:2]))
def test_session_in_utc(row: list[str]) -> None:
    mic, day, opens, closes = row[:4]
    opens_at, closes_at = at(f"{day} {opens}"), at(f"{day} {closes}")
    session = session_of(mic, opens_at, "exchange")
    assert session is not None
    assert (session.opens_at, session.closes_at) == (opens_at, closes_at)
    instant = timedelta(microseconds=1)
    assert not is_open(mic, opens_at - instant, "exchange")
    assert is_open(mic, opens_at, "exchange")
    assert is_open(mic, closes_at - instant, "exchange")
    assert not is_open(mic, closes_at, "exchange")
    assert session_of(mic, closes_at, "exchange") is None


@pytest.mark.parametrize(
    ("mic", "starts", "ends"),
    [
        ("XTKS", "2026-11-02 02:30", "2026-11-02 03:30"),
        ("XHKG", "2026-11-02 04:00", "2026-11-02 05:00"),
    ],
)
def test_lunch_is_in_the_session_but_does_not_trade(mic: str, starts: str, ends: str) -> None:
    starts_at, ends_at = at(starts), at(ends)
    instant = timedelta(microseconds=1)
    assert is_open(mic, starts_at - instant, "exchange")
    assert not is_open(mic, starts_at, "exchange")
    assert not is_open(mic, ends_at - instant, "exchange")
    assert is_open(mic, ends_at, "exchange")
    assert (
        session_of(mic, starts_at, "exchange") == session_of(mic, ends_at, "exchange") is not None
    )
    assert next_open(mic, starts_at, "exchange") == ends_at
    assert next_open(mic, starts_at - timedelta(hours=1), "exchange") == ends_at


@pytest.mark.parametrize(
    ("mic", "moment", "opens_at"),
    [
        ("XNYS", "2026-11-20 21:00", "2026-11-23 14:30"),  # Friday's close to Monday
        ("XNYS", "2026-11-22 12:00", "2026-11-23 14:30"),  # Sunday
        ("XNYS", "2026-11-23 14:29", "2026-11-23 14:30"),
        ("XNYS", "2026-11-23 14:30", "2026-11-24 14:30"),  # strictly after
        ("XNYS", "2026-03-06 22:00", "2026-03-09 13:30"),  # over the change of the clocks
        ("XNYS", "2026-10-31 22:00", "2026-11-02 14:30"),
        ("XLON", "2026-03-28 12:00", "2026-03-30 07:00"),
        ("XTKS", "2026-11-13 06:30", "2026-11-16 00:00"),
        ("XTKS", "2026-11-15 23:59", "2026-11-16 00:00"),  # Monday already in Tokyo
        ("BNGI", "2026-11-21 12:00", "2026-11-22 00:00"),
    ],
)
def test_next_open(mic: str, moment: str, opens_at: str) -> None:
    assert next_open(mic, at(moment), "exchange") == at(opens_at)
    assert session_after(mic, at(opens_at) - timedelta(seconds=1), "exchange").opens_at == at(
        opens_at
    )


@pytest.mark.parametrize(
    ("moment", "opens_at"),
    [
        ("2026-11-23 14:30", "2026-11-23 14:30"),
        ("2026-11-23 14:29", "2026-11-20 14:30"),
        ("2026-11-22 03:00", "2026-11-20 14:30"),
        ("2026-11-24 02:00", "2026-11-23 14:30"),
    ],
)
def test_session_before(moment: str, opens_at: str) -> None:
    assert session_before("XNYS", at(moment), "exchange").opens_at == at(opens_at)


@pytest.mark.parametrize("mic", MICS)
def test_always_means_every_minute_and_the_utc_day(mic: str) -> None:
    saturday = at("2026-11-21 23:59")
    assert is_open(mic, saturday, "always")
    session = session_of(mic, saturday, "always")
    assert session is not None
    assert session.opens_at == at("2026-11-21 00:00")
    assert session.closes_at == at("2026-11-22 00:00")
    assert session_date(mic, saturday, "always") == date(2026, 11, 21)
    assert next_open(mic, saturday, "always") == at("2026-11-22 00:00")


def test_the_class_venue_never_closes() -> None:
    assert is_open("BNGI", at("2026-11-21 03:00"), "exchange")


@pytest.mark.parametrize(
    ("mic", "moment", "day"),
    [
        ("XNYS", "2013-10-08 00:00", date(2013, 10, 7)),  # 20:00 in New York
        ("XTKS", "2026-11-22 23:00", date(2026, 11, 23)),
        ("XLON", "2026-07-01 23:30", date(2026, 7, 2)),
        ("BNGI", "2026-07-01 23:30", date(2026, 7, 1)),
    ],
)
def test_session_date_is_the_exchanges_day(mic: str, moment: str, day: date) -> None:
    assert session_date(mic, at(moment)) == day


def test_an_unknown_exchange_is_named() -> None:
    with pytest.raises(UnknownExchange, match="XXXX is not one of XNYS"):
        is_open("XXXX", at("2026-11-23 14:30"), "exchange")


def test_a_year_of_new_york_has_the_hours_of_its_trading_days() -> None:
    """Every half hour of 2026: 251 trading days, two of which end three hours early."""
    moment, open_halves = at("2026-01-01 05:00"), 0
    while moment < at("2027-01-01 05:00"):
        open_halves += is_open("XNYS", moment, "exchange")
        moment += timedelta(minutes=30)
    assert open_halves == 251 * 13 - 2 * 6
