"""`manage.py import_calendar`: the exchanges' special days, from the file into the table.

With --until the file itself is written anew first, from exchange_calendars (a development package).
"""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instruments.days import import_days
from instruments.special_days import days_of_library, write_days


class Command(BaseCommand):
    help = "Copy holidays and early closes into the table; with --until write their file first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--until", type=date.fromisoformat, help="last day to ask exchange_calendars for"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["until"]:
            try:
                written = write_days(days_of_library(options["until"]))
            except ModuleNotFoundError as error:
                raise CommandError(
                    f"{error.name} is missing: it comes with requirements-dev.txt"
                ) from error
            self.stdout.write(f"{written} days written to the file.")
        self.stdout.write(f"{import_days()} days changed in the table.")
