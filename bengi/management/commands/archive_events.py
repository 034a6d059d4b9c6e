"""`manage.py archive_events`: copy new events into MongoDB, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi import mongo
from bengi.events.archive import OtherBooks, archive_events
from bengi.leases.services import LeaseLost
from bengi.mongo import StoreAway


class Command(BaseCommand):
    help = "Copy the events that are new into the archive that MONGODB_URI names."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from-start", action="store_true", help="all of them, into an emptied archive"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not mongo.is_used():
            raise CommandError("There is no archive: MONGODB_URI is not set.")
        try:
            copied = archive_events(from_start=options["from_start"])
        except StoreAway as error:
            raise CommandError(f"MongoDB is away: {error}") from error
        except OtherBooks as error:
            raise CommandError(f"Nothing more is copied: {error}") from error
        except LeaseLost as error:
            raise CommandError("Another process copies events now, and goes on with it.") from error
        self.stdout.write(f"{copied} events copied into the archive.")
