"""`manage.py import_corporate_actions FILE --by EMAIL`: propose what a CSV file lists."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from bengi import clock
from bengi.errors import BengiError
from instruments.days import use_stored_days
from trades.corporate.csv_file import COLUMNS, import_actions


class Command(BaseCommand):
    help = f"Propose corporate actions from a CSV file with the columns {', '.join(COLUMNS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="e-mail of the one of staff who enters it")

    def handle(self, *args: Any, **options: Any) -> None:
        use_stored_days()
        by = User.objects.filter(email__iexact=options["by"], is_active=True).first()
        if by is None:
            raise CommandError(f"There is nobody with the address {options['by']}.")
        try:
            done = import_actions(options["file"], by, now=clock.now())
        except BengiError as error:
            raise CommandError(error.detail) from error
        for line in done.errors:
            self.stderr.write(line)
        if done.errors:
            raise CommandError(f"{len(done.errors)} errors; nothing has been imported.")
        self.stdout.write(
            f"{len(done.actions)} proposed, {done.skipped} there already. "
            "Another of staff has to approve them."
        )
