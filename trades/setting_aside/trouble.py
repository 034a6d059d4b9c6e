"""How an engine that meets trouble finds what makes it: smaller batches, until one stands alone."""

from dataclasses import dataclass
from datetime import datetime

TRIES = 5
"""How often a message is tried before it is set aside."""

CALM = 8


@dataclass(slots=True)
class Trouble:
    """Failures in a row since since, and how many commands the next batch may have.

    window is None while all is well: a batch takes all there is. It is halved with every failure
    and doubled with every success, until a success has left nothing over. After TRIES failures it
    grows no more before CALM successes in a row: books that are built anew bring back messages
    that work, the turns of other exchanges, before the one that does not.
    """

    failures: int = 0
    window: int | None = None
    since: datetime | None = None
    calm: int = 0

    def failed(self, size: int, now: datetime) -> None:
        """Take note of a batch of size commands that failed."""
        self.failures += 1
        self.since = self.since or now
        self.window, self.calm = max(1, size // 2), 0

    def passed(self, *, is_all: bool) -> None:
        """Take note of a batch that was booked; is_all: it was all there was."""
        if self.window is None:
            return
        self.calm += 1
        if is_all:
            self.failures, self.window, self.since, self.calm = 0, None, None, 0
        elif self.failures < TRIES or self.calm % CALM == 0:
            self.window *= 2

    def is_found(self, size: int) -> bool:
        """Say whether a batch of size commands has failed that is to be tried no more."""
        return size <= 1 and self.failures >= TRIES

    def found(self) -> None:
        """What made it is set aside; what comes next has tries of its own."""
        self.failures, self.since = 0, None
