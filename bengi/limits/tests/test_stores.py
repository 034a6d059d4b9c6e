"""Both stores keep the same window, one by one and when many ask at once."""

import threading
import time
from collections import Counter

import pytest
import redis as redis_library
from hypothesis import given
from hypothesis import strategies as st

from bengi.limits.limiter import Limiter
from bengi.limits.memory import MemoryStore
from bengi.limits.rates import Rate, Scope
from bengi.limits.redis_store import RedisStore

TWO = (Rate(3, 1), Rate(5, 10))


class Time:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def time_s():
    return Time()


@pytest.fixture
def memory(time_s):
    return MemoryStore(time_s)


@pytest.fixture
def shared(redis_url):
    redis_library.Redis.from_url(redis_url).flushall()
    return RedisStore(redis_url)


def used(store, rates=TWO, cost=1, key="k", ticket="t"):
    return [(count.used, count.wait_s <= 0) for count in store.take(key, rates, cost, ticket)]


def test_both_rates_hold(memory, time_s):
    assert [used(memory) for _ in range(3)][-1] == [(3, True), (3, True)]
    assert used(memory) == [(3, False), (3, True)]
    time_s.now_s += 1
    assert [used(memory) for _ in range(2)][-1] == [(2, True), (5, True)]
    assert used(memory) == [(2, True), (5, False)]
    assert used(memory, key="other") == [(1, True), (1, True)]


def test_the_wait_is_until_there_is_room(memory, time_s):
    for _ in range(3):
        memory.take("k", TWO, 1, "t")
        time_s.now_s += 0.25
    first, second = memory.take("k", TWO, 1, "t")
    assert first == (3, 0.25, 0.75)
    assert second == (3, 0, 9.75)
    time_s.now_s += 0.25
    assert used(memory) == [(3, True), (4, True)]


def test_cost_counts_whole_or_not_at_all(memory):
    assert used(memory, cost=2) == [(2, True), (2, True)]
    assert used(memory, cost=2) == [(2, False), (2, True)]
    assert memory.take("k", TWO, 4, "t")[0].wait_s == 1
    assert used(memory) == [(3, True), (3, True)]


def test_what_is_given_back_was_never_there(memory):
    used(memory, ticket="good")
    used(memory, ticket="bad")
    memory.give_back("k", "good")
    assert used(memory) == [(2, True), (2, True)]
    memory.give_back("nobody", "t")


def test_keys_that_nobody_uses_are_dropped(memory, time_s):
    for n in range(999):
        memory.take(f"k{n}", TWO, 1, "t")
    time_s.now_s += 11
    memory.take("last", TWO, 1, "t")
    assert set(memory._entries) == {"last"}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), max_size=40))
def test_no_window_ever_holds_more_than_its_limit(steps):
    """The twin keeps every moment for ever and counts them all anew."""
    clock = Time()
    store, moments = MemoryStore(clock), []
    for pause, cost in steps:
        clock.now_s += pause / 2
        counts = store.take("k", TWO, cost, "t")
        fits = all(
            sum(clock.now_s - rate.window_s < at for at in moments) + cost <= rate.limit
            for rate in TWO
        )
        assert all(count.wait_s <= 0 for count in counts) == fits
        moments += [clock.now_s] * cost if fits else []


def test_redis_keeps_the_same_window(shared, memory):
    """The same questions within one second; only the waits go on with the clock."""
    asked = [(1, "a"), (1, "b"), (1, "c"), (1, "d"), (2, "e"), (4, "f")]
    for cost, ticket in asked:
        assert used(shared, cost=cost, ticket=ticket) == used(memory, cost=cost, ticket=ticket)
    for store in (shared, memory):
        store.give_back("k", "a")
    assert used(shared) == used(memory) == [(3, True), (3, True)]
    first, second = shared.take("k", TWO, 1, "t")
    assert 0 < first.wait_s <= 1
    assert 9 < second.reset_s <= 10


def test_redis_forgets_by_itself(shared, redis_url):
    rates = (Rate(1, 1),)
    assert used(shared, rates) == [(1, True)]
    assert used(shared, rates) == [(1, False)]
    client = redis_library.Redis.from_url(redis_url)
    assert 0 < client.pttl("bengi:limit:k") <= 1000
    deadline = time.monotonic() + 5
    while used(shared, rates) == [(1, False)]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_many_at_once_get_no_more_than_there_is(kind, request):
    store = request.getfixturevalue("memory" if kind == "memory" else "shared")
    answers, start = Counter(), threading.Barrier(20)

    def ask(number):
        start.wait()
        for n in range(5):
            counts = store.take("k", (Rate(30, 60),), 1, f"{number}-{n}")
            answers[counts[0].wait_s <= 0] += 1

    crew = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert answers == {True: 30, False: 70}


@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=6), max_size=8),
    st.integers(1, 2),
)
def test_all_at_once_are_counted_as_one_after_the_other(groups, cost):
    together, in_turn = MemoryStore(Time()), MemoryStore(Time())
    for group in groups:
        asked = [(key, f"t{n}") for n, key in enumerate(group)]
        assert together.take_all(asked, TWO, cost) == [
            in_turn.take(key, TWO, cost, ticket) for key, ticket in asked
        ]


def test_redis_counts_all_at_once_as_memory_does(shared, memory):
    for cost, keys in ((1, "abacaa"), (2, "aab"), (4, "d"), (1, "e")):
        asked = [(key, f"{cost}-{n}") for n, key in enumerate(keys)]
        both = [store.take_all(asked, TWO, cost) for store in (shared, memory)]
        assert [[(c.used, c.wait_s <= 0) for c in each] for each in both[0]] == [
            [(c.used, c.wait_s <= 0) for c in each] for each in both[1]
        ]
        assert [[round(c.reset_s) for c in each] for each in both[0]] == [
            [round(c.reset_s) for c in each] for each in both[1]
        ]


class Away:
    asked = 0

    def take(self, *_):
        self.asked += 1
        raise redis_library.ConnectionError

    give_back = take


def test_while_redis_is_away_the_process_counts_for_itself(memory, time_s, caplog):
    away, scope = Away(), Scope("test", (Rate(1, 60),))
    limiter = Limiter(away, memory, time_s)
    verdict = limiter.take(scope, "k")
    assert (verdict.allowed, verdict.limit, verdict.left) == (True, 1, 0)
    assert not limiter.take(scope, "k").allowed
    assert away.asked == 1, "not asked again at once"
    assert len(caplog.records) == 1
    limiter.give_back(verdict)
    assert limiter.take(scope, "k").allowed
    time_s.now_s += 5
    limiter.take(scope, "k")
    assert away.asked == 2
