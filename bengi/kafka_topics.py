"""The topics that Bengi publishes to, and how many partitions each needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings

from bengi.kafka import CONNECT_S, BrokerAway, client_settings, named, words_of
from bengi.kafka_messages import ACCOUNTS, INSTRUMENTS, ORDERS, TRADES

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

SPREAD = 4
"""Partitions of a topic whose partition belongs to the key: as many readers may share it."""
KEEP_ALL = {"retention.ms": "-1"}
"""So that what is made of a topic can be made again from offset 0."""


class TooFewPartitions(Exception):
    """A topic has no partition for some of the shards."""


def topics() -> dict[str, int]:
    """Return the number of partitions by topic; of orders and trades one for each shard."""
    shards = settings.MATCHING_SHARDS
    return {ORDERS: shards, TRADES: shards, ACCOUNTS: SPREAD, INSTRUMENTS: SPREAD}


def prepare_topics() -> None:
    """Make the topics that are missing. Raises BrokerAway, TooFewPartitions."""
    from confluent_kafka import KafkaException  # noqa: PLC0415
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    admin = AdminClient(client_settings())
    try:
        found = admin.list_topics(timeout=CONNECT_S).topics
    except KafkaException as error:
        raise BrokerAway(words_of(error.args[0])) from error
    missing = {}
    for name, needed in topics().items():
        has = len(found[named(name)].partitions) if named(name) in found else 0
        if not has:
            missing[named(name)] = needed
        elif has < needed and name in {ORDERS, TRADES}:
            raise TooFewPartitions(f"{named(name)} has {has} partitions for {needed} shards")
    if missing:
        _make(admin, missing)


def _make(admin: AdminClient, missing: dict[str, int]) -> None:
    """Make topics, with the brokers' own number of replicas."""
    from confluent_kafka import KafkaException  # noqa: PLC0415
    from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415

    new = [NewTopic(name, needed, config=KEEP_ALL) for name, needed in missing.items()]
    for name, made in admin.create_topics(new, request_timeout=CONNECT_S).items():
        try:
            made.result()
        except KafkaException as error:  # another made it meanwhile, or nobody may
            log.warning("topic %s was not made: %s", name, words_of(error.args[0]))
