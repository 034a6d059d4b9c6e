"""Kafka, for those who set BENGI_KAFKA: one who publishes, and what clients are set to.

Nothing of the books depends on it: whoever asks has an answer for BrokerAway. confluent_kafka is
imported when somebody asks for the first time, so without the setting it is never loaded.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Producer
    from confluent_kafka import Message as Received

log = logging.getLogger(__name__)

CONNECT_S = 3
"""How long somebody new waits for the first answer of a broker."""
PUBLISH_S = 5
"""How long a set of messages may take until every one is acknowledged."""
MESSAGES_MAX = 50_000
"""More than anybody publishes at once, so that the queue in memory is never full."""
SESSION_MS = 6_000
"""A member of a group that is silent for so long has lost what it was assigned. Brokers take no
less unless they are told to (group.min.session.timeout.ms)."""
TOPICS_MS = 5_000
"""How soon a reader finds topics that were made after it had begun."""


NOTE_EVERY_S = 60.0


class BrokerAway(Exception):
    """Nothing can be published or read now, or not all of what was to be published has been."""


class Message(msgspec.Struct, frozen=True):
    """What is published: topic without the prefix; partition None: the one that belongs to key."""

    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str]
    partition: int | None = None


def is_used() -> bool:
    """Return whether BENGI_KAFKA is set."""
    return bool(settings.BENGI_KAFKA)


def named(name: str) -> str:
    """Return the name of a topic or a group with this installation's prefix."""
    return f"{settings.BENGI_KAFKA_PREFIX}.{name}"


class Publisher:
    """Publishes sets of messages, each all or again. For one thread.

    The producer is idempotent and never gives a message up by itself, so what arrives of a
    partition is always the beginning of what was sent there. When something has not been
    acknowledged in time, all that waits is dropped with the producer: the caller sends it again.
    """

    def __init__(self) -> None:
        self._producer: Producer | None = None

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once every in-sync replica has every message. Raises BrokerAway."""
        from confluent_kafka import KafkaException  # noqa: PLC0415

        assert len(messages) <= MESSAGES_MAX
        failed: list[KafkaError] = []

        def report(error: KafkaError | None, _message: Received) -> None:
            if error is not None:
                failed.append(error)

        try:
            producer = self._ready()
            for message in messages:
                producer.produce(**_arguments(message), on_delivery=report)
            left = producer.flush(PUBLISH_S)
        except KafkaException as error:
            self.forget()
            raise BrokerAway(words_of(error.args[0])) from error
        if failed or left:
            words = words_of(failed[0]) if failed else f"{left} messages were not acknowledged"
            self.forget()
            raise BrokerAway(words)

    def forget(self) -> None:
        """Drop the producer with all that it has not sent; the next set makes another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge(in_queue=True, in_flight=True, blocking=True)
            producer.flush(0)

    def _ready(self) -> Producer:
        """Return the producer; a new one has had an answer of a broker."""
        if self._producer is None:
            self._producer = _producer()
            self._producer.list_topics(timeout=CONNECT_S)
        return self._producer


def consumer(group: str, **more: Any) -> Consumer:
    """Return a new member of a group; it reads from the beginning where nothing else is said."""
    from confluent_kafka import Consumer  # noqa: PLC0415

    return Consumer(
        {
            **client_settings(),
            "group.id": named(group),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": SESSION_MS // 10,
            "topic.metadata.refresh.interval.ms": TOPICS_MS,
            **more,
        },
        logger=log,
    )


def _producer() -> Producer:
    from confluent_kafka import Producer  # noqa: PLC0415

    return Producer(
        {
            **client_settings(),
            "enable.idempotence": True,  # with it acks are those of all in-sync replicas
            "enable.gapless.guarantee": True,
            "message.timeout.ms": 0,
            "linger.ms": 5,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",  # as Java's clients choose
            "queue.buffering.max.messages": 2 * MESSAGES_MAX,
        },
        logger=log,
    )


def receive(consumer: Consumer, limit: int, wait_s: float) -> list[Received]:
    """Wait for a message, and return it with those that have come too, at most limit of them.

    Consumer.consume() by itself waits until there are so many, or for as long as it may.
    """
    first = consumer.poll(wait_s)
    return [] if first is None else [first, *consumer.consume(limit - 1, 0)]


def client_settings() -> dict[str, Any]:
    """Return what every client is set to."""
    return {
        "bootstrap.servers": settings.BENGI_KAFKA,
        "client.id": "bengi",
        "socket.connection.setup.timeout.ms": CONNECT_S * 1000,
        "reconnect.backoff.max.ms": 2_000,
        "log_level": 2,
        "error_cb": _note,
    }


class _Noted:
    """When this process has last said that something is wrong with Kafka."""

    at_s = -NOTE_EVERY_S


def _note(error: KafkaError) -> None:
    """Log what is wrong; clients try again ten times a second, and would say so each time."""
    if time.monotonic() - _Noted.at_s >= NOTE_EVERY_S:
        _Noted.at_s = time.monotonic()
        log.warning("Kafka: %s", words_of(error))


def _arguments(message: Message) -> dict[str, Any]:
    where = {} if message.partition is None else {"partition": message.partition}
    return {
        "topic": named(message.topic),
        "key": message.key,
        "value": message.value,
        "headers": [(name, text.encode()) for name, text in message.headers.items()],
        **where,
    }


def words_of(error: Any) -> str:
    """Return what went wrong, for a log."""
    return str(error.str() if hasattr(error, "str") else error)[:200]
