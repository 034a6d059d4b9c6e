"""The simulated market: the same seed gives the same market, and it looks like one."""

import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import mean, pstdev
from typing import Any

import pytest

from instruments.calendar import EXTENDED, is_open, phase
from instruments.catalog import listings
from instruments.providers.past import past_bars
from instruments.providers.simulated import SimulatedInstrument, round_lot
from instruments.providers.simulator import Simulator
from instruments.providers.walk import Walk, busyness, noise
from instruments.quotes import Tick, check_tick

D = Decimal
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # New York, London and Frankfurt are open
SECOND = timedelta(seconds=1)


def simulated(symbol: str = "ACME", **fields: Any) -> SimulatedInstrument:
    values = {
        "instrument_id": f"id-{symbol}",
        "shard": 0,
        "mic": "XNYS",
        "tick_size": D("0.01"),
        "quantity_step": D(1),
        "starting_price": D("100.00"),
        "volatility": "normal",
    }
    return SimulatedInstrument(symbol=symbol, **{**values, **fields})


def catalog() -> list[SimulatedInstrument]:
    return [
        simulated(
            each.symbol,
            mic=each.mic,
            tick_size=each.tick_size,
            quantity_step=each.exchange_step or each.quantity_step,
            starting_price=each.starting_price,
            volatility=each.volatility,
        )
        for each in listings()
        if each.has_feed
    ]


def market(*instruments: SimulatedInstrument, **options: Any) -> Simulator:
    chosen = instruments or (simulated(), simulated("BOLT", tick_size=D(1), mic="XTKS"))
    return Simulator(chosen, **{"seed": 7, "mode": "always", **options})


def run(simulator: Simulator, start: datetime, seconds: int, every_s: int = 1) -> list[Tick]:
    simulator.start(start)
    found = []
    for second in range(0, seconds + 1, every_s):
        found += simulator.ticks(start + second * SECOND)
    return found


def digest() -> str:
    """Return a fingerprint of a stretch of a small market, its past included."""
    simulator = market(*catalog()[::12], seed=42)
    bars = simulator.start(MONDAY)
    ticks = [tick for n in range(60) for tick in simulator.ticks(MONDAY + n * SECOND)]
    return hashlib.sha256(repr((bars, ticks)).encode()).hexdigest()


def test_the_same_seed_is_the_same_market_in_any_process() -> None:
    code = "from instruments.tests.test_simulator import digest; print(digest())"
    others = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert others == {digest()}


def test_how_often_one_asks_does_not_matter() -> None:
    often, seldom = run(market(), MONDAY, 60), run(market(), MONDAY, 60, every_s=20)
    assert often == seldom
    assert len(often) > 40


def test_another_seed_is_another_market_and_instruments_do_not_mix() -> None:
    assert run(market(), MONDAY, 30) != run(market(seed=8), MONDAY, 30)
    alone = run(market(simulated()), MONDAY, 30)
    among = [tick for tick in run(market(), MONDAY, 30) if tick.symbol == "ACME"]
    assert alone == among


def test_the_walk_depends_on_the_step_number_only() -> None:
    one, many = Walk("s", 10**10, "normal"), Walk("s", 10**10, "normal")
    one.advance(500)
    for _ in range(100):
        many.advance(5)
    assert (one.level, one.steps) == (many.level, many.steps)
    assert one.level != 10**10


def test_the_noise_is_even_handed() -> None:
    """Every sum of three dice has its mirror image, so no drift creeps in."""

    class Bits:
        def __init__(self, value: int) -> None:
            self.value = value

        def getrandbits(self, _: int) -> int:
            return self.value

    draws = [noise(Bits(n * 65_537 % 2**24)) for n in range(0, 2**24, 1021)]
    mirrored = [noise(Bits(2**24 - 1 - n * 65_537 % 2**24)) for n in range(0, 2**24, 1021)]
    assert [a + b for a, b in zip(draws, mirrored, strict=True)] == [0] * len(draws)
    assert 250 < pstdev(draws) < 262


