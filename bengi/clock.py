"""The one clock. Only doors read it; everything below takes `now` as an argument."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Source = Callable[[], datetime]


def _wall() -> datetime:
    return datetime.now(UTC)


_source: Source = _wall


def now() -> datetime:
    """Return the market's time, aware and in UTC: the wall clock unless a replay drives it."""
    return _source()


def wall() -> datetime:
    """Return the machine's time, which no replay drives: for sign-ins, tokens, limits."""
    return _wall()


def use(source: Source) -> None:
    """Let source tell the time from here on, in every thread of this process."""
    global _source  # noqa: PLW0603 - one clock per process is the point
    _source = source


def reset() -> None:
    """Go back to the wall clock."""
    use(_wall)


class SpedUpClock:
    """A clock that starts at `start` and runs `speed` times as fast as the wall does."""

    def __init__(self, start: datetime, speed: float) -> None:
        if speed <= 0:
            raise ValueError("speed must be more than zero")
        self._start = start
        self._speed = speed
        self._born_s = time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._born_s) * self._speed)
