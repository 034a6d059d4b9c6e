"""Engines by consumer group: who owns a shard works it, and is done before another begins."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from bengi.kafka import Message, Publisher
from bengi.kafka_mock import MockCluster
from tests.realparts import SESSION_MS
from trades import kafka_source
from trades.kafka_source import KafkaSource

SHARDS = 4
WAIT_S = 30
QUICK = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 100}


class Floor:
    """Where the shards stand: who works each now, and whether two ever did at once."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.owners: dict[int, list[str]] = {shard: [] for shard in range(SHARDS)}
        self.nudges: list[tuple[str, int]] = []
        self.doubled: list[tuple[int, list[str]]] = []

    def wait_for(self, holds: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + WAIT_S
        with self.changed:
            while not holds():
                assert time.monotonic() < deadline_s, self.owners
                self.changed.wait(0.1)

    def shards_of(self, name: str) -> set[int]:
        return {shard for shard, owners in self.owners.items() if name in owners}


class FakeHost:
    """Works shards of a floor, and gives one up slowly, as a batch that is at work does."""

    def __init__(self, floor: Floor, name: str) -> None:
        self.floor, self.name = floor, name

    @property
    def shards(self) -> frozenset[int]:
        return frozenset(self.floor.shards_of(self.name))

    def take(self, shard: int) -> None:
        with self.floor.changed:
            owners = self.floor.owners[shard]
            if self.name not in owners:
                owners.append(self.name)
            if len(owners) > 1:
                self.floor.doubled.append((shard, list(owners)))
            self.floor.changed.notify_all()

    def give_up(self, shard: int, timeout_s: float = 5) -> bool:
        threading.Event().wait(0.05)
        with self.floor.changed:
            if self.name in self.floor.owners[shard]:
                self.floor.owners[shard].remove(self.name)
            self.floor.changed.notify_all()
        return True

    def nudge(self, shard: int) -> bool:
        with self.floor.changed:
            self.floor.nudges.append((self.name, shard))
            self.floor.changed.notify_all()
        return True


def source_of(floor: Floor, name: str, kind: type[KafkaSource] = KafkaSource) -> KafkaSource:
    host: Any = FakeHost(floor, name)
    return kind(host, range(SHARDS), **QUICK)


@contextmanager
def running(source: KafkaSource) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=source.run)
    thread.start()
    try:
        yield thread
    finally:
        source.stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def publish_until(holds: Callable[[], bool], *messages: Message) -> None:
    """Publish again and again: a reader that has just come reads from where the topic ends."""
    publisher, deadline_s = Publisher(), time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline_s
        publisher.publish(messages)


def told(shard: int) -> Message:
    return Message("orders", b"key", b"{}", {}, shard)


@pytest.fixture(autouse=True)
def _shards(settings: Any) -> None:
    settings.MATCHING_SHARDS = SHARDS


# -- what it does when it is told something ----------------------------------------------------


class FakeConsumer:
    """One that has been assigned something already."""

    def __init__(self, *shards: int) -> None:
        self.shards = shards

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("orders", shard) for shard in self.shards]


def partitions(*shards: int) -> list[TopicPartition]:
    return [TopicPartition("orders", shard) for shard in shards]


def test_it_works_what_it_is_assigned_and_gives_up_what_is_revoked():
    floor = Floor()
    source, consumer = source_of(floor, "a"), FakeConsumer()
    source.assigned(consumer, partitions(0, 2))
    assert floor.shards_of("a") == {0, 2}
    source.assigned(FakeConsumer(0, 2), partitions(3))
    source.revoked(FakeConsumer(0, 2, 3), partitions(2))
    assert floor.shards_of("a") == {0, 3}


def test_a_partition_without_a_shard_is_nobodys():
    floor = Floor()
    source_of(floor, "a").assigned(FakeConsumer(), partitions(1, SHARDS))
    assert floor.shards_of("a") == {1}


def test_what_is_lost_is_worked_on_until_the_group_says_otherwise(caplog):
    floor = Floor()
    source = source_of(floor, "a")
    source.assigned(FakeConsumer(), partitions(0, 1))
    source.lost(FakeConsumer(), partitions(0, 1))
    assert floor.shards_of("a") == {0, 1}
    assert "the shards [0, 1] are worked on" in caplog.text
    source.assigned(FakeConsumer(), partitions(1))
    assert floor.shards_of("a") == {1}


