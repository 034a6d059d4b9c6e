"""The loop that keeps a relay working: woken by hints, sweeping, patient with brokers."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connection

from bengi.bus import ACCOUNT, get_bus
from bengi.events.lease import note_trouble, release_lease
from bengi.events.models import RelayedStream
from bengi.events.positions import count_behind
from bengi.events.relay import Relay
from bengi.kafka import BrokerAway
from bengi.leases.services import LeaseLost

log = logging.getLogger(__name__)


class RelayLoop:
    """Runs a relay in the calling thread. stop() may be called from any thread.

    A hint that never comes costs SWEEP_S. While brokers are away it tries again after 1, 2, 4 and
    so on up to PAUSE_S_MAX seconds; what happens meanwhile waits in the log.
    """

    SWEEP_S = 1
    PAUSE_S_MIN = 1
    PAUSE_S_MAX = 30

    def __init__(self, relay: Relay, now: Callable[[], datetime]) -> None:
        self._relay = relay
        self._now = now
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._pause_s = 0

    def run(self) -> None:
        """Publish until stopped."""
        unsubscribe = get_bus().subscribe(ACCOUNT, self._hint)
        try:
            while not self._stop.is_set():
                self._wake.clear()
                self._rest(self.turn())
        finally:
            unsubscribe()
            self._release()

    def stop(self) -> None:
        """Let run() end."""
        self._stop.set()
        self._wake.set()

    def turn(self) -> int:
        """Publish a batch and return how many seconds to wait; a failure is logged, not raised."""
        try:
            published = self._relay.turn(self._now())
        except BrokerAway as error:
            return self._fail(str(error))
        except LeaseLost:
            log.warning("another relay has taken over")
            return self.SWEEP_S
        except DatabaseError as error:
            connection.close_if_unusable_or_obsolete()
            return self._fail(f"{type(error).__name__}: {error}")
        if published and self._pause_s:
            log.warning("events are published again")
        self._pause_s = 0
        return 0 if published else self.SWEEP_S

    def _hint(self, _message: object) -> None:
        self._wake.set()

    def _rest(self, wait_s: int) -> None:
        """Wait; a hint ends it, except while brokers are away."""
        if self._pause_s:
            self._stop.wait(wait_s)
        elif wait_s:
            self._wake.wait(wait_s)

    def _fail(self, words: str) -> int:
        self._pause_s = min(max(self.PAUSE_S_MIN, 2 * self._pause_s), self.PAUSE_S_MAX)
        try:
            note_trouble(self._relay.holder, words)
            waiting = str(count_behind(RelayedStream))
        except DatabaseError:
            waiting = "unknown how many"
        log.warning("events wait to be published (%s): %s", waiting, words)
        return self._pause_s

    def _release(self) -> None:
        try:
            release_lease(self._relay.holder)
        except DatabaseError:
            log.warning("the lease could not be released, another relay waits for its end")
