"""Publishing over TCP: what arrives, what brokers that are away cost, and the stand-in itself."""

import contextlib
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from django.core.management import CommandError, call_command
from django.db import transaction

from bengi import kafka
from bengi.events.lease import LASTS
from bengi.events.loop import RelayLoop
from bengi.events.models import RelayedStream
from bengi.events.positions import count_behind
from bengi.events.relay import Relay
from bengi.events.services import NewEvent, append
from bengi.ids import new_id
from bengi.kafka import BrokerAway, Message, Publisher, named
from bengi.kafka_mock import MockCluster
from bengi.kafka_routes import KafkaRelay
from bengi.kafka_topics import TooFewPartitions, prepare_topics, topics
from bengi.management.commands.run_relay import forget_positions
from scripts.supervisor.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
AT = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
ACCOUNTS = [new_id() for _ in range(3)]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PUBLISH_S", 2)
    monkeypatch.setattr("bengi.kafka.CONNECT_S", 1)


def received(topic: str) -> list[Any]:
    """Return every message of a topic, those of a partition in their order."""
    reader, found = kafka.consumer("test"), []
    partitions = reader.list_topics(named(topic), timeout=20).topics[named(topic)].partitions
    places = [TopicPartition(named(topic), number, 0) for number in partitions]
    left = {p.partition: reader.get_watermark_offsets(p, 20)[1] for p in places}
    reader.assign(places)
    while any(left.values()):
        messages = kafka.receive(reader, 1000, 20)
        assert messages, "nothing comes any more"
        found += messages
        for each in messages:
            left[each.partition()] = max(0, left[each.partition()] - 1)
    reader.close()
    return found


def happen(count: int = 1) -> None:
    """Let something happen to every account."""
    for account_id in ACCOUNTS:
        with transaction.atomic():
            append([NewEvent(account_id, "account.updated", {}, AT) for _ in range(count)])


def told(topic: str = "accounts") -> dict[str, list[int]]:
    """Return by stream the seqs that arrived, in their order."""
    seqs: dict[str, list[int]] = defaultdict(list)
    for message in received(topic):
        headers = {name: value.decode() for name, value in message.headers()}
        assert message.key().decode() == headers["stream"]
        seqs[headers["stream"]].append(int(headers["seq"]))
    return seqs


# -- publishing ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_log_arrives_in_another_process(kafka: str):
    happen(40)
    relay = Relay(KafkaRelay().publish)
    assert relay.turn(AT) == 120
    assert told() == {str(account_id): list(range(1, 41)) for account_id in ACCOUNTS}
    message = received("accounts")[0]
    assert {name for name, _ in message.headers()} == {"type", "version", "stream", "seq"}


def test_a_message_goes_to_the_partition_it_names_or_to_that_of_its_key(kafka_cluster: MockCluster):
    named_ones = [Message("accounts", b"k", b"v", {}, number) for number in (3, 1)]
    by_key = [Message("accounts", b"same key", b"v", {}) for _ in range(5)]
    Publisher().publish([*named_ones, *by_key])
    found = [(each.key(), each.partition()) for each in received("accounts")]
    assert {partition for key, partition in found if key == b"k"} == {1, 3}
    assert len({partition for key, partition in found if key == b"same key"}) == 1


@pytest.mark.django_db
def test_brokers_that_are_away_at_the_start_and_in_between(kafka_cluster: MockCluster, caplog):
    """What happens meanwhile waits, and arrives in order; nothing is missing."""
    kafka_cluster.away()
    loop = RelayLoop(Relay(KafkaRelay().publish), lambda: AT)
    happen(3)
    assert [loop.turn(), loop.turn()] == [1, 2]
    assert count_behind(RelayedStream) == 9
    kafka_cluster.back()
    assert loop.turn() == 0
    assert loop.turn() == loop.SWEEP_S
    happen(2)
    kafka_cluster.away()
    assert loop.turn() == 1
    happen(2)
    kafka_cluster.back()
    assert loop.turn() == 0
    assert told() == {str(account_id): [1, 2, 3, 4, 5, 6, 7] for account_id in ACCOUNTS}
    assert caplog.text.count("events are published again") == 2
    assert "events wait to be published (9)" in caplog.text


def test_what_is_too_big_for_a_broker_is_not_half_published(kafka_cluster: MockCluster):
    small, big = (Message("accounts", b"k", b"v" * size, {}, 0) for size in (1, 2_000_000))
    publisher = Publisher()
    with pytest.raises(BrokerAway, match="too large"):
        publisher.publish([big, small])
    publisher.publish([small])
    assert [each.value() for each in received("accounts")] == [b"v"]


def test_nobody_answers(settings):
    settings.BENGI_KAFKA = "127.0.0.1:1"
    with pytest.raises(BrokerAway):
        Publisher().publish([Message("accounts", b"k", b"v", {})])
    with pytest.raises(BrokerAway):
        prepare_topics()


# -- topics --------------------------------------------------------------------------------------


def test_a_shard_needs_its_partition(settings, kafka_cluster: MockCluster):
    prepare_topics()
    settings.MATCHING_SHARDS = 2
    assert topics() == {"orders": 2, "trades": 2, "accounts": 4, "instruments": 4}
    with pytest.raises(TooFewPartitions, match="orders has 1 partitions for 2 shards"):
        prepare_topics()
    with pytest.raises(BrokerAway, match="1 partitions for 2 shards"):
        KafkaRelay().publish([])


# -- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run_relay", "run_tape"])
def test_without_brokers_there_is_nothing_to_run(command):
    with pytest.raises(CommandError, match="BENGI_KAFKA is not set"):
        call_command(command)


@pytest.mark.django_db
def test_brokers_that_have_lost_everything_are_told_all_again(kafka_cluster: MockCluster, settings):
    happen(2)
    Relay(KafkaRelay().publish).turn(AT)
    fresh = MockCluster({named(name): count for name, count in topics().items()})
    with contextlib.closing(fresh):
        settings.BENGI_KAFKA = fresh.brokers
        forget_positions()
        assert Relay(KafkaRelay().publish).turn(AT + LASTS) == 6
        assert told() == {str(account_id): [1, 2] for account_id in ACCOUNTS}


def test_the_stand_in_is_found_at_the_port_one_chooses(settings, tmp_path: Path):
    port, file = free_port(), tmp_path / "address"
    command = [sys.executable, "manage.py", "kafka_dev", "--port", str(port), "--file", str(file)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith(f"BENGI_KAFKA=127.0.0.1:{port} ")
        process.stdout.readline()
        assert file.read_text() == f"BENGI_KAFKA=127.0.0.1:{port}\n"
        settings.BENGI_KAFKA = f"127.0.0.1:{port}"
        Publisher().publish([Message("orders", b"k", b"v", {}, 0)])
        assert [each.value() for each in received("orders")] == [b"v"]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"CommandError: Port {port} cannot be used")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "Stopped.\n"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
