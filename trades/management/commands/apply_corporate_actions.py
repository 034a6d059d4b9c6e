"""`manage.py apply_corporate_actions`: what has come due, for when no engine runs; or a preview."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bengi import clock
from bengi.errors import BengiError
from instruments.days import use_stored_days
from instruments.models import CorporateAction
from trades.corporate.due import apply_due
from trades.corporate.previews import preview


class Command(BaseCommand):
    help = "Apply approved corporate actions that are due. A running engine does so by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preview", metavar="ID", help="show what one would do; write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        use_stored_days()
        if options["preview"]:
            self._preview(options["preview"])
            return
        done = apply_due(clock.now())
        self.stdout.write(
            f"{done.splits} splits applied, {done.entitled} holders of dividends recorded, "
            f"{done.paid} paid."
        )
        if done.failed:
            raise CommandError(f"{done.failed} actions failed; see the log and the admin.")

    def _preview(self, text: str) -> None:
        try:
            rows = CorporateAction.objects.select_related("instrument")
            action = rows.get(id=UUID(text))
        except (ValueError, CorporateAction.DoesNotExist) as error:
            raise CommandError(f"There is no corporate action {text}.") from error
        try:
            shown = preview(action, clock.now())
        except BengiError as error:
            raise CommandError(error.detail) from error
        for line in shown.words():
            self.stdout.write(line)
