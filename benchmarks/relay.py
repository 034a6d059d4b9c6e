"""The relay: from the event log to durable messages, in batches and one by one.

On a PostgreSQL that syncs; Kafka's stand-in is in the same process.
"""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from benchmarks.admission_stage import analyze, own_servers
from benchmarks.table import Line, report

EVENTS = 20_000
STREAMS = 200
EVENTS_ONE_BY_ONE = 1_000


def run() -> None:
    """Relay a log in batches, then a shorter one event by event, each from its beginning."""
    with own_servers():
        from django.conf import settings

        from bengi.kafka import named
        from bengi.kafka_mock import MockCluster
        from bengi.kafka_topics import topics
        from tests.labs.stage import set_up

        set_up(Decimal(1_000))
        _write_log(EVENTS)
        analyze()
        with MockCluster({named(name): count for name, count in topics().items()}) as cluster:
            settings.BENGI_KAFKA = cluster.brokers
            batched = _relay_all()
            one_by_one = _relay_one_by_one()
    report(
        "relay",
        f"Relay of {EVENTS:,} events of {STREAMS} streams (PostgreSQL that syncs, mock cluster)",
        [
            Line("in batches", batched, "events/s", batched / one_by_one),
            Line("one by one, position after each", one_by_one, "events/s"),
        ],
    )


def _write_log(events: int) -> None:
    """Append order events of many accounts, with payloads of their usual size."""
    from django.db import transaction

    from bengi.events.models import Event
    from bengi.events.services import NewEvent, append
    from bengi.ids import new_id
    from instruments.models import Instrument
    from tests.labs.stage import SYMBOL

    instrument = Instrument.objects.get(symbol=SYMBOL)
    streams = [new_id() for _ in range(STREAMS)]
    now = datetime.now(UTC)
    Event.objects.all().delete()
    for _ in range(0, events, STREAMS):
        with transaction.atomic():
            append(
                [
                    NewEvent(stream, "order.new", _payload(stream, instrument), now)
                    for stream in streams
                ]
            )


def _payload(account_id: UUID, instrument: Any) -> dict[str, Any]:
    """Return what an event of an order carries."""
    from orders.models import Order
    from orders.payloads import order_payload, order_state

    order = Order(
        account_id=account_id,
        portfolio_id=account_id,
        instrument=instrument,
        client_order_id="bench",
        side="buy",
        type="limit",
        time_in_force="day",
        quantity=Decimal(10),
        limit_price=Decimal("100.01"),
        status="new",
        accepted_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
    )
    steps = [{"kind": "rests", "at": "2026-11-26T06:00:00.000000Z", "quantity": "10"}]
    payload = {"order": order_payload(order, instrument.symbol), "state": order_state(order)}
    return payload | {"steps": steps}


def _relay_all() -> float:
    """Return how many events a second a relay publishes from the beginning of the log."""
    from bengi.events.models import RelayedStream
    from bengi.events.relay import Relay
    from bengi.kafka_routes import KafkaRelay

    RelayedStream.objects.all().delete()
    publisher = KafkaRelay()
    publisher.publish([])
    relay = Relay(publisher.publish)
    began, published = time.perf_counter(), 0
    while count := relay.turn(datetime.now(UTC)):
        published += count
    return published / (time.perf_counter() - began)


def _relay_one_by_one() -> float:
    """Return the same for each event by itself: published, awaited, its position written."""
    from bengi.events.models import Event, RelayedStream
    from bengi.events.positions import move
    from bengi.kafka_routes import KafkaRelay

    RelayedStream.objects.all().delete()
    publisher = KafkaRelay()
    publisher.publish([])
    events: list[Any] = list(Event.objects.order_by("id")[:EVENTS_ONE_BY_ONE])
    began = time.perf_counter()
    for event in events:
        publisher.publish([event])
        move(RelayedStream, [event])
    return len(events) / (time.perf_counter() - began)
