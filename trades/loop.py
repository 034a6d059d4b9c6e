"""The thread that keeps an engine working: woken by nudges and ticks, sweeping every second."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import DatabaseError, connection

from bengi import clock
from bengi.bus import get_bus
from bengi.frozen import end_frozen_sessions
from instruments.quotes import Tick
from trades.engine import Engine

log = logging.getLogger(__name__)


class EngineLoop:
    """Runs an engine. nudge(), on_ticks() and stop() may be called from any thread.

    timer_s tells seconds that only grow. It looks for requests when nudged and, because a nudge of
    another process may never come, SWEEP_S after the last look, whatever has woken it meanwhile.
    stored_quotes: what is asked for ticks with each look for requests, while the bus is deaf.
    """

    SWEEP_S = 1.0
    PAUSE_AFTER_FAILURE_S = 0.05
    ALL_IS_WELL_AFTER_S = 60.0
    """How long a start must last to count no more among those that ended badly."""
    BEAT_S = 5.0
    """How often it says that it works; /readyz and bengi/probe.py listen for that."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        timer_s: Callable[[], float] = time.monotonic,
        *,
        stored_quotes: Callable[[], Sequence[Tick]] = tuple,
    ) -> None:
        self._engine = engine
        self._stored_quotes = stored_quotes
        self._now = now
        self._timer_s = timer_s
        self._wake = threading.Event()
        self._wake.set()
        self._stop = False
        self._nudged = True
        self._looked_at_s = self._begun_at_s = timer_s()
        self._is_young = True
        self._beat_at_s = self._begun_at_s

    def nudge(self, _shard: object = None) -> None:
        self._nudged = True
        self._wake.set()

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        self._engine.on_ticks(ticks)
        if self._engine.has_more:
            self._wake.set()

    def stop(self) -> None:
        self._stop = True
        self._wake.set()

    def run(self) -> None:
        """Work until stopped, and say so at the end: this was no crash."""
        while not self._stop:
            if not self._wake.wait(self.SWEEP_S):
                self._nudged = True
            self._wake.clear()
            if not self.turn():
                time.sleep(self.PAUSE_AFTER_FAILURE_S)
            if self._engine.has_more or self._nudged:
                self._wake.set()
        try:
            self._engine.watchman.end()
        except DatabaseError:
            log.exception("the engine's good end could not be noted")

    def turn(self) -> bool:
        """Drain once and return whether it went well. A failed batch is logged and tried again."""
        at_s = self._timer_s()
        is_look = self._nudged or at_s - self._looked_at_s >= self.SWEEP_S
        if is_look:
            self._nudged, self._looked_at_s = False, at_s
        try:
            if is_look and get_bus().is_deaf:
                self._engine.on_ticks(self._stored_quotes())
            self._engine.watchman.begin(self._now())
            self._engine.drain(self._now(), look_for_requests=is_look)
            if self._is_young and at_s - self._begun_at_s >= self.ALL_IS_WELL_AFTER_S:
                self._engine.watchman.end()
                self._is_young = False
            self._beat(at_s)
        except Exception:
            log.exception("a batch failed; the books are built anew")
            self._nudged = True
            connection.close_if_unusable_or_obsolete()
            _end_who_is_frozen()  # it may have what the batch has waited for
            return False
        return True

    def _beat(self, at_s: float) -> None:
        """Say once in a while that turns go well; one that fails says nothing."""
        if at_s >= self._beat_at_s:
            self._beat_at_s = at_s + self.BEAT_S
            self._engine.beat(clock.wall())
            _end_who_is_frozen()


def _end_who_is_frozen() -> None:
    try:
        if ended := end_frozen_sessions():
            log.warning("%s sessions stood still in the middle of a block and were ended", ended)
    except DatabaseError:
        log.warning("who stands still could not be looked for", exc_info=True)
