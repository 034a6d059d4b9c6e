"""`manage.py twelvedata_usage`: what is left of Twelve Data's credits, and what is promised."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bengi import clock
from instruments.twelvedata.usage import Row, usage_report


class Command(BaseCommand):
    help = "Show the credits used and left, and how old prices become at most."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.TWELVE_DATA_API_KEY:
            raise CommandError("There is no key in TWELVE_DATA_API_KEY.")
        settings.MARKET_HOURS = "exchange"
        report = usage_report(clock.now())
        standing = report.standing
        self.stdout.write(f"Minute: {standing.minute_used} of {standing.minute_limit} credits used")
        self.stdout.write(f"Day:    {standing.day_used} of {standing.day_limit} credits used")
        if standing.closed_until is not None:
            until = f"{standing.closed_until:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"Nothing is asked until {until}: {standing.closed_by}")
        for row in report.rows:
            self.stdout.write(_line(row))
        for words in report.differing:
            self.stdout.write(words)


def _line(row: Row) -> str:
    return (
        f"{row.name:<10}{row.instruments:>5} instruments  {row.promise:<18}{row.used:>5} used today"
    )
