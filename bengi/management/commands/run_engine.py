"""`manage.py run_engine`: the engines of some shards in a process of their own."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi.management.serving import wait_for_the_end
from bengi.threads import Crew
from instruments.days import CalendarWatch
from trades.hosting import EngineHost


class Command(BaseCommand):
    help = "Work orders. Two processes of one shard are safe, one is fast."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shards", help="such as 0,1 (default: all of BENGI_SHARDS)")
        parser.add_argument(
            "--source",
            choices=["bus", "kafka"],
            default="bus",
            help="bus: work these shards; kafka: work those that the consumer group hands over",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from bengi.embedded import engine_host  # noqa: PLC0415 - it loads the engine

        _check_source(options)
        shards = _shards(options["shards"])
        host, crew = engine_host(), Crew()
        calendar = CalendarWatch()
        calendar.look()
        crew.add("calendar", calendar)
        if options["source"] == "kafka":
            _follow_kafka(host, shards, crew)
        else:
            for shard in shards:
                host.take(shard)
        told = "by the consumer group" if options["source"] == "kafka" else _words(shards)
        self.stdout.write(f"Engines work: shards {told}.")
        self.stdout.flush()
        try:
            wait_for_the_end()
        finally:
            crew.stop()
            host.stop()
            self.stdout.write("Stopped.")


def _check_source(options: dict[str, Any]) -> None:
    """Raise CommandError where the shards cannot come from there."""
    if options["source"] == "kafka" and options["shards"] is not None:
        raise CommandError("With --source kafka the consumer group says which shards")
    if options["source"] == "kafka" and not settings.BENGI_KAFKA:
        raise CommandError("--source kafka needs BENGI_KAFKA, as host:port")


def _shards(text: str | None) -> list[int]:
    """Return the shards that are asked for. Raises CommandError."""
    there_are = range(settings.MATCHING_SHARDS)
    if text is None:
        return list(there_are)
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() for word in words):
        raise CommandError("--shards takes numbers with commas between them, such as 0,1")
    shards = sorted({int(word) for word in words})
    if shards[-1] not in there_are:
        raise CommandError(f"BENGI_SHARDS is {len(there_are)}, so there is no shard {shards[-1]}")
    return shards


def _words(shards: list[int]) -> str:
    return ", ".join(map(str, shards))


def _follow_kafka(host: EngineHost, shards: list[int], crew: Crew) -> None:
    """Let a consumer group say which shards are worked here."""
    source = import_module("trades.kafka_source")  # a library of its own
    crew.add("kafka", source.KafkaSource(host, shards))