def test_every_tick_is_sane_on_the_tick_and_in_lots() -> None:
    instruments = {each.symbol: each for each in catalog()}
    ticks = run(market(*instruments.values()), MONDAY, 60)
    for tick in ticks:
        assert check_tick(tick) == []
        each = instruments[tick.symbol]
        prices = (tick.bid, tick.ask, tick.last, tick.day_open, tick.day_high, tick.day_low)
        assert all(price % each.tick_size == 0 for price in prices)
        assert tick.ask - tick.bid >= each.tick_size
        assert (tick.ask - tick.bid) * 100 <= tick.ask  # under 1 %
        assert tick.bid_size % round_lot(each) == 0 < tick.bid_size
        assert tick.ask_size % each.quantity_step == 0 < tick.ask_size
        if tick.is_new_print:
            assert tick.bid <= tick.last <= tick.ask
    assert {tick.symbol for tick in ticks} == set(instruments)


def test_forty_symbols_make_about_twenty_ticks_a_second_not_in_step() -> None:
    ticks = run(market(*catalog()), MONDAY + 9 * 3600 * SECOND, 120)
    assert 15 <= len(ticks) / 120 <= 25
    assert max(Counter(tick.as_of for tick in ticks[42:]).values()) <= 3
    gaps = defaultdict(list)
    newest: dict[str, datetime] = {}
    for tick in ticks:
        gaps[tick.symbol].append(tick.as_of - newest.get(tick.symbol, tick.as_of))
        newest[tick.symbol] = tick.as_of
    assert all(max(each) <= timedelta(seconds=3) for each in gaps.values())
    assert [tick.as_of for tick in ticks] == sorted(tick.as_of for tick in ticks)


def test_speed_makes_the_market_busier() -> None:
    slow, fast = run(market(), MONDAY, 120), run(market(speed=10), MONDAY, 120)
    assert 8 <= len(fast) / len(slow) <= 12
    with pytest.raises(ValueError, match="speed"):
        market(speed=0)


def test_the_days_figures_are_those_of_its_prints() -> None:
    ticks = [tick for tick in run(market(simulated()), MONDAY, 600) if tick.is_new_print]
    first = ticks[0]
    low, high, volume = first.day_low, first.day_high, first.volume
    for tick in ticks[1:]:
        low, high, volume = min(low, tick.last), max(high, tick.last), volume + tick.last_size
        assert (tick.day_low, tick.day_high, tick.volume) == (low, high, volume)
        assert tick.day_open == first.day_open


def test_open_and_close_are_busier_and_wilder_than_noon() -> None:
    opens_at = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    volumes, moves = defaultdict(list), defaultdict(list)
    for seed in range(8):
        ticks = run(market(simulated(), mode="exchange", seed=seed), opens_at, 6 * 3600 + 1700, 60)
        prints = [tick for tick in ticks[1:] if tick.is_new_print]
        for part, begin in (("open", 0), ("noon", 180), ("close", 360)):
            since = opens_at + timedelta(minutes=begin)
            inside = [t for t in prints if since <= t.as_of < since + timedelta(minutes=25)]
            volumes[part].append(inside[-1].volume - inside[0].volume)
            steps = [b.last - a.last for a, b in zip(inside, inside[20::20], strict=False)]
            moves[part] += steps
    for part in ("open", "close"):
        assert mean(volumes[part]) > 2 * mean(volumes["noon"])
        assert pstdev(moves[part]) > D("1.2") * pstdev(moves["noon"])


def test_on_exchange_hours_nobody_quotes_a_closed_market() -> None:
    before_close = datetime(2026, 11, 20, 16, 29, tzinfo=UTC)  # Friday
    frankfurt = simulated(mic="XETR")
    simulator = market(frankfurt, simulated("COIN", mic="BNGI"), mode="exchange")
    ticks = run(simulator, before_close, 300)
    stock = [tick for tick in ticks if tick.symbol == "ACME"]
    assert max(tick.as_of for tick in stock) < datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    assert max(tick.as_of for tick in ticks) > before_close + 297 * SECOND
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert not [t for t in simulator.ticks(monday - SECOND) if t.symbol == "ACME"]
    opening = [t for n in range(8) for t in simulator.ticks(monday + n * SECOND)]
    first = next(tick for tick in opening if tick.symbol == "ACME")
    assert monday <= first.as_of <= monday + 3 * SECOND
    assert first.previous_close == stock[-1].last
    assert first.volume == first.last_size
    assert first.session_date == monday.date()


