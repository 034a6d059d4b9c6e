"""The thread that keeps an engine working: woken by nudges and ticks, sweeping every second."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from instruments.quotes import Tick
from trades.engine import Engine

log = logging.getLogger(__name__)


class EngineLoop:
    """Runs an engine. nudge(), on_ticks() and stop() may be called from any thread."""

    SWEEP_S = 1.0
    PAUSE_AFTER_FAILURE_S = 0.05

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._wake = threading.Event()
        self._stop = False
        self._nudged = True

    def nudge(self, _shard: object = None) -> None:
        self._nudged = True
        self._wake.set()

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        self._engine.on_ticks(ticks)
        self._wake.set()

    def stop(self) -> None:
        self._stop = True
        self._wake.set()

    def run(self) -> None:
        """Drain until stopped. A failed batch is logged, waits a little and is tried again."""
        while not self._stop:
            woken = self._wake.wait(self.SWEEP_S)
            self._wake.clear()
            nudged, self._nudged = self._nudged or not woken, False
            try:
                self._engine.drain(self._now(), look_for_requests=nudged)
            except Exception:
                log.exception("a batch failed; the books are built anew")
                self._nudged = True
                time.sleep(self.PAUSE_AFTER_FAILURE_S)
            if self._engine.has_ticks or self._nudged:
                self._wake.set()
