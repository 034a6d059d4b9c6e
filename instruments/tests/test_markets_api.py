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


@pytest.mark.parametrize(
    ("hour", "status"), [(8, "closed"), (9, "pre"), (15, "open"), (22, "post")]
)
def test_extended_hours(client, hour: int, status: str) -> None:
    assert markets_at(client, 2026, 11, 25, hour, 0)["ARCX"]["status"] == status


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