@pytest.mark.parametrize(
    ("start", "ends"),
    [
        ("2026-11-24 08:59", "2026-11-24 09:09"),  # 04:00 in New York
        ("2026-11-24 20:59", "2026-11-25 01:01"),  # 16:00, to 20:00
        ("2026-11-27 17:59", "2026-11-27 22:01"),  # the short day: 13:00, to 17:00
    ],
)
def test_in_extended_hours_it_quotes_wide_and_prints_nothing(start: str, ends: str) -> None:
    """Young enough for orders, the session's figures as they were; nothing in the night."""
    begins_at, ends_at = (datetime.fromisoformat(text + "+00:00") for text in (start, ends))
    simulator = market(simulated(), mode="exchange")
    seconds = int((ends_at - begins_at).total_seconds())
    ticks = run(simulator, begins_at, seconds)[1:]
    outside = [tick for tick in ticks if phase("XNYS", tick.as_of, "exchange") in EXTENDED]
    assert len(outside) > seconds / 10
    assert not [tick for tick in ticks if phase("XNYS", tick.as_of, "exchange") == "closed"]
    for before, tick in pairwise(outside):
        assert tick.as_of - before.as_of <= timedelta(seconds=9)
        assert (tick.is_new_quote, tick.is_new_print, tick.last_size) == (True, False, 0)
        assert (tick.volume, tick.day_high) == (before.volume, before.day_high)
        assert check_tick(tick) == []
        assert tick.session_date == begins_at.date()
    inside = [tick for tick in run(market(simulated()), MONDAY, 60) if tick.is_new_print]
    assert mean(t.ask - t.bid for t in outside) > D("1.5") * mean(t.ask - t.bid for t in inside)


def test_a_new_day_begins_with_its_pre_market() -> None:
    simulator = market(simulated(), mode="exchange")
    last = run(simulator, datetime(2026, 11, 24, 20, 59, tzinfo=UTC), 3600)[-1]
    at_four = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    first = next(t for n in range(20) for t in simulator.ticks(at_four + n * SECOND))
    assert (first.session_date, first.previous_close) == (at_four.date(), last.last)
    assert (first.volume, first.day_open) == (0, None)
    assert abs(first.bid - last.bid) > D("0.02"), "a night has passed"


def test_started_on_a_closed_market_it_shows_the_close() -> None:
    saturday = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    simulator = market(simulated(), mode="exchange")
    simulator.start(saturday)
    (tick,) = simulator.ticks(saturday + 60 * SECOND)
    assert tick.as_of == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    assert tick.last == 100
    assert (tick.is_new_quote, tick.is_new_print) == (True, False)


def test_lunch_in_tokyo_is_quiet() -> None:
    simulator = market(simulated(mic="XTKS"), mode="exchange")
    ticks = run(simulator, datetime(2026, 11, 24, 2, 25, tzinfo=UTC), 70 * 60, 10)
    assert all(is_open("XTKS", tick.as_of, "exchange") for tick in ticks)
    assert {tick.as_of.hour for tick in ticks} == {2, 3}


def test_a_sleeping_machine_skips_ticks_instead_of_making_up_for_them() -> None:
    simulator = market(simulated())
    run(simulator, MONDAY, 10)
    later = MONDAY + timedelta(hours=8)
    assert len(simulator.ticks(later)) <= 1
    assert len(simulator.ticks(later + 30 * SECOND)) in range(10, 30)


@pytest.mark.parametrize("away", [timedelta(seconds=3), timedelta(days=3)])
def test_after_a_restart_prices_go_on_where_they_were(away: timedelta) -> None:
    before = run(market(simulated()), MONDAY, 120)[-1]
    resumed = market(simulated(), newest={before.instrument_id: before})
    assert resumed.start(before.as_of + away) == []  # the past is there already
    ticks = [t for n in range(20) for t in resumed.ticks(before.as_of + away + n * SECOND)]
    assert abs(ticks[0].bid - before.bid) <= D("0.20")
    if away < timedelta(days=1):
        assert ticks[0].previous_close == before.previous_close
        assert ticks[0].volume >= before.volume
    else:
        assert ticks[0].previous_close == before.last
        assert ticks[0].volume == ticks[0].last_size


