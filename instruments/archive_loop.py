"""One thread beside the feed that moves old bars into the archive and copies events there."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from bengi.events.archive import archive_events
from bengi.leases.services import LeaseLost
from bengi.mongo import StoreAway
from instruments.archive import archive_bars

log = logging.getLogger(__name__)

ROUND_S = 3600
AGAIN_S = 60
"""After a round that failed the next one comes so soon."""


class ArchiveLoop:
    """Archives in the calling thread, once an hour, until stop()."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stop = threading.Event()

    def run(self) -> None:
        """Archive until told to stop. A round may end with the process: the next one goes on."""
        try:
            while not self._stop.is_set():
                went_well = archive_all(self._now())
                connection.close_if_unusable_or_obsolete()
                self._stop.wait(ROUND_S if went_well else AGAIN_S)
        finally:
            connection.close()

    def stop(self) -> None:
        """Let run() end."""
        self._stop.set()


def archive_all(now: datetime) -> bool:
    """Archive bars and events, and return whether all of it went well.

    A process edge, so every error ends here, in the log.
    """
    try:
        moved, copied = archive_bars(now), archive_events()
    except StoreAway:
        return False  # bengi.mongo has logged why
    except LeaseLost:
        return False  # another process copies events, or did when it was killed
    except Exception:
        log.exception("archiving has failed and is tried again")
        return False
    if moved or copied:
        log.info("archived %s bars, %s events", moved, copied)
    return True
