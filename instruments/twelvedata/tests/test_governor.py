"""Credits against a plain model that keeps every grant, and the corrections one by one."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from instruments.twelvedata.errors import DayExhausted, MinuteExhausted
from instruments.twelvedata.governor import Credits, Governor, Limits, Priority
from instruments.twelvedata.ledgers import MemoryLedger, RedisLedger, ledger_name, read_file

FREE = Limits(minute=8, day=800)
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EVERY = list(Priority)


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def make(limits=FREE):
    return Governor(MemoryLedger(), limits)


def test_a_minute_has_eight_and_the_next_has_eight_again():
    governor = make()
    assert governor.take(5, Priority.ORDER, after(0)) == 5
    assert governor.take(5, Priority.ORDER, after(59)) == 3
    assert governor.take(1, Priority.ORDER, after(59.9)) == 0
    assert governor.take(9, Priority.ORDER, after(60)) == 8
    assert governor.standing(after(60)).day_left == 784


def test_all_or_nothing_where_a_part_is_of_no_use():
    governor = make()
    governor.take(6, Priority.ORDER, NOON)
    assert governor.take(3, Priority.ORDER, NOON, least=3) == 0
    assert governor.take(2, Priority.ORDER, NOON, least=2) == 2


def test_a_day_has_eight_hundred_and_the_next_begins_at_midnight_utc():
    governor = make()
    taken = sum(governor.take(8, Priority.ORDER, after(60 * n)) for n in range(200))
    assert taken == 800
    assert governor.take(1, Priority.ORDER, after(12 * 3600 - 1)) == 0
    assert governor.take(8, Priority.ORDER, after(12 * 3600)) == 8


def test_who_is_not_urgent_leaves_a_part_of_the_minute():
    assert [make().take(8, each, NOON) for each in EVERY] == [8, 8, 7, 6, 6, 4]


@pytest.mark.parametrize(
    ("elapsed", "most"), [(0, 64), (0.25, 264), (0.5, 464), (0.92, 800), (1, 800)]
)
def test_who_is_not_urgent_does_not_run_ahead_of_the_day(elapsed, most):
    start = datetime(2026, 11, 25, tzinfo=UTC)
    governor = make()
    minutes = [start + timedelta(minutes=n) for n in range(400)]
    assert sum(governor.take(8, Priority.REST, at, elapsed=elapsed) for at in minutes) == most
    later = minutes[-1] + timedelta(minutes=1)
    assert governor.take(8, Priority.POSITION, later, elapsed=elapsed) == min(8, 800 - most)


def test_headers_count_what_others_have_used():
    governor = make()
    governor.take(2, Priority.ORDER, NOON)
    governor.hear(6, 2, NOON)
    assert governor.take(8, Priority.ORDER, after(1)) == 2
    standing = governor.standing(after(1))
    assert (standing.minute_used, standing.day_used) == (8, 8)
    assert governor.take(8, Priority.ORDER, after(60)) == 8


def test_what_is_on_its_way_is_not_forgotten_for_a_header():
    governor = make()
    governor.take(7, Priority.ORDER, NOON)
    governor.hear(3, 5, NOON)  # four of the seven have not arrived there yet
    assert governor.take(8, Priority.ORDER, NOON) == 1


def test_a_smaller_plan_than_the_settings_say_is_learned_a_larger_is_not_used():
    governor = make(Limits(minute=55, day=5000))
    governor.hear(1, 7, NOON)
    assert governor.take(55, Priority.ORDER, after(60)) == 8
    governor = make()
    governor.hear(1, 54, NOON)
    assert governor.take(55, Priority.ORDER, after(60)) == 8


def test_a_header_of_a_minute_that_is_over_says_nothing_of_this_one():
    governor = make()
    governor.take(1, Priority.ORDER, after(60))
    governor.hear(8, 0, after(59))
    assert governor.take(8, Priority.ORDER, after(61)) == 7


def exhausted(kind, limit):
    error = kind("none left", code=429)
    error.limit = limit
    return error


def test_an_exhausted_minute_waits_for_the_next_one():
    governor = make()
    governor.exhausted(exhausted(MinuteExhausted, 8), after(20))
    assert governor.standing(after(20)).closed_by == "minute"
    assert governor.take(1, Priority.ORDER, after(60.9)) == 0
    assert governor.take(9, Priority.ORDER, after(61)) == 8


def test_an_exhausted_day_waits_for_midnight():
    governor = make()
    governor.exhausted(exhausted(DayExhausted, 800), after(20))
    governor.exhausted(exhausted(MinuteExhausted, None), after(21))
    standing = governor.standing(after(30))
    assert standing.closed_by == "day"
    assert standing.closed_until == datetime(2026, 11, 26, 0, 0, 1, tzinfo=UTC)
    assert standing.day_used == 800
    assert governor.take(1, Priority.ORDER, after(12 * 3600)) == 0
    assert governor.take(1, Priority.ORDER, after(12 * 3600 + 1)) == 1


def test_a_refused_key_pauses_everything_for_ten_minutes():
    governor = make()
    governor.refuse_key(NOON)
    assert governor.standing(NOON).closed_by == "key"
    assert governor.take(1, Priority.ORDER, after(599)) == 0
    assert governor.take(1, Priority.ORDER, after(600)) == 1


def test_what_was_not_used_comes_back_in_its_minute():
    governor = make()
    governor.take(8, Priority.PAGE, NOON)
    governor.give_back(3, Priority.PAGE, NOON)
    assert governor.standing(NOON).day_by["page"] == 4
    assert governor.take(8, Priority.ORDER, after(1)) == 4
    governor.give_back(4, Priority.ORDER, after(1))
    governor.take(8, Priority.ORDER, after(60))
    governor.give_back(4, Priority.PAGE, NOON)
    assert governor.take(8, Priority.ORDER, after(61)) == 0
    assert governor.standing(after(61)).day_used == 8


def test_the_day_as_they_count_it():
    governor = make()
    governor.take(5, Priority.ORDER, NOON)
    governor.hear_day(790, 800, NOON)
    assert governor.standing(NOON).day_left == 10
    governor.hear_day(3, None, NOON)
    assert governor.standing(NOON).day_left == 10


def test_a_clock_that_is_behind_gets_no_second_minute():
    governor = make()
    governor.take(8, Priority.ORDER, after(60))
    assert governor.take(1, Priority.ORDER, after(59)) == 0


steps = st.tuples(
    st.sampled_from([0, 1, 7, 20, 59, 60, 61, 3000, 40_000]),
    st.integers(1, 12),
    st.sampled_from(EVERY),
    st.sampled_from([0.0, 0.3, 1.0]),
)


@given(st.lists(steps, max_size=60), st.sampled_from([Limits(8, 20), Limits(3, 800), FREE]))
def test_no_walk_is_ever_over_a_limit(walk, limits):
    """The oracle keeps every grant by the minute and the day it fell into, and adds them up."""
    governor = make(limits)
    now, grants = NOON, []
    for wait_s, wanted, priority, elapsed in walk:
        now += timedelta(seconds=wait_s)
        got = governor.take(wanted, priority, now, elapsed=elapsed)
        assert 0 <= got <= wanted
        minute = sum(n for at, n in grants if at.timestamp() // 60 == now.timestamp() // 60)
        day = sum(n for at, n in grants if at.date() == now.date())
        assert minute + got <= limits.minute
        assert day + got <= limits.day
        if priority.is_urgent:
            assert got == min(wanted, limits.minute - minute, limits.day - day)
        grants.append((now, got))


def test_a_file_survives_the_process(tmp_path: Path):
    file = tmp_path / "deep" / "credits.json"
    Governor(MemoryLedger(file), FREE).take(5, Priority.PAGE, NOON)
    again = Governor(MemoryLedger(file), FREE)
    assert again.standing(NOON).day_by["page"] == 5
    assert read_file(file).day_used == 5
    file.write_text("{half")
    assert read_file(file) == Credits()
    assert read_file(tmp_path / "none") == Credits()


def test_a_file_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog):
    (tmp_path / "file").write_text("")
    governor = Governor(MemoryLedger(tmp_path / "file" / "credits.json"), FREE)
    assert governor.take(1, Priority.ORDER, NOON) == 1
    assert "could not be written" in caplog.text


def test_many_threads_share_one_memory():
    governor = make()
    got = in_threads([governor] * 8)
    assert sum(got) == 8


def test_many_clients_share_one_redis(redis_url: str):
    ledgers = [RedisLedger(redis_url, "shared") for _ in range(6)]
    got = in_threads([Governor(ledger, FREE) for ledger in ledgers])
    assert sum(got) == 8
    standing = Governor(ledgers[0], FREE).standing(NOON)
    assert (standing.minute_used, standing.day_used) == (8, 8)
    for ledger in ledgers:
        ledger.close()


def test_memory_and_redis_are_one_governor(redis_url: str):
    ledger = RedisLedger(redis_url, "same")
    shared, own = Governor(ledger, FREE), make()
    for number in range(60):
        now = after(7 * number)
        priority = EVERY[number % 6]
        took = [each.take(3, priority, now, elapsed=0.5) for each in (shared, own)]
        assert took[0] == took[1]
        if number % 9 == 0:
            for each in (shared, own):
                each.hear(6, 2, now)
        if number % 25 == 24:
            for each in (shared, own):
                each.exhausted(exhausted(MinuteExhausted, 8), now)
    assert shared.standing(after(420)) == own.standing(after(420))
    assert 0 < ledger._client.ttl(ledger._key) <= 2 * 86_400
    ledger._client.set(ledger._key, b"\xff")
    assert ledger.read() == Credits()
    ledger.close()


def test_without_redis_there_are_no_credits():
    ledger = RedisLedger("redis://127.0.0.1:9/0", "gone")
    with pytest.raises(redis.RedisError):
        Governor(ledger, FREE).take(1, Priority.ORDER, NOON)
    ledger.close()


def test_the_name_of_a_ledger_does_not_tell_the_key():
    assert ledger_name("demo") == ledger_name("demo") != ledger_name("demo2")
    assert "demo" not in ledger_name("demo")
    assert msgspec.json.decode(msgspec.json.encode(Credits(day=3)), type=Credits).day == 3


def in_threads(governors):
    """Let each governor take one credit twenty times, all at the same moment."""
    begin, got = threading.Barrier(len(governors)), []

    def body(governor):
        begin.wait(5)
        got.extend(governor.take(1, Priority.ORDER, NOON) for _ in range(20))

    threads = [threading.Thread(target=body, args=(each,)) for each in governors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return got
