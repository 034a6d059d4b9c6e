"""The line to a server nothing depends on: left alone for a while after it broke, told once."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

T = TypeVar("T")
PAUSE_S = 1.0


class Line:
    """Whether Redis is there, as one part of this process finds it.

    Several threads use it without a lock: at worst something is said twice. without: what goes on
    meanwhile, for the log.
    """

    def __init__(self, log: logging.Logger, without: str, pause_s: float = PAUSE_S) -> None:
        self._log, self._without, self.pause_s = log, without, pause_s
        self._broke_at_s: float | None = None

    def ask(self, question: Callable[[], T], otherwise: T) -> T:
        """Return question's answer; otherwise where there is none, for pause_s without asking."""
        if self.is_paused():
            return otherwise
        try:
            answer = question()
        except (RedisError, OSError) as error:
            self.broke(error)
            return otherwise
        self.holds()
        return answer

    def is_paused(self) -> bool:
        broke_at_s = self._broke_at_s
        return broke_at_s is not None and time.monotonic() - broke_at_s < self.pause_s

    def broke(self, error: Exception) -> None:
        """Note that it does not hold; the first time is told."""
        if self._broke_at_s is None:
            self._log.warning("Redis is away, %s: %s", self._without, error)
        self._broke_at_s = time.monotonic()

    def holds(self) -> None:
        """Note that it holds, again after a break is told."""
        if self._broke_at_s is not None:
            self._broke_at_s = None
            self._log.warning("Redis answers again")
