"""The thread that looks for corporate actions that have come due, every second."""

import logging
import threading

from django.db import connection

from bengi import clock
from trades.corporate.due import apply_due

log = logging.getLogger(__name__)


class CorporateActionLoop:
    """A thread's work. What it finds is in the database, so nothing is lost while it is away."""

    LOOK_S = 1.0

    def __init__(self) -> None:
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let run() end within its second."""
        self._stop.set()

    def run(self) -> None:
        """Look until stopped; a failed look is logged, and the next one tries again."""
        while not self._stop.wait(self.LOOK_S):
            try:
                apply_due(clock.now())
            except Exception:
                log.exception("corporate actions could not be applied; they are tried again")
                connection.close_if_unusable_or_obsolete()
