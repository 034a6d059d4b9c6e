"""The bus: messages between the parts of Bengi that may be lost, repeated or late.

A message is a hint to look again at the database or at the newest quote; nothing depends on its
arrival. The memory bus serves one process (embedded mode) and calls back in the publisher's thread;
bengi/redis_bus.py does that too, and carries each message to the other processes.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from django.conf import settings

TICKS = "ticks"
NUDGE = "nudge"
ACCOUNT = "account"
STALE = "stale"
"""The id of an instrument whose quote was too old for somebody who wants to trade."""
ALERTS = "alerts"
"""The id of an instrument whose price alerts have changed."""
WATCHED = "watched"
"""Symbols that are open on pages of a process with sockets; told again every few seconds."""
MISSED = "missed"
"""Messages of other processes may have been missed until now: look again. Heard in this process
alone, whenever it has begun to listen or listens again."""
TOPICS = (TICKS, NUDGE, ACCOUNT, STALE, ALERTS, WATCHED)
"""What goes from process to process."""

Callback = Callable[[Any], None]


class Bus(Protocol):
    """Hands messages on. Every method may be called by any thread, and none raises."""

    is_deaf: bool
    """Whether messages of other processes do not come at the moment: who listens has to look."""

    def publish(self, topic: str, message: Any) -> None:
        """Hand message to everyone who listens on topic now."""

    def publish_all(self, topic: str, messages: Iterable[Any]) -> None:
        """Hand over several messages, in order, at the price of one."""

    def publish_together(self, messages: Mapping[str, Collection[Any]]) -> None:
        """Hand over messages of several topics, topic after topic, and wait once."""

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Call callback for every message on topic; the returned function ends that."""

    def close(self) -> None:
        """Hear nothing of other processes any more."""


class MemoryBus:
    """Deliver within this process, at once, to callbacks that are quick and do not raise."""

    is_deaf = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[str, tuple[Callback, ...]] = defaultdict(tuple)

    def publish(self, topic: str, message: Any) -> None:
        for callback in self._callbacks[topic]:
            callback(message)

    def publish_all(self, topic: str, messages: Iterable[Any]) -> None:
        for message in messages:
            self.publish(topic, message)

    def publish_together(self, messages: Mapping[str, Collection[Any]]) -> None:
        for topic, each in messages.items():
            self.publish_all(topic, each)

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        with self._lock:
            self._callbacks[topic] = (*self._callbacks[topic], callback)

        def unsubscribe() -> None:
            with self._lock:
                kept = tuple(c for c in self._callbacks[topic] if c is not callback)
                self._callbacks[topic] = kept

        return unsubscribe

    def is_heard(self, topic: str) -> bool:
        """Return whether anybody listens on topic."""
        return bool(self._callbacks[topic])

    def close(self) -> None:
        pass


_shapes: dict[str, Any] = {}


def carry(topic: str, shape: Any) -> None:
    """Say what type the messages of a topic have, so that they arrive as they were sent.

    Without a word they arrive as plain values: numbers, text, lists and dicts of these.
    """
    _shapes[topic] = shape


def shape_of(topic: str) -> Any:
    """Return what type the messages of a topic have."""
    return _shapes.get(topic, Any)


_bus: Bus | None = None
_making = threading.Lock()


def get_bus() -> Bus:
    """Return this process's bus: over Redis where settings.REDIS_URL names one, else in memory."""
    return _bus or _kept()


def _kept() -> Bus:
    global _bus  # noqa: PLW0603 - one bus a process
    with _making:
        if _bus is None:
            _bus = _made()
        return _bus


def _made() -> Bus:
    if not settings.REDIS_URL:
        return MemoryBus()
    from bengi.redis_bus import RedisBus  # noqa: PLC0415 - it is built on the memory bus

    return RedisBus(settings.REDIS_URL)


def reset() -> None:
    """Close this process's bus; whoever asks next gets another, by the settings of then."""
    global _bus
    with _making:
        closed, _bus = _bus, None
    if closed is not None:
        closed.close()


def _begin_anew() -> None:
    global _bus, _making
    _bus, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)  # a thread and a connection do not survive a fork
