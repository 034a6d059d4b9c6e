"""A day's credits last the day: plans, and whole days lived through against a counter."""

from datetime import UTC, datetime, timedelta

import pytest

from instruments.twelvedata import schedule
from instruments.twelvedata.governor import Limits, Priority
from instruments.twelvedata.schedule import IDEAL_S, Wish, due, make_plan, open_seconds
from instruments.twelvedata.tests.days import WEDNESDAY, Desk, live_a_day

FREE = Limits(minute=8, day=800)
MIXED = {
    Priority.ORDER: 4,
    Priority.POSITION: 12,
    Priority.PAGE: 10,
    Priority.WATCHLIST: 14,
    Priority.REST: 20,
}
OPENS_AT = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
CLOSES_AT = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)


def wishes_of(counts, mic="XNAS"):
    return [
        Wish(f"{priority.name}{number}", mic, priority)
        for priority, count in counts.items()
        for number in range(count)
    ]


def plan_at(now, counts=MIXED, day_left=800, minute_limit=8, mic="XNAS"):
    return make_plan(
        wishes_of(counts, mic),
        now=now,
        mode="exchange",
        day_left=day_left,
        day_limit=max(800, day_left),
        minute_limit=minute_limit,
    )


def cost_of(plan, counts, seconds):
    return sum(count * seconds / plan.interval_s[each] for each, count in counts.items())


def test_what_a_plan_costs_is_what_there_is():
    plan = plan_at(OPENS_AT)
    assert plan.is_kept
    assert plan.elapsed == 0
    budget = 800 * 0.92 - 60
    assert 0.9 * budget < cost_of(plan, MIXED, 6.5 * 3600) <= budget


def test_with_a_large_plan_everybody_gets_the_ideal():
    plan = plan_at(OPENS_AT, day_left=1_000_000, minute_limit=600)
    assert plan.interval_s == IDEAL_S


def test_the_minute_stretches_too():
    plan = plan_at(OPENS_AT, day_left=1_000_000, minute_limit=8)
    assert cost_of(plan, MIXED, 60) <= 0.8 * 8
    assert plan.interval_s[Priority.ORDER] < plan.interval_s[Priority.POSITION]


def test_the_less_urgent_the_more_it_is_stretched():
    plan = plan_at(OPENS_AT)
    stretched = [plan.interval_s[each] / IDEAL_S[each] for each in IDEAL_S]
    assert stretched[:3] == sorted(stretched[:3])
    assert plan.interval_s[Priority.WATCHLIST] <= 3600
    assert plan.interval_s[Priority.REST] <= 11_700


def test_fewer_credits_later_in_the_day_stretch_and_none_promise_nothing():
    noon = OPENS_AT + timedelta(hours=3)
    few, many = plan_at(noon, day_left=200), plan_at(noon, day_left=600)
    assert few.interval_s[Priority.POSITION] > many.interval_s[Priority.POSITION]
    assert 0.45 < many.elapsed < 0.47
    assert not plan_at(noon, day_left=0).is_kept
    assert plan_at(CLOSES_AT, day_left=0).elapsed == 1


def test_very_many_symbols_give_up_their_longest_intervals():
    counts = {Priority.POSITION: 10, Priority.WATCHLIST: 300, Priority.REST: 3000}
    plan = plan_at(OPENS_AT, counts)
    assert plan.is_kept
    assert plan.interval_s[Priority.REST] > 11_700
    assert plan.interval_s[Priority.POSITION] < 3600


@pytest.mark.parametrize(
    ("mic", "day", "hours"),
    [
        ("XNAS", "2026-11-25", 6.5),
        ("XNAS", "2026-11-28", 0),  # a Saturday
        ("XTKS", "2026-11-25", 5.5),  # with its lunch break
        ("BNGI", "2026-11-28", 24),
    ],
)
def test_trading_hours_of_a_day_in_utc(mic, day, hours):
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert open_seconds(mic, start, start + timedelta(days=1), "exchange") == hours * 3600


