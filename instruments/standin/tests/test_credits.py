"""Credits to the unit: what a request costs, which limit refuses it, when they come back."""

from datetime import UTC, datetime

import msgspec
import pytest

from instruments.standin.credits import PLANS, Meter
from instruments.standin.refusals import Refused

NOON = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)
MINUTE = (
    "You have run out of API credits for the current minute. {} API credits were used, with the "
    "current limit being {}. Wait for the next minute or consider switching to a higher tier plan "
    "at https://twelvedata.com/pricing"
)
DAY = (
    "You have run out of API credits for the day. {} API credits were used, with the current limit "
    "being {}. Wait for the next day or consider switching to a higher tier plan at "
    "https://twelvedata.com/pricing"
)
GROW = (
    "This symbol is available starting with the Grow or Venture plan. Consider upgrading now at "
    "https://twelvedata.com/pricing"
)


def spent(standin):
    return standin.state()["credits"]["k"]


TABLE = """
25 12:00:30 | 5 | fits
25 12:00:40 | 3 | fits
25 12:00:59 | 1 | minute 9 8
25 12:01:00 | 9 | minute 9 8
25 12:01:00 | 8 | fits
25 12:01:59 | 2 | minute 10 8
25 12:02:00 | 4 | fits
25 12:02:01 | 1 | day 21 20
25 12:03:00 | 8 | day 28 20
25 23:59:59 | 1 | day 21 20
26 00:00:00 | 8 | fits
26 00:00:59 | 1 | minute 9 8
26 00:01:00 | 8 | fits
26 00:02:00 | 5 | day 21 20
26 00:02:00 | 4 | fits
"""
"""When, what it costs, and what comes of it on a plan of 8 a minute and 20 a day."""


