"""Celery's beat, patient with its broker: one line when it goes away, and one when it is back.

What is due meanwhile is left out, not sent late: each task is due again soon, and finds its work in
the database.
"""

import logging
from typing import Any

from celery.beat import PersistentScheduler, SchedulingError
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


class PatientScheduler(PersistentScheduler):
    """Sends what is due, or says once that it cannot."""

    is_away = False

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send a task. A broker that is away costs a line; every other error is logged whole."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            if not isinstance(error.__context__, OperationalError):
                log.exception("%s cannot be sent", entry.name)
            elif not self.is_away:
                self.is_away = True
                log.warning("no task can be sent until the broker is back: %s", error.__context__)
            return
        if self.is_away:
            self.is_away = False
            log.warning("the broker is back, tasks are sent again")

    def _ensure_connected(self) -> Any:
        """Return the connection as it is: who sends first opens it, or finds it away."""
        return self.connection
