"""The loop that keeps the tape printing: reads the topic of trades, batch by batch."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import msgspec
from django.db import InterfaceError, OperationalError, connection

from bengi import kafka
from bengi.kafka import CONNECT_S, BrokerAway
from bengi.kafka_messages import TRADES, TradeMessage
from trades.tape import next_offsets, print_tape

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition

log = logging.getLogger(__name__)

BATCH = 1_000
WAIT_S = 0.5
"""How long a look for messages may take; so soon it stops, too."""
PAUSE_S = 0.2
"""For how long it leaves a database alone that is away."""
SILENCE_S = 30.0
"""Who reads to the end gives up when nothing comes for so long."""


class TapeLoop:
    """Prints the tape in the calling thread until stop(), which any thread may call.

    Where to go on stands in the database beside what was printed, so the group keeps no offsets.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.printed = 0

    def run(self) -> None:
        """Print what is published; of several who do, each has some of the partitions.

        While the database is away it waits, and then goes on where the database says.
        """
        while not self._stop.is_set():
            try:
                self._follow()
            except (OperationalError, InterfaceError) as error:
                log.warning("the tape waits for the database: %s", error)
                self._await_database()

    def _await_database(self) -> None:
        """Ask it again and again: to come back to the group each time would take longer."""
        is_away = True
        while is_away and not self._stop.is_set():
            connection.close_if_unusable_or_obsolete()
            try:
                next_offsets()
                is_away = False
            except (OperationalError, InterfaceError):
                self._stop.wait(PAUSE_S)

    def _follow(self) -> None:
        consumer = kafka.consumer("tape")
        try:
            consumer.subscribe([kafka.named(TRADES)], on_assign=_go_on)
            while not self._stop.is_set():
                self._take(kafka.receive(consumer, BATCH, WAIT_S))
        finally:
            consumer.close()

    def run_to_end(self, *, from_start: bool = False) -> None:
        """Print what is published by now, of all partitions. Raises BrokerAway.

        from_start: from offset 0, wherever another tape has got to meanwhile.
        """
        consumer = kafka.consumer("tape")
        try:
            ends = _ends(consumer)
            known = {} if from_start else next_offsets()
            consumer.assign([_partition(number, known.get(number, 0)) for number in ends])
            silent_s = 0.0
            while not self._stop.is_set() and ends:
                read = self._take(kafka.receive(consumer, BATCH, WAIT_S))
                ends = {n: end for n, end in ends.items() if read.get(n, known.get(n, 0)) < end}
                silent_s = 0.0 if read else silent_s + WAIT_S
                if silent_s > SILENCE_S:
                    raise BrokerAway(f"nothing has come for {SILENCE_S:g} seconds")
        finally:
            consumer.close()

    def stop(self) -> None:
        """Let run() end."""
        self._stop.set()

    def _take(self, received: list[Message]) -> dict[int, int]:
        """Print what has been received, and return by partition how far it has been read."""
        offsets, trades = dict[int, int](), list[TradeMessage]()
        for message in received:
            partition, offset = message.partition(), message.offset()
            if message.error() is not None or partition is None or offset is None:
                log.warning("the tape hears nothing of Kafka: %s", message.error())
                continue
            offsets[partition] = offset + 1
            trades += _told(message)
        if offsets:
            self.printed += print_tape(trades, offsets)
        return offsets


def _told(message: Message) -> list[TradeMessage]:
    """Return the trade that a message tells; one that cannot be read is logged and passed over."""
    try:
        return [msgspec.json.decode(message.value() or b"", type=TradeMessage)]
    except msgspec.DecodeError as error:
        where = f"{message.topic()} {message.partition()} at {message.offset()}"
        log.error("the tape cannot read %s: %s", where, error)
        return []


def _go_on(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    """Go on where the database says, or from the beginning."""
    known = next_offsets()
    for each in partitions:
        each.offset = known.get(each.partition, 0)
    consumer.assign(partitions)


def _ends(consumer: Consumer) -> dict[int, int]:
    """Return by partition the offset behind its last message, where it has any."""
    from confluent_kafka import KafkaException  # noqa: PLC0415

    name = kafka.named(TRADES)
    try:
        found = consumer.list_topics(name, timeout=CONNECT_S).topics[name].partitions
        marks = {n: consumer.get_watermark_offsets(_partition(n), CONNECT_S) for n in found}
    except KafkaException as error:
        raise BrokerAway(kafka.words_of(error.args[0])) from error
    if not all(marks.values()):
        raise BrokerAway("no answer in time")
    return {number: mark[1] for number, mark in marks.items() if mark[0] < mark[1]}


def _partition(number: int, offset: int = 0) -> TopicPartition:
    from confluent_kafka import TopicPartition  # noqa: PLC0415

    return TopicPartition(kafka.named(TRADES), number, offset)
