"""`manage.py archive_bars`: move what is past its keeping time into MongoDB, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bengi import clock, mongo
from bengi.mongo import StoreAway
from instruments.archive import archive_bars


class Command(BaseCommand):
    help = "Move intraday bars past their keeping time into the archive that MONGODB_URI names."

    def handle(self, *args: Any, **options: Any) -> None:
        if not mongo.is_used():
            raise CommandError("There is no archive: MONGODB_URI is not set.")
        try:
            moved = archive_bars(clock.now())
        except StoreAway as error:
            raise CommandError(
                f"MongoDB is away, what is not archived has stayed: {error}"
            ) from error
        self.stdout.write(f"{moved} bars moved into the archive.")
