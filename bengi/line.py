"""The line to a server nothing depends on: left alone for a while after it broke, told once."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

T = TypeVar("T")
PAUSE_S, PAUSE_S_MAX = 1.0, 10.0


class Line:
    """Whether Redis is there, as one part of this process finds it.

    Any thread may use it. without: what goes on meanwhile, for the log. It is left alone for
    pause_s, twice as long each time it breaks again, pause_s_max at most: a server that hangs costs
    each question its timeout.
    """

    def __init__(
        self,
        log: logging.Logger,
        without: str,
        pause_s: float = PAUSE_S,
        pause_s_max: float = PAUSE_S_MAX,
    ) -> None:
        self._log, self._without = log, without
        self._first_s, self._most_s = pause_s, pause_s_max
        self._pause_s = pause_s
        self._broke_at_s: float | None = None
        self._returns = 0
        self._lock = threading.Lock()

    def ask(self, question: Callable[[], T], otherwise: T) -> T:
        """Return question's answer; otherwise where there is none, for a while without asking."""
        if self.is_paused():
            return otherwise
        returns = self._returns
        try:
            answer = question()
        except (RedisError, OSError) as error:
            if returns == self._returns:  # else somebody was answered since this was asked
                self.broke(error)
            return otherwise
        self.holds()
        return answer

    def is_paused(self) -> bool:
        broke_at_s = self._broke_at_s
        return broke_at_s is not None and time.monotonic() - broke_at_s < self._pause_s

    def broke(self, error: Exception) -> None:
        """Note that it does not hold; the first time is told."""
        with self._lock:
            is_news = self._broke_at_s is None
            self._pause_s = self._first_s if is_news else min(2 * self._pause_s, self._most_s)
            self._broke_at_s = time.monotonic()
            if is_news:
                self._log.warning("Redis is away, %s: %s", self._without, error)

    def holds(self) -> None:
        """Note that it holds, again after a break is told."""
        if self._broke_at_s is None:
            return
        with self._lock:
            is_news, self._broke_at_s = self._broke_at_s is not None, None
            self._returns += is_news
            if is_news:
                self._log.warning("Redis answers again")
