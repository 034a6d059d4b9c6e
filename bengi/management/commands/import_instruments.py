"""`manage.py import_instruments FILE`: list and correct instruments from a CSV file."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from bengi.management.operator import OperatorCommand
from instruments.csv_file import COLUMNS, MORE, import_file
from trades.listings import correct_instruments


class Command(OperatorCommand):
    help = (
        f"List or correct instruments from a CSV file with the columns {', '.join(COLUMNS)} "
        f"and, if you like, {', '.join(MORE)}: all of its lines or none."
    )

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what it would do")

    def do(self, options: dict[str, Any], by: User | None, now: datetime) -> str:
        done = import_file(
            options["file"],
            correct=correct_instruments,
            by=by,
            now=now,
            is_dry_run=options["dry_run"],
        )
        for line in done.errors:
            self.stderr.write(line)
        if done.errors:
            raise CommandError(f"{len(done.errors)} errors; nothing has been imported.")
        words = f"{done.listed} listed, {done.corrected} corrected, {done.unchanged} as they were."
        return f"Dry run, nothing is written: {words}" if options["dry_run"] else words
