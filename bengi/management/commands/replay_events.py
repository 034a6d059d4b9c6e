"""`manage.py replay_events`: fold the event log from zero and compare it with the tables."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bengi.replay import differences, fold_log


class Command(BaseCommand):
    help = "Fold all events from zero. Ends with a non-zero status when the tables say otherwise."

    def handle(self, *args: Any, **options: Any) -> None:
        folded = fold_log()
        lines = list(differences(folded))
        for line in lines:
            self.stdout.write(line)
        if lines:
            raise CommandError(f"{len(lines)} lines differ between the events and the tables")
        self.stdout.write(f"{folded.events} events fold to the tables, to the byte.")