def test_due_is_who_is_urgent_then_who_is_old():
    plan = plan_at(OPENS_AT)
    now = OPENS_AT + timedelta(hours=2)
    old, older = now - timedelta(seconds=11_800), now - timedelta(seconds=11_900)
    wishes = [
        Wish("rest", "XNAS", Priority.REST),
        Wish("rest2", "XNAS", Priority.REST),
        Wish("never", "XNAS", Priority.REST),
        Wish("fresh", "XNAS", Priority.POSITION),
        Wish("position", "XNAS", Priority.POSITION),
        Wish("rest2", "XNAS", Priority.WATCHLIST),
    ]
    polled = {"rest": old, "rest2": older, "fresh": now, "position": old}
    found = due(wishes, polled, plan, now, "exchange")
    assert [wish.token for wish in found] == ["position", "rest2", "never", "rest"]
    assert found[1].priority is Priority.WATCHLIST


def test_who_needs_a_newer_price_than_there_is_is_due_at_once():
    plan, now = plan_at(OPENS_AT), OPENS_AT + timedelta(hours=1)
    ago = timedelta(seconds=2)
    wish = Wish("AAPL", "XNAS", Priority.ORDER, since=now - ago)
    assert due([wish], {"AAPL": now - ago - ago}, plan, now, "exchange") == [wish]
    assert due([wish], {"AAPL": now - ago}, plan, now, "exchange") == []


def test_where_a_market_is_closed_only_the_close_is_asked_for_once():
    plan = plan_at(OPENS_AT)
    wish = Wish("AAPL", "XNAS", Priority.POSITION, since=CLOSES_AT)

    def is_due(polled_at, now):
        return bool(due([wish], {"AAPL": polled_at}, plan, now, "exchange"))

    minute = timedelta(minutes=1)
    assert not is_due(CLOSES_AT - minute, CLOSES_AT + 2 * minute)
    assert is_due(CLOSES_AT - minute, CLOSES_AT + 3 * minute)
    assert not is_due(CLOSES_AT + 3 * minute, CLOSES_AT + 600 * minute)
    assert is_due(CLOSES_AT - 24 * 60 * minute, CLOSES_AT + 600 * minute)


def check_day(report, longest_s=3600):
    assert report.counted.refused == 0
    assert report.broken == []
    assert max(report.counted.minutes.values()) <= 8
    assert 600 <= report.counted.days["25"] <= 800
    assert report.oldest_s[Priority.POSITION] <= report.promised_s[Priority.POSITION] <= longest_s
    assert max(report.waited_s) <= 60


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_a_day_of_800_credits_with_60_symbols(seed, capsys):
    """Never over a limit, no price older than was promised; docs/market-data.md has seed 1."""
    report = live_a_day(WEDNESDAY, Desk(seed, MIXED), limits=FREE)
    check_day(report)
    with capsys.disabled():
        print(
            f"\nday of 800 credits, seed {seed}: {report.counted.days['25']} used, at most", end=""
        )
        print(f" {max(report.counted.minutes.values())} a minute")
        for priority in MIXED:
            oldest, promised = report.oldest_s[priority], report.promised_s[priority]
            print(f"  {priority.name:<10}{report.asked[priority]:>5} asked", end="")
            print(f"  oldest {oldest / 60:5.1f} min  promised {promised / 60:5.1f} min")
        waits = sorted(report.waited_s)
        print(f"  {len(waits)} orders waited at most {waits[-1]:.0f} s for a quote of their own")


@pytest.mark.slow
def test_a_day_with_three_processes_and_two_exchanges():
    desk = Desk(4, MIXED, mics=("XNAS", "XLON"))
    check_day(live_a_day(WEDNESDAY, desk, limits=FREE, governors=3), 5400)


def test_the_counter_of_a_day_bites():
    """A governor that believes in nine a minute is caught by who counts eight."""
    with pytest.raises(AssertionError, match="over a limit"):
        live_a_day(WEDNESDAY, Desk(1, MIXED), limits=Limits(9, 800), theirs=FREE, until_hour=1)


def test_the_promise_of_a_day_bites(monkeypatch):
    """Credits that are spent as they come leave nothing for the afternoon, and that is seen."""
    greedy = dict.fromkeys(schedule.EXPONENT, 0.0)
    monkeypatch.setattr(schedule, "EXPONENT", greedy)
    monkeypatch.setattr(schedule, "_fits", lambda *args: True)
    report = live_a_day(WEDNESDAY, Desk(1, MIXED), limits=FREE, until_hour=20)
    assert report.counted.refused == 0
    assert len(report.broken) > 100
