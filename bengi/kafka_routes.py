"""From events to messages: which topic, which key, which partition, and what is told of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from bengi.events.models import Event
from bengi.kafka import BrokerAway, Message, Publisher
from bengi.kafka_messages import ACCOUNTS, INSTRUMENTS, ORDERS, SCHEMAS, TRADES
from bengi.kafka_topics import TooFewPartitions, prepare_topics
from instruments.models import Instrument

log = logging.getLogger(__name__)

TOPIC_OF = {
    "order": ORDERS,
    "trade": TRADES,
    "instrument": INSTRUMENTS,
    "corporate_action": INSTRUMENTS,
    "account": ACCOUNTS,
    "cash": ACCOUNTS,
    "adjustment": ACCOUNTS,
    "correction": ACCOUNTS,
    "dividend": ACCOUNTS,
    "portfolio": ACCOUNTS,
}
"""By the first word of an event's type."""
UNTOLD = frozenset({"alert", "calendar", "rate", "trading"})
"""A person's alerts are theirs; the house's rules are read from the API."""

Values = dict[str, Any]


def messages_of(events: Sequence[Event]) -> list[Message]:
    """Return what is told of events, in their order. One statement, for the shards of instruments.

    An event that cannot be told is logged and left out: it must not keep those behind it waiting.
    """
    shards = _shards(events)
    told = (_message(event, shards) for event in events)
    return [message for message in told if message is not None]


class KafkaRelay:
    """What a relay publishes by: topics are made before the first message. For one thread."""

    def __init__(self) -> None:
        self._publisher = Publisher()
        self._is_prepared = False

    def publish(self, events: Sequence[Event]) -> None:
        """Return once every message of events is acknowledged. Raises BrokerAway."""
        if not self._is_prepared:
            try:
                prepare_topics()
            except TooFewPartitions as error:
                raise BrokerAway(str(error)) from error
        self._is_prepared = False  # brokers that do not acknowledge may have lost their topics
        self._publisher.publish(messages_of(events))
        self._is_prepared = True


def _message(event: Event, shards: Mapping[str, int]) -> Message | None:
    word = event.type.partition(".")[0]
    topic = TOPIC_OF.get(word)
    if topic is None:
        assert word in UNTOLD, f"nobody has decided whether {event.type} is told"
        return None
    try:
        values = _VALUES[topic](event)
        if values is None:
            return None
        told = msgspec.convert(_head(event) | values, SCHEMAS[topic])
    except (KeyError, msgspec.ValidationError) as error:
        log.error("event %s (%s) is not published: %r", event.id, event.type, error)
        return None
    key = values["account_id" if topic == ACCOUNTS else "instrument_id"]
    return Message(
        topic=topic,
        key=str(key).encode(),
        value=msgspec.json.encode(told),
        headers={
            "type": event.type,
            "version": str(told.VERSION),
            "stream": str(event.stream_id),
            "seq": str(event.seq),
        },
        partition=shards.get(str(key)) if topic in {ORDERS, TRADES} else None,
    )


def _head(event: Event) -> Values:
    return {"event_id": event.id, "event": event.type, "occurred_at": event.occurred_at}


def _order(event: Event) -> Values:
    payload = event.payload
    return {**payload["order"], "instrument_id": payload["state"]["instrument_id"]}


def _trade(event: Event) -> Values:
    return {**event.payload["trade"], **event.payload["state"]}


def _account(event: Event) -> Values:
    account = str(event.stream_id)
    moved = [
        {"transaction_id": each["id"], "kind": each["kind"], **leg}
        for each in event.payload.get("transactions", ())
        for leg in each["entries"]
        if leg["account_id"] == account
    ]
    return {"account_id": account, "subject": event.subject, "cash": moved}


def _instrument(event: Event) -> Values | None:
    payload = event.payload
    action = payload.get("action")
    if action is not None and not action["approved_at"]:
        return None  # what one of staff has asked for is not agreed on
    return {
        "instrument_id": str(event.stream_id),
        "status": payload.get("status"),
        "terms": payload.get("terms"),
        "action": action,
    }


_VALUES: Mapping[str, Callable[[Event], Values | None]] = {
    ORDERS: _order,
    TRADES: _trade,
    ACCOUNTS: _account,
    INSTRUMENTS: _instrument,
}


def _shards(events: Sequence[Event]) -> dict[str, int]:
    """Return the shards of the instruments that orders and trades are about, by id as text."""
    found: set[UUID] = set()
    for event in events:
        state = event.payload.get("state") or {}
        if event.type.startswith(("order.", "trade.")) and "instrument_id" in state:
            found.add(UUID(state["instrument_id"]))
    rows = Instrument.objects.filter(id__in=found).values_list("id", "shard") if found else ()
    return {str(instrument_id): shard for instrument_id, shard in rows}
