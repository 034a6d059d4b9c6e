"""`manage.py run_relay`: publish the event log to Kafka, until it is stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from bengi import clock, kafka
from bengi.events.loop import RelayLoop
from bengi.events.models import RelayedStream, RelayLease
from bengi.events.relay import Relay
from bengi.kafka_routes import KafkaRelay


class Command(BaseCommand):
    help = (
        "Publish the event log to the brokers that BENGI_KAFKA names. Of several relays one works, "
        "the others stand by. Brokers may be away, also at the start."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from-start", action="store_true", help="all events, for brokers that have lost them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not kafka.is_used():
            raise CommandError("There is nowhere to publish: BENGI_KAFKA is not set.")
        if options["from_start"]:
            forget_positions()
        loop = RelayLoop(Relay(KafkaRelay().publish), clock.wall)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.stop())
        self.stdout.write("Relaying. Ctrl-C stops it.")
        self.stdout.flush()
        loop.run()
        self.stdout.write("Stopped.")


@transaction.atomic
def forget_positions() -> None:
    """Let the next relay begin at the first event of each stream.

    One that is at work loses its lease first, so that it does not note where it was.
    """
    RelayLease.objects.update(holder=None)
    RelayedStream.objects.all().delete()
