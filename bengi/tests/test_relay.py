"""The relay: every event at least once, those of a stream in order, whatever fails in between."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bengi.bus import ACCOUNT, get_bus
from bengi.events import positions, relay
from bengi.events.lease import LASTS, note_published, release_lease, take_lease
from bengi.events.loop import RelayLoop
from bengi.events.models import Event, RelayedStream, RelayLease
from bengi.events.positions import count_behind
from bengi.events.relay import Relay, in_order
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.kafka import BrokerAway
from bengi.leases.services import LeaseLost
from bengi.management.commands.run_relay import forget_positions
from bengi.threads import Crew

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
STREAMS = [new_id() for _ in range(4)]


class Broker:
    """Keeps what it is sent; fails when told to, before or after it has kept something."""

    def __init__(self) -> None:
        self.kept: list[tuple[UUID, int]] = []
        self.is_away = False
        self.keeps_until_away = 0

    def publish(self, events: Sequence[Event]) -> None:
        if self.is_away:
            self.kept += [(e.stream_id, e.seq) for e in events[: self.keeps_until_away]]
            raise BrokerAway("nobody answers")
        self.kept += [(event.stream_id, event.seq) for event in events]


def happen(stream_id: UUID, count: int = 1) -> None:
    with transaction.atomic():
        append([NewEvent(stream_id, "order.new", {"n": n}, AT) for n in range(count)])


def happen_late(stream_id: UUID, count: int, ids: Iterator[UUID]) -> None:
    """Let things happen in transactions that began before all others, and are seen only now."""
    happen(stream_id, count)
    for event in Event.objects.filter(stream_id=stream_id).order_by("-seq")[:count]:
        Event.objects.filter(id=event.id).update(id=next(ids))


def publish_all(relay: Relay) -> int:
    published = 0
    while count := relay.turn(AT):
        published += count
    return published


def check_told(broker: Broker) -> None:
    """What arrived first of each stream is its whole log, in order."""
    first: dict[UUID, list[int]] = defaultdict(list)
    for stream_id, seq in broker.kept:
        if seq not in first[stream_id]:
            first[stream_id].append(seq)
    logged: dict[UUID, list[int]] = defaultdict(list)
    for stream_id, seq in Event.objects.order_by("stream_id", "seq").values_list(
        "stream_id", "seq"
    ):
        logged[stream_id].append(seq)
    assert first == logged


def test_everything_is_published_once_and_in_order():
    broker = Broker()
    for count, stream_id in enumerate(STREAMS, start=1):
        happen(stream_id, count * 3)
    assert count_behind(RelayedStream) == 30
    assert publish_all(Relay(broker.publish)) == 30
    assert len(broker.kept) == 30
    check_told(broker)
    assert count_behind(RelayedStream) == 0


def test_only_what_is_new_is_published():
    broker = Broker()
    relay = Relay(broker.publish)
    happen(STREAMS[0], 3)
    publish_all(relay)
    happen(STREAMS[0], 2)
    happen(STREAMS[1])
    assert publish_all(relay) == 3
    assert broker.kept[3:] == [(STREAMS[0], 4), (STREAMS[0], 5), (STREAMS[1], 1)]


def test_a_broker_that_has_lost_part_of_a_batch_is_sent_all_of_it_again():
    broker = Broker()
    relay = Relay(broker.publish)
    happen(STREAMS[0], 5)
    broker.is_away, broker.keeps_until_away = True, 2
    with pytest.raises(BrokerAway):
        relay.turn(AT)
    assert RelayedStream.objects.count() == 0
    broker.is_away = False
    assert publish_all(relay) == 5
    assert [seq for _, seq in broker.kept] == [1, 2, 1, 2, 3, 4, 5]


def test_a_long_backlog_keeps_no_other_stream_waiting(monkeypatch):
    monkeypatch.setattr(relay, "BATCH", 10)
    broker = Broker()
    happen(STREAMS[0], 100)
    happen(STREAMS[1], 3)
    Relay(broker.publish).turn(AT)
    assert broker.kept.count((STREAMS[1], 3)) == 1
    assert len(broker.kept) == 8  # five of the one, three of the other


def test_streams_are_gone_round(monkeypatch):
    """While the first streams are always due again, the last one has its turn."""
    monkeypatch.setattr(relay, "BATCH", 2)
    broker = Broker()
    working = Relay(broker.publish)
    for _ in range(3):
        for stream_id in STREAMS[:3]:
            happen(stream_id)
        happen(STREAMS[3])
        working.turn(AT)
    assert STREAMS[3] in {stream_id for stream_id, _ in broker.kept}


def test_streams_take_turns_as_things_happened():
    happen(STREAMS[1])
    happen(STREAMS[0])
    happen(STREAMS[1])
    events = list(Event.objects.order_by("stream_id", "seq"))
    told = [(event.stream_id, event.seq) for event in in_order(events)]
    assert told == [(STREAMS[1], 1), (STREAMS[0], 1), (STREAMS[1], 2)]


def test_ids_do_not_decide_within_a_stream():
    """Another machine's clock may be behind: its ids are smaller, and its events come later."""
    happen(STREAMS[0], 2)
    late, early = Event.objects.order_by("seq")
    late.id, early.id = early.id, late.id
    assert [event.seq for event in in_order([late, early])] == [1, 2]


