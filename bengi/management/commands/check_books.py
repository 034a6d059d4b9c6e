"""`manage.py check_books`: recompute every total and say which lines differ."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bengi.books import check_books


class Command(BaseCommand):
    help = "Check every invariant of the books. Ends with a non-zero status when a line differs."

    def handle(self, *args: Any, **options: Any) -> None:
        found = check_books()
        for name, lines in found.items():
            self.stdout.write(f"{'ok  ' if not lines else 'FAIL'} {name.replace('_', ' ')}")
            for line in lines:
                self.stdout.write(f"     {line}")
        wrong = sum(len(lines) for lines in found.values())
        if wrong:
            raise CommandError(f"{wrong} lines differ")
        self.stdout.write(f"The books are clean: {len(found)} checks.")
