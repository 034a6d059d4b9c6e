"""`manage.py seed_demo`: instruments, and a demo trader with a funded account. Runs any number
of times and changes nothing that is there already."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import User
from accounts.rates import import_rates
from accounts.services import import_fees
from bengi import clock
from bengi.onboarding import sign_up
from instruments.days import import_days
from instruments.services import import_catalog


class Command(BaseCommand):
    help = "Create the demo's instruments and its trader where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        seed(clock.now())
        self.stdout.write(f"Demo sign-in: {settings.DEMO_EMAIL} / {settings.DEMO_PASSWORD}")


@transaction.atomic
def seed(now: datetime) -> None:
    """Create what is missing of the demo."""
    import_catalog()
    import_rates(now)
    import_days()
    import_fees()
    if settings.DEMO_EMAIL and not User.objects.filter(email=settings.DEMO_EMAIL).exists():
        sign_up(settings.DEMO_EMAIL, "Demo Trader", settings.DEMO_PASSWORD, now=now)