def test_statements_do_not_grow_with_events(django_assert_num_queries):
    broker = Broker()
    working = Relay(broker.publish)
    publish_all(working)  # the lease is there
    for count in (1, 50):
        for stream_id in STREAMS:
            happen(stream_id, count)
        # lease, streams, events; then in a transaction lease and positions
        with django_assert_num_queries(7):
            assert working.turn(AT) == count * len(STREAMS)


# -- one relay at a time -----------------------------------------------------------------------


def test_a_second_relay_stands_by_until_the_first_is_silent():
    broker = Broker()
    first, second = Relay(broker.publish), Relay(broker.publish)
    happen(STREAMS[0], 2)
    assert first.turn(AT) == 2
    happen(STREAMS[0])
    assert second.turn(AT + LASTS / 2) == 0
    assert not second.is_active
    assert second.turn(AT + LASTS) == 1
    assert first.turn(AT + LASTS) == 0
    check_told(broker)


def test_a_relay_that_stops_lets_another_take_over_at_once():
    first, second = Relay(Broker().publish), Relay(Broker().publish)
    happen(STREAMS[0])
    first.turn(AT)
    release_lease(first.holder)
    happen(STREAMS[0])
    assert second.turn(AT) == 1


def test_who_has_lost_the_lease_while_publishing_moves_no_position():
    other = new_id()

    def slow(_events: Sequence[Event]) -> None:
        take_lease(other, AT + LASTS)

    happen(STREAMS[0])
    with pytest.raises(LeaseLost):
        Relay(slow).turn(AT)
    assert RelayedStream.objects.count() == 0
    assert RelayLease.objects.get().holder == other
    with pytest.raises(LeaseLost):
        note_published(new_id(), AT)


def test_one_that_is_told_to_begin_anew_does_not_note_where_it_was():
    """Somebody says run_relay --from-start while it publishes."""
    happen(STREAMS[0], 3)
    working = Relay(lambda events: forget_positions())
    with pytest.raises(LeaseLost):
        working.turn(AT)
    assert RelayedStream.objects.count() == 0


# -- the loop ----------------------------------------------------------------------------------


