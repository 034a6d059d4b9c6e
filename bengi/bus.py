"""The bus: messages between the parts of Bengi that may be lost, repeated or late.

A message is a hint to look again at the database or at the newest quote; nothing depends on its
arrival. The memory bus serves one process (embedded mode) and calls back in the publisher's thread.
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

TICKS = "ticks"
NUDGE = "nudge"
ACCOUNT = "account"
STALE = "stale"
"""The id of an instrument whose quote was too old for somebody who wants to trade."""
ALERTS = "alerts"
"""The id of an instrument whose price alerts have changed."""

Callback = Callable[[Any], None]


class MemoryBus:
    """Deliver within this process, at once, to callbacks that are quick and do not raise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[str, tuple[Callback, ...]] = defaultdict(tuple)

    def publish(self, topic: str, message: Any) -> None:
        """Hand message to everyone who listens on topic now."""
        for callback in self._callbacks[topic]:
            callback(message)

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Call callback for every message on topic; the returned function ends that."""
        with self._lock:
            self._callbacks[topic] = (*self._callbacks[topic], callback)

        def unsubscribe() -> None:
            with self._lock:
                kept = tuple(c for c in self._callbacks[topic] if c is not callback)
                self._callbacks[topic] = kept

        return unsubscribe


_bus = MemoryBus()


def get_bus() -> MemoryBus:
    """Return this process's bus."""
    return _bus
