"""Engines whose work is announced by Kafka: a partition is a shard, the consumer group owns it.

Whoever is assigned a partition of the topic of orders works its shard, and has stopped before
another is assigned it. A message says only that there is something to look at; what, is read from
the database. So messages may be missing, late or repeated, offsets are not kept, and while brokers
are away engines go on with what they own, a look every second. Two owners of a shard, after one was
paused for long, are told apart by the shard's version.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from bengi import kafka
from bengi.kafka_messages import ORDERS
from trades.hosting import EngineHost

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition

log = logging.getLogger(__name__)

GROUP = "engines"
BATCH = 1_000
WAIT_S = 0.2
ALONE_AFTER_S = 15.0
"""Who has heard nothing of its group for so long at the start works all shards."""
GIVE_UP_S = 30.0
"""How long a shard's batch may take to end; after that the shard's version guards it."""


class KafkaSource:
    """Lets a host work what the group assigns it. run() in one thread, stop() from any.

    shards: all that there are; a partition beyond them is nobody's. client: settings of the
    consumer that are not the usual ones. timer_s tells seconds that only grow.
    """

    def __init__(
        self,
        host: EngineHost,
        shards: Collection[int],
        *,
        timer_s: Callable[[], float] = time.monotonic,
        **client: Any,
    ) -> None:
        self._host, self._all = host, frozenset(shards)
        self._timer_s, self._client = timer_s, client
        self._stop = threading.Event()
        self._begun_at_s = timer_s()
        self._is_told = False

    def run(self) -> None:
        """Follow the group until stopped, then give up every shard and leave it."""
        consumer = kafka.consumer(
            GROUP,
            **{
                "auto.offset.reset": "latest",
                "partition.assignment.strategy": "cooperative-sticky",
                **self._client,
            },
        )
        try:
            consumer.subscribe(
                [kafka.named(ORDERS)],
                on_assign=self.assigned,
                on_revoke=self.revoked,
                on_lost=self.lost,
            )
            while not self._stop.is_set():
                self.take(kafka.receive(consumer, BATCH, WAIT_S))
                self._work_alone()
        finally:
            for shard in self._host.shards:
                self._host.give_up(shard, GIVE_UP_S)
            consumer.close()

    def stop(self) -> None:
        """Let run() end."""
        self._stop.set()

    def take(self, received: list[Message]) -> None:
        """Nudge each shard that something was said about."""
        for error in {str(m.error()) for m in received if m.error() is not None}:
            log.warning("nothing is heard of Kafka, engines look every second: %s", error)
        for shard in {m.partition() for m in received if m.error() is None}:
            if shard is not None:
                self._host.nudge(shard)

    def assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Work what has been assigned, and nothing that the group does not know of."""
        self._is_told = True
        new = {each.partition for each in partitions}
        owned = new | {each.partition for each in consumer.assignment()}
        for shard in set(self._host.shards) - owned:
            self._host.give_up(shard, GIVE_UP_S)
        for shard in sorted(new & self._all):
            self._host.take(shard)
        log.info("works the shards %s", sorted(self._host.shards))

    def revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Give up what another is to work, before it is told so."""
        for each in partitions:
            self._host.give_up(each.partition, GIVE_UP_S)

    def lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Go on: the group cannot be reached, and what it says next decides.

        Another may work these by now. Then the shard's version lets one of the two book, and what
        is assigned when the group is reached again ends it.
        """
        shards = sorted(each.partition for each in partitions)
        log.warning("the group is out of reach, the shards %s are worked on", shards)

    def _work_alone(self) -> None:
        """Work everything where the group was never reached: orders do not wait for Kafka."""
        if self._is_told or self._timer_s() - self._begun_at_s < ALONE_AFTER_S:
            return
        self._is_told = True
        log.warning("the group is out of reach, all shards are worked: %s", sorted(self._all))
        for shard in sorted(self._all):
            self._host.take(shard)
