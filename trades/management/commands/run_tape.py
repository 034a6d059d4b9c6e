"""`manage.py run_tape`: the trade tape, made of what is published, until it is stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi import kafka
from trades.tape import empty_tape
from trades.tape_loop import TapeLoop


class Command(BaseCommand):
    help = (
        "Print the trade tape and the volume of each instrument and day, from the topic of trades. "
        "A sample of what reads Kafka: what comes twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="forget the tape, print it from offset 0 (stop others first, or say --until-end)",
        )
        parser.add_argument(
            "--until-end", action="store_true", help="stop behind what is published by now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not kafka.is_used():
            raise CommandError("There is nothing to read: BENGI_KAFKA is not set.")
        loop = TapeLoop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.stop())
        if options["rebuild"]:
            empty_tape()
        try:
            if options["until_end"]:
                loop.run_to_end(from_start=options["rebuild"])
            else:
                loop.run()
        except kafka.BrokerAway as error:
            raise CommandError(f"Kafka is away: {error}") from error
        self.stdout.write(f"{loop.printed} trades printed.")