def test_it_is_patient_with_brokers_and_says_how_many_wait(caplog):
    broker = Broker()
    broker.is_away = True
    loop = RelayLoop(Relay(broker.publish), lambda: AT)
    happen(STREAMS[0], 7)
    assert [loop.turn() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert caplog.messages[-1] == "events wait to be published (7): nobody answers"
    assert RelayLease.objects.get().trouble == "nobody answers"
    broker.is_away = False
    assert loop.turn() == 0
    assert caplog.messages[-1] == "events are published again"
    row = RelayLease.objects.get()
    assert (row.trouble, row.published_at) == ("", AT)
    assert loop.turn() == loop.SWEEP_S
    broker.is_away = True
    happen(STREAMS[0])
    assert loop.turn() == 1  # it begins anew


def test_a_database_that_is_away_is_waited_for(caplog):
    def fail(_events: Sequence[Event]) -> None:
        raise DatabaseError("gone")

    happen(STREAMS[0])
    assert RelayLoop(Relay(fail), lambda: AT).turn() == 1
    assert "DatabaseError: gone" in caplog.messages[-1]


@pytest.mark.django_db(transaction=True)
def test_a_hint_wakes_it(monkeypatch):
    monkeypatch.setattr(RelayLoop, "SWEEP_S", 30)
    told = threading.Semaphore(0)
    asked = threading.Semaphore(0)

    class Told(Relay):
        def turn(self, now: datetime) -> int:
            count = super().turn(now)
            asked.release()
            return count

    loop = RelayLoop(Told(lambda _events: told.release()), lambda: AT)
    crew = Crew()
    crew.add("relay", loop)
    try:
        assert asked.acquire(timeout=20)
        happen(STREAMS[0])
        get_bus().publish(ACCOUNT, {"account_id": str(STREAMS[0]), "seq": 1})
        assert told.acquire(timeout=20)
    finally:
        has_ended = crew.stop(20)
    assert has_ended
    assert RelayLease.objects.get().holder is None


# -- whatever happens, and bugs that this finds ------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("happen"), st.integers(0, 3), st.integers(1, 4)),
        st.tuples(st.just("late"), st.integers(0, 3), st.integers(1, 4)),
        st.tuples(st.just("turn"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("fail"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("die"), st.integers(0, 1), st.integers(0, 5)),
    ),
    max_size=25,
)
Steps = list[tuple[str, int, int]]


class Died(Exception):
    pass


def walk(steps: Steps, batch: int) -> None:
    """Let things happen, relays work, brokers fail and relays die; then publish what is left."""
    broker, now = Broker(), AT
    relays = [Relay(broker.publish), Relay(broker.publish)]
    ids = iter([new_id() for _ in range(4 * len(steps))])
    for what, which, count in steps:
        now += timedelta(seconds=20)
        broker.is_away, broker.keeps_until_away = what == "fail", count
        if what == "happen":
            happen(STREAMS[which], count)
        elif what == "late":
            happen_late(STREAMS[which], count, ids)
        else:
            relays[which] = turn(relays[which], now, what == "die", broker)
    broker.is_away = False
    last = Relay(broker.publish)
    while last.turn(now + 2 * LASTS):
        pass
    check_told(broker)
    assert count_behind(RelayedStream) == 0


def turn(working: Relay, now: datetime, dies: bool, broker: Broker) -> Relay:
    """Let a relay work once; one that dies does so at its crash point and is started again."""

    def crash(_name: str) -> None:
        if dies:
            raise Died

    before, relay.crash_point = relay.crash_point, crash
    try:
        working.turn(now)
    except (BrokerAway, LeaseLost):
        pass
    except Died:
        return Relay(broker.publish)
    finally:
        relay.crash_point = before
    return working


class AnyWalk(TestCase):
    @given(steps=STEPS, batch=st.integers(1, 7))
    @settings(max_examples=60)
    def test_nothing_is_left_out_and_order_is_kept(self, steps: Steps, batch: int) -> None:
        before, relay.BATCH = relay.BATCH, batch
        try:
            walk(steps, batch)
        finally:
            relay.BATCH = before


def moved_before_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The position is written, then the broker is asked."""

    def turn(self: Relay, now: datetime) -> int:
        self.is_active = take_lease(self.holder, now)
        events = self._next() if self.is_active else []
        if events:
            positions.move(RelayedStream, events)
            self._publish(in_order(events))
        return len(events)

    monkeypatch.setattr(Relay, "turn", turn)


def ordered_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is read as one sequence of ids, in place of stream by stream."""

    def next_by_id(self: Relay) -> list[Event]:
        row = RelayedStream.objects.order_by("-seq").first()
        newest = Event.objects.filter(stream_id=row.stream_id, seq=row.seq).get() if row else None
        waiting = Event.objects.order_by("id")
        return list((waiting.filter(id__gt=newest.id) if newest else waiting)[: relay.BATCH])

    monkeypatch.setattr(Relay, "_next", next_by_id)


def in_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is published as it comes to hand."""
    chance = random.Random(7)
    monkeypatch.setattr(relay, "in_order", lambda events: chance.sample(list(events), len(events)))


WALK: Steps = [
    *[("happen", 0, 3), ("happen", 1, 2), ("turn", 0, 0), ("happen", 0, 3), ("fail", 0, 1)],
    *[("turn", 0, 0), ("late", 2, 4), ("die", 0, 0), ("happen", 0, 4), ("turn", 1, 0)],
]
BUGS = [moved_before_it_is_acknowledged, ordered_by_id, in_no_order]


def test_the_walk_of_the_bugs_is_right_without_them():
    walk(WALK, 1000)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
):
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        walk(WALK, 1000)