def test_a_restart_does_not_repeat_the_walk() -> None:
    first = run(market(simulated()), MONDAY, 60)
    resumed = market(simulated(), newest={first[0].instrument_id: first[-1]})
    again = run(resumed, MONDAY + 60 * SECOND, 60)
    steps = [[b.bid - a.bid for a, b in pairwise(t)][:15] for t in (first, again)]
    assert steps[0] != steps[1]


@pytest.mark.parametrize("mode", ["always", "exchange"])
@pytest.mark.parametrize("mic", ["XNYS", "XTKS", "XLON"])
def test_the_past_ends_where_the_present_begins(mode: Any, mic: str) -> None:
    until = datetime(2026, 11, 24, 5, 17, 42, tzinfo=UTC)
    simulator = market(simulated(mic=mic), mode=mode)
    bars = simulator.start(until)
    by_interval = defaultdict(list)
    for bar in bars:
        by_interval[bar.interval].append(bar)
    opening = simulator.ticks(until)[0]
    for interval, found in by_interval.items():
        assert found[-1].close == opening.last == 100
        assert found == sorted(found, key=lambda bar: bar.starts_at)
        assert len({bar.starts_at for bar in found}) == len(found) >= 200, interval
    today, yesterday = by_interval["1day"][-1], by_interval["1day"][-2]
    figures = opening.day_open, opening.day_high, opening.day_low, opening.volume
    assert figures == (today.open, today.high, today.low, today.volume)
    assert opening.previous_close == yesterday.close


@pytest.mark.parametrize("mode", ["always", "exchange"])
def test_past_bars_are_sound_and_intervals_tell_one_story(mode: Any) -> None:
    until = datetime(2026, 11, 24, 18, 17, 42, tzinfo=UTC)
    bars = past_bars(simulated(), 3, mode, until)
    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
    widths = {"1min": 1, "5min": 5, "15min": 15, "1h": 60}
    for bar in bars:
        minutes = widths.get(bar.interval)
        if minutes:
            assert bar.starts_at.timestamp() % (minutes * 60) == 0
    fine = [bar for bar in bars if bar.interval == "1min"]
    for interval, minutes in list(widths.items())[1:]:
        for wide in (bar for bar in bars if bar.interval == interval):
            end = wide.starts_at + timedelta(minutes=minutes)
            if wide.starts_at >= fine[0].starts_at + timedelta(hours=1):
                inside = [bar for bar in fine if wide.starts_at <= bar.starts_at < end]
                assert (wide.open, wide.close) == (inside[0].open, inside[-1].close)
                assert wide.high == max(bar.high for bar in inside)
                assert wide.low == min(bar.low for bar in inside)
                assert wide.volume == sum(bar.volume for bar in inside)


def test_nights_leave_gaps_and_a_market_without_nights_has_none() -> None:
    until = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    for mode, gaps_expected in (("exchange", True), ("always", False)):
        daily = [b for b in past_bars(simulated(), 3, mode, until) if b.interval == "1day"]
        gaps = [abs(later.open - sooner.close) / sooner.close for sooner, later in pairwise(daily)]
        assert (sum(gaps) > 0) == gaps_expected
        assert max(gaps) < D("0.03")


def test_past_minutes_lie_in_trading_hours() -> None:
    until = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
    fine = [b for b in past_bars(simulated(), 3, "exchange", until) if b.interval == "1min"]
    assert all(is_open("XNYS", bar.starts_at, "exchange") for bar in fine)
    assert fine[-1].starts_at == until - timedelta(minutes=1)
    assert fine[0].starts_at.date() < until.date()


def test_a_tick_takes_more_steps_at_the_edges_of_the_session() -> None:
    from instruments.calendar import session_of

    session = session_of("XNYS", MONDAY, "exchange")
    assert session is not None
    minutes = range(0, 390, 15)
    shape = [busyness(session, session.opens_at + timedelta(minutes=n)) for n in minutes]
    assert (shape[0], min(shape), shape[13]) == (6, 2, 2)
    assert shape[:13] == sorted(shape[:13], reverse=True)
    assert shape[13:] == sorted(shape[13:])
