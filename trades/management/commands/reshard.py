"""`manage.py reshard`: spread the instruments over another number of shards."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trades.resharding import reshard

SHARDS_MAX = 1000


class Command(BaseCommand):
    help = (
        "Spread the instruments over so many shards. Orders keep their places; engines that run "
        "are fenced. Restart the feed and the engines with BENGI_SHARDS set to the same number."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shards", type=int, required=True, help="how many there are to be")

    def handle(self, *args: Any, **options: Any) -> None:
        shards = options["shards"]
        if not 1 <= shards <= SHARDS_MAX:
            raise CommandError(f"--shards must be between 1 and {SHARDS_MAX}")
        moved = reshard(shards)
        self.stdout.write(f"{moved} instruments have moved; there are {shards} shards.")