class Heard:
    def __init__(self, shard: int, error: KafkaError | None = None) -> None:
        self._shard, self._error = shard, error

    def partition(self) -> int:
        return self._shard

    def error(self) -> KafkaError | None:
        return self._error


def test_many_messages_are_one_nudge_for_their_shard_alone(caplog):
    floor = Floor()
    away = Heard(3, KafkaError(KafkaError._ALL_BROKERS_DOWN))
    received: Any = [Heard(1), Heard(1), Heard(2), away, away]
    source_of(floor, "a").take(received)
    assert sorted(floor.nudges) == [("a", 1), ("a", 2)]
    assert len(caplog.messages) == 1


# -- with a broker -----------------------------------------------------------------------------


def test_a_message_nudges_its_shard(kafka_cluster: MockCluster):
    floor = Floor()
    with running(source_of(floor, "a")):
        floor.wait_for(lambda: floor.shards_of("a") == set(range(SHARDS)))
        publish_until(lambda: {("a", 2), ("a", 0)} <= set(floor.nudges), told(2), told(0), told(2))
        assert {shard for _, shard in floor.nudges} == {0, 2}
    assert floor.shards_of("a") == set()


def hand_on(floor: Floor, kind: type[KafkaSource] = KafkaSource) -> None:
    """One comes, a second joins, the first leaves."""
    first = source_of(floor, "a", kind)
    with running(first) as thread:
        floor.wait_for(lambda: floor.shards_of("a") == set(range(SHARDS)))
        with running(source_of(floor, "b", kind)):
            floor.wait_for(lambda: len(floor.shards_of("b")) == 2)
            first.stop()
            thread.join(WAIT_S)
            floor.wait_for(lambda: floor.shards_of("b") == set(range(SHARDS)))


def test_shards_are_shared_and_handed_on_one_owner_at_a_time(kafka: str):
    floor = Floor()
    hand_on(floor)
    assert floor.doubled == []


class GivesUpLate(KafkaSource):
    """A planted bug: what is revoked is given up only once another works it."""

    def revoked(self, _consumer: Any, partitions: list[TopicPartition]) -> None:
        floor: Floor = self._host.floor  # type: ignore[attr-defined]
        shards = {each.partition for each in partitions}

        def give_up() -> None:
            floor.wait_for(lambda: all(len(floor.owners[shard]) > 1 for shard in shards))
            for shard in shards:
                self._host.give_up(shard)

        if not self._stop.is_set():
            threading.Thread(target=give_up, daemon=True).start()

    def assigned(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        for each in partitions:
            self._host.take(each.partition)


def test_who_gives_up_late_is_found(kafka_cluster: MockCluster):
    floor = Floor()
    hand_on(floor, GivesUpLate)
    assert floor.doubled


def test_without_a_broker_everything_is_worked(settings, caplog, monkeypatch):
    monkeypatch.setattr(kafka_source, "ALONE_AFTER_S", 0.5)
    settings.BENGI_KAFKA = "127.0.0.1:1"
    floor = Floor()
    with running(source_of(floor, "a")):
        floor.wait_for(lambda: floor.shards_of("a") == set(range(SHARDS)))
    assert "all shards are worked: [0, 1, 2, 3]" in caplog.text


def test_a_broker_that_comes_back_decides_anew(kafka_cluster: MockCluster, caplog):
    """While it is away the owner works on; then both share again."""
    floor = Floor()
    with running(source_of(floor, "a")), running(source_of(floor, "b")):
        both = {"a", "b"}
        floor.wait_for(lambda: all(len(floor.shards_of(each)) == 2 for each in both))
        kafka_cluster.away()
        floor.wait_for(lambda: caplog.text.count("the group is out of reach") == 2)
        assert all(floor.owners.values())
        kafka_cluster.back()
        everything = [told(shard) for shard in range(SHARDS)]
        publish_until(
            lambda: {shard for _, shard in floor.nudges} == set(range(SHARDS)), *everything
        )
        floor.wait_for(lambda: all(len(floor.shards_of(each)) == 2 for each in both))