def compare_with_table(meter_class):
    """Assert that a meter lets through what fits, and words and figures of what does not."""
    meter = meter_class(msgspec.structs.replace(PLANS["free"], credits_per_day=20))
    minutes = {}
    for line in TABLE.strip().splitlines():
        when, cost, expected = (cell.strip() for cell in line.split("|"))
        at = datetime.strptime(f"2026-11-{when}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        minute, told = when[:-3], _answer(meter, int(cost), at)
        kind, *figures = expected.split()
        assert told == {"fits": "", "minute": MINUTE, "day": DAY}[kind].format(*figures), line
        if kind == "fits":
            meter.charge(int(cost), at)
            minutes[minute] = minutes.get(minute, 0) + int(cost)
        used = minutes.get(minute, 0)
        headers = {"api-credits-used": str(used), "api-credits-left": str(8 - used)}
        assert meter.headers(at) == headers


def _answer(meter, cost, at):
    """Return why a request is refused; nothing where it is not."""
    try:
        meter.check(cost, at)
    except Refused as refused:
        return refused.message if refused.code == 429 else refused.code
    return ""


def test_the_meter_counts_minutes_and_days_of_the_clock():
    compare_with_table(Meter)


def test_the_day_is_told_before_the_minute():
    meter = Meter(PLANS["free"])
    meter.charge(800, NOON)
    with pytest.raises(Refused) as refused:
        meter.check(516, NOON)
    assert refused.value.message == DAY.format(1316, 800)
    with pytest.raises(Refused, match="for the day"):
        meter.check(1, NOON.replace(hour=23, minute=59))
    meter.check(8, NOON.replace(day=26, hour=0, minute=0))


def test_every_symbol_of_a_batch_costs_one(start_standin):
    standin = start_standin("free")
    answer = standin.get("/quote", symbol="AAPL,MSFT,IBM")
    assert (answer.headers["api-credits-used"], answer.headers["api-credits-left"]) == ("3", "5")
    assert answer.headers["is_batch"] == "true"
    assert "is_batch" not in standin.get("/quote", symbol="AAPL").headers
    assert spent(standin) == {"minute": 4, "day": 4}


def test_a_batch_that_does_not_fit_is_refused_whole_and_costs_nothing(start_standin):
    standin = start_standin("free")
    standin.get("/price", symbol="AAPL,MSFT,IBM")
    answer = standin.get("/price", symbol="AAPL,MSFT,IBM,SPY,BTC/USD,EUR/USD")
    assert answer.status_code == 429
    assert answer.json() == {"code": 429, "message": MINUTE.format(9, 8), "status": "error"}
    assert answer.headers["api-credits-left"] == "5"
    assert standin.get("/price", symbol="AAPL,MSFT,IBM,SPY,BTC/USD").status_code == 200
    assert spent(standin) == {"minute": 8, "day": 8}
    assert standin.get("/stocks").status_code == 429
    standin.clock.forward(60)
    assert standin.get("/stocks").status_code == 200
    assert spent(standin) == {"minute": 1, "day": 9}


def test_errors_cost_nothing(start_standin):
    standin = start_standin("free")
    for path, params in [
        ("/price", {"symbol": "NOPE"}),
        ("/price", {}),
        ("/time_series", {"symbol": "AAPL", "interval": "7min"}),
        ("/time_series", {"symbol": "AAPL", "interval": "1day", "date": "1999-01-01"}),
        ("/earliest_timestamp", {"symbol": "NOPE", "interval": "1day"}),
        ("/nowhere", {}),
        ("/dividends", {"symbol": "AAPL"}),
    ]:
        assert standin.get(path, **params).json()["status"] == "error", path
    assert spent(standin) == {"minute": 0, "day": 0}
    standin.get("/price", symbol="AAPL,NOPE")
    assert spent(standin) == {"minute": 1, "day": 1}


@pytest.mark.parametrize(
    "path",
    ["/stocks", "/etfs", "/exchanges", "/market_state", "/technical_indicators", "/api_usage"],
)
def test_what_lists_costs_one_a_request(standin, path):
    assert standin.get(path).headers["api-credits-used"] == "1"


def test_a_day_ends_after_800_credits_and_comes_back_at_midnight(start_standin):
    standin = start_standin("free")
    standin.clock.forward(-14 * 3600)
    for _ in range(100):
        assert standin.get("/price", symbol="AAPL,MSFT,IBM,SPY,BTC/USD,EUR/USD,USD/JPY").ok
        assert standin.get("/stocks").ok
        standin.clock.forward(60)
    refused = standin.get("/price", symbol="AAPL")
    assert (refused.status_code, refused.json()["message"]) == (429, DAY.format(801, 800))
    assert refused.headers["api-credits-left"] == "8"
    usage = standin.service.requests
    assert sum(asked.cost for asked in usage) == 800
    standin.clock.at = standin.clock.at.replace(hour=23, minute=59, second=59)
    assert standin.get("/price", symbol="AAPL").status_code == 429
    standin.clock.forward(1)
    assert standin.get("/price", symbol="AAPL").ok


def test_a_limit_comes_with_http_200_where_that_is_asked_for(start_standin):
    standin = start_standin("free")
    standin.fault("as_200")
    standin.get("/price", symbol="AAPL,MSFT,IBM,SPY,BTC/USD,EUR/USD,USD/JPY")
    answer = standin.get("/price", symbol="AAPL,MSFT")
    assert (answer.status_code, answer.json()["code"]) == (200, 429)


def test_parts_of_a_posted_batch_are_answered_as_far_as_credits_reach(start_standin):
    import requests

    standin = start_standin("free")
    parts = {
        "one": {"url": "/price?symbol=AAPL,MSFT,IBM,SPY,BTC/USD,EUR/USD"},
        "two": {"url": "/time_series?symbol=AAPL,MSFT,IBM&interval=1day"},
        "three": {"url": "/price?symbol=AAPL,MSFT"},
    }
    answer = requests.post(f"{standin.url}/batch?apikey=k", json=parts, timeout=20).json()
    assert (answer["code"], answer["status"]) == (200, "success")
    told = {name: part["status"] for name, part in answer["data"].items()}
    assert told == {"one": "success", "two": "error", "three": "success"}
    assert answer["data"]["two"]["response"]["message"] == MINUTE.format(9, 8)
    assert spent(standin) == {"minute": 8, "day": 8}
    assert requests.post(f"{standin.url}/batch?apikey=k", json=[1], timeout=20).status_code == 400


def test_each_key_has_credits_of_its_own(start_standin):
    standin = start_standin("free", keys=("one", "two"))
    assert standin.get("/stocks", key="one").headers["api-credits-used"] == "1"
    assert standin.get("/stocks", key="two").headers["api-credits-used"] == "1"
    assert standin.get("/stocks", key="three").json()["code"] == 401
    assert standin.get("/stocks", key="", apikey="one").headers["api-credits-used"] == "2"
    assert standin.get("/stocks", key="").status_code == 401


def test_usage_tells_of_the_day_where_the_plan_has_a_limit_a_day(start_standin):
    standin = start_standin("free")
    standin.get("/price", symbol="AAPL,MSFT")
    assert standin.get("/api_usage").json() == {
        "timestamp": "2026-11-25 15:00:00",
        "current_usage": 3,
        "plan_limit": 8,
        "daily_usage": 3,
        "plan_daily_limit": 800,
        "plan_category": "basic",
    }


def test_at_most_120_symbols_fit_into_a_request(start_standin):
    plan = msgspec.structs.replace(PLANS["pro"], credits_per_minute=10_000)
    standin = start_standin(plan)
    names = [f"N{number}" for number in range(120)]
    assert len(standin.get("/price", symbol=",".join(names)).json()) == 120
    answer = standin.get("/price", symbol=",".join([*names, "AAPL"]))
    assert (answer.status_code, answer.json()["code"]) == (414, 414)


def test_markets_belong_to_plans(start_standin):
    free, grow = start_standin("free"), start_standin("grow")
    refused = free.get("/price", symbol="SHEL")
    assert (refused.status_code, refused.json()["message"]) == (
        404,
        GROW,
    )
    assert grow.get("/price", symbol="SHEL:LSE").json() == {"price": "2588.00000"}
    assert free.get("/dividends").json()["message"] == (
        "/dividends is available exclusively with grow or pro or ultra or venture or enterprise "
        "plans. Consider upgrading your API Key now at https://twelvedata.com/pricing"
    )
    assert free.get("/price", symbol="AAPL", prepost="true").status_code == 403
    assert grow.get("/dividends").status_code == 404
