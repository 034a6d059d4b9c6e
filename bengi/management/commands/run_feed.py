"""`manage.py run_feed`: the market's prices, and the alerts that wait for them, in one process."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi.management import feeds
from bengi.management.serving import wait_for_the_end


class Command(BaseCommand):
    help = "Feed all processes with prices and fire price alerts. One is enough for all of them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        feeds.add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        feeds.check_options(options)
        _check_processes(options)
        from bengi.embedded import Market  # noqa: PLC0415 - it loads the engine

        market = Market(*feeds.source_of(options))
        market.start()
        self.stdout.write(f"Prices flow ({feeds.words_for(options)}).")
        self.stdout.flush()
        try:
            wait_for_the_end()
        finally:
            market.stop()
            self.stdout.write("Stopped.")


def _check_processes(options: dict[str, Any]) -> None:
    """Raise CommandError where the other processes cannot go by this feed."""
    if options["feed"] == "replay":
        raise CommandError(
            "A replay has a clock of its own, which no other process goes by: use manage.py run"
        )
    if options["feed"] in feeds.REAL_HOURS and settings.MARKET_HOURS != "exchange":
        raise CommandError(
            f"--feed {options['feed']} has real prices: set BENGI_MARKET_HOURS=exchange, for all"
            " processes"
        )
