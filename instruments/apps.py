"""The instruments app: every process goes by the known holidays from its start."""

from django.apps import AppConfig

from instruments import calendar
from instruments.special_days import known_days


class InstrumentsConfig(AppConfig):
    """Puts the facts of the file in use; instruments.days adds what staff have said."""

    name = "instruments"

    def ready(self) -> None:
        calendar.use(calendar.Calendar(known_days(), {}))
