"""`manage.py kafka_dev`: a stand-in of Kafka for development, until Ctrl-C."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi.kafka import named
from bengi.kafka_mock import Door, MockCluster
from bengi.kafka_topics import topics
from bengi.management.serving import wait_for_the_end


class Command(BaseCommand):
    help = (
        "Run a stand-in of Kafka on 127.0.0.1: the mock cluster of librdkafka. All of it is in "
        "memory and gone at the end; a partition keeps about its newest 5 MB; it makes no topics "
        "beside Bengi's own and those somebody publishes to, and isolates no transactions."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=9092, help="9092; 0: any that is free")
        parser.add_argument(
            "--file", type=Path, help="write the line BENGI_KAFKA=... there once it answers"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with MockCluster({named(name): count for name, count in topics().items()}) as cluster:
            door = self._door(options["port"], cluster)
            line = f"BENGI_KAFKA=127.0.0.1:{door.port}"
            if options["file"] is not None:
                _write(options["file"], f"{line}\n")
            self.stdout.write(f"{line}  ({settings.MATCHING_SHARDS} shards; in memory only)")
            self.stdout.write("Ctrl-C stops it.")
            self.stdout.flush()
            wait_for_the_end()
            door.close()
        self.stdout.write("Stopped.")

    def _door(self, port: int, cluster: MockCluster) -> Door:
        try:
            return Door("127.0.0.1", port, cluster.brokers)
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}); choose another one with --port N"
            ) from error


def _write(file: Path, text: str) -> None:
    """Write a file that is there with all of its text, or not at all."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
