"""A duty as a process has it: taken, kept by asking every second, and known to be over."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from bengi.ids import new_id
from bengi.leases.models import Lease
from bengi.leases.services import LeaseLost, hold, release, take, this_process

log = logging.getLogger(__name__)

LASTS_S = 6
"""So long nobody has the duty when the process that had it dies."""
LASTS = timedelta(seconds=LASTS_S)
KEEP_S = 1
"""How often it is kept, and how often who waits asks again."""


class Tenure:
    """One process's turn at a duty. is_held may be read by any thread, the rest is one thread's.

    now: the machine's time. now_s: a clock that goes on while the process is stopped.
    """

    def __init__(
        self,
        duty: str,
        now: Callable[[], datetime],
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._duty, self._now, self._now_s = duty, now, now_s
        self._holder = new_id()
        self._by = this_process()
        self._until_s = 0.0

    @property
    def is_held(self) -> bool:
        """Whether it is ours by all we know; not, for one that was stopped for too long."""
        return self._now_s() < self._until_s

    def take(self) -> bool:
        """Take the duty; return False while another has it, or while nobody can say."""
        return bool(self._ask(self._take))

    def keep(self) -> bool:
        """Keep the duty; return False once another has had it, be it that it has let go since.

        While nobody can be asked it is ours until its time is up, and nobody's by all we know then:
        the database may be away from us alone.
        """
        return self._ask(self._hold) is not False

    def _take(self) -> bool:
        return take(self._duty, self._holder, self._by, self._now(), LASTS)

    def _hold(self) -> bool:
        try:
            hold(self._duty, self._holder, self._now(), LASTS)
        except LeaseLost:
            return False
        return True

    def _ask(self, question: Callable[[], bool]) -> bool | None:
        """Return whether the duty is ours now; None while the database is away."""
        asked_s = self._now_s()
        try:
            is_ours = question()
        except DatabaseError as error:
            log.warning("whose turn it is cannot be asked: %s", str(error).partition("\n")[0])
            connection.close_if_unusable_or_obsolete()
            return None
        self._until_s = asked_s + LASTS_S if is_ours else 0.0
        return is_ours

    def release(self) -> None:
        """Let another have it at once, if it is ours."""
        self._until_s = 0.0
        try:
            release(self._duty, self._holder)
        except DatabaseError:
            log.warning("%s could not be let go: another waits for its end", self._duty)

    def who(self) -> str:
        """Say who has it; "" while nobody can be asked."""
        try:
            row = Lease.objects.filter(duty=self._duty).first()
        except DatabaseError:
            return ""
        return "nobody" if row is None or row.holder is None else row.by
