"""GET /api/v1/markets: what each exchange does now, and when that changes."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.tests.factories import UserFactory
from bengi import clock
from instruments.calendar import MICS

pytestmark = pytest.mark.django_db

URL = "/api/v1/markets"


@pytest.fixture
def client(settings):
    settings.MARKET_HOURS = "exchange"
    client = Client()
    client.force_login(UserFactory())
    yield client
    clock.reset()


def markets_at(client: Client, *moment: int) -> dict[str, dict]:
    clock.use(lambda: datetime(*moment, tzinfo=UTC))
    body = client.get(URL).json()
    assert body["next"] is None
    assert [each["mic"] for each in body["results"]] == list(MICS)
    return {each["mic"]: each for each in body["results"]}


def test_a_short_day_in_new_york(client) -> None:
    assert markets_at(client, 2026, 11, 27, 15, 0)["XNYS"] == {
        "mic": "XNYS",
        "name": "New York Stock Exchange",
        "time_zone": "America/New_York",
        "status": "open",
        "next_open": "2026-11-30T14:30:00.000000Z",
        "next_close": "2026-11-27T18:00:00.000000Z",
        "date": "2026-11-27",
        "session": {
            "opens_at": "2026-11-27T14:30:00.000000Z",
            "closes_at": "2026-11-27T18:00:00.000000Z",
            "break_starts_at": None,
            "break_ends_at": None,
        },
        "extended_hours": {
            "opens_at": "2026-11-27T09:00:00.000000Z",
            "closes_at": "2026-11-27T22:00:00.000000Z",
        },
        "note": "Black Friday",
    }


def test_a_holiday_in_new_york_and_lunch_in_tokyo(client) -> None:
    found = markets_at(client, 2026, 11, 26, 3, 0)
    assert found["XTKS"]["status"] == "break"
    assert found["XTKS"]["next_open"] == "2026-11-26T03:30:00.000000Z"
    assert found["XTKS"]["session"]["break_starts_at"] == "2026-11-26T02:30:00.000000Z"
    assert found["XNYS"]["date"] == "2026-11-25", "still Wednesday there"
    found = markets_at(client, 2026, 11, 26, 15, 0)
    assert found["XNAS"]["status"] == "closed"
    assert found["XNAS"]["session"] is None
    assert found["XNAS"]["note"] == "Thanksgiving"
    assert found["XLON"]["status"] == "open"
    assert found["BNGI"]["status"] == "open"
    assert found["BNGI"]["time_zone"] == "UTC"


# Moments in UTC, and what New York does then. Where its clocks change, four o'clock moves in UTC.
EXTENDED = [
    ((2026, 11, 25, 8, 59), "closed"),
    ((2026, 11, 25, 9, 0), "pre"),
    ((2026, 11, 25, 14, 29), "pre"),
    ((2026, 11, 25, 14, 30), "open"),
    ((2026, 11, 25, 21, 0), "post"),
    ((2026, 11, 26, 0, 59), "post"),
    ((2026, 11, 26, 1, 0), "closed"),
    ((2026, 11, 26, 12, 0), "closed"),  # Thanksgiving
    ((2026, 11, 27, 9, 0), "pre"),
    ((2026, 11, 27, 17, 59), "open"),
    ((2026, 11, 27, 18, 0), "post"),  # the early close at 13:00
    ((2026, 11, 27, 21, 59), "post"),
    ((2026, 11, 27, 22, 0), "closed"),
    ((2026, 7, 3, 12, 0), "closed"),  # a holiday
    ((2026, 7, 2, 23, 59), "post"),
    ((2026, 7, 3, 0, 0), "closed"),
    ((2026, 3, 6, 9, 0), "pre"),  # Friday before the clocks go forward
    ((2026, 3, 9, 7, 59), "closed"),
    ((2026, 3, 9, 8, 0), "pre"),  # Monday after it
    ((2026, 3, 9, 23, 59), "post"),
    ((2026, 3, 10, 0, 0), "closed"),
    ((2026, 10, 30, 8, 0), "pre"),  # Friday before they go back
    ((2026, 11, 2, 8, 59), "closed"),
    ((2026, 11, 2, 9, 0), "pre"),
]


@pytest.mark.parametrize(("moment", "status"), EXTENDED, ids=str)
def test_extended_hours_of_new_york(client, moment: tuple[int, ...], status: str) -> None:
    found = markets_at(client, *moment)
    assert {found[mic]["status"] for mic in ("XNYS", "XNAS", "ARCX")} == {status}
    assert found["XLON"]["extended_hours"] is None
    assert found["BNGI"]["status"] == "open"


def test_a_day_without_a_session_has_no_extended_hours(client) -> None:
    holiday = markets_at(client, 2026, 7, 3, 15, 0)["XNYS"]
    assert (holiday["session"], holiday["extended_hours"]) == (None, None)
    assert holiday["next_open"] == "2026-07-06T13:30:00.000000Z"


def test_coins_trade_round_the_clock_by_the_utc_day(client) -> None:
    market = markets_at(client, 2026, 11, 28, 3, 0)["BNGI"]
    assert market["status"] == "open"
    assert market["time_zone"] == "UTC"
    assert market["session"]["opens_at"] == "2026-11-28T00:00:00.000000Z"
    assert market["next_close"] == market["next_open"] == "2026-11-29T00:00:00.000000Z"
    assert market["extended_hours"] is None


def test_the_simulated_market_never_closes(client, settings) -> None:
    settings.MARKET_HOURS = "always"
    for market in markets_at(client, 2026, 12, 25, 3, 0).values():
        assert market["status"] == "open"
        assert market["next_close"] == "2026-12-26T00:00:00.000000Z"
        assert market["note"] == ""


def test_who_may_ask_and_what_it_costs(client, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):  # session, user
        client.get(URL + "/")
    assert client.get(URL, {"mic": "XNYS"}).status_code == 400
    assert Client().get(URL).status_code in {401, 403}
