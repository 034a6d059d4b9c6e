"""The thread that watches prices for the alerts that wait."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from bengi.leases.services import LeaseLost
from instruments.board import board
from instruments.quotes import Tick
from instruments.realism import REALISTIC
from watchlists.conditions import is_fresh_print
from watchlists.firing import adjust_to_splits, fire
from watchlists.mailing import mail_fired
from watchlists.selectors import waiting_alerts
from watchlists.waiting import Shelves

log = logging.getLogger(__name__)


class AlertLoop:
    """Fires alerts. on_ticks(), on_alerts() and stop() may be called from any thread.

    Alerts are held in memory. Who changes some names their instrument; what nobody named is found
    every SWEEP_S. A print that no alert waits for costs a look into a set. timer_s tells seconds
    that only grow; guard_s_min is settings.GUARD_S_MIN: prints older than the guard of a realistic
    account fire nothing. is_its_turn: asked before each look, and again before an alert fires.
    """

    SWEEP_S = 5.0
    PAUSE_AFTER_FAILURE_S = 1.0
    PRINTS_MAX = 100_000
    """Prints that may wait to be looked at; older ones give way."""
    KEPT_MAX = 100
    """Prints of one instrument that are judged in one transaction; the next ones wait for it."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        guard_s_min: int = 0,
        timer_s: Callable[[], float] = time.monotonic,
        is_its_turn: Callable[[], bool] = lambda: True,
    ) -> None:
        self._now = now
        self._timer_s = timer_s
        self._is_its_turn = is_its_turn
        self._max_age = max(REALISTIC.max_age, timedelta(seconds=guard_s_min))
        self._wake = threading.Event()
        self._stop = False
        self._prints: deque[Tick] = deque(maxlen=self.PRINTS_MAX)
        self._changed: set[str] = set()
        self._shelves = Shelves()
        self._kept: dict[str, list[Tick]] = {}
        self._touched: dict[UUID, list[Tick]] = {}
        self._is_full = False
        self._swept_at_s: float | None = None
        self._wake.set()  # nothing is watched before the first look

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        """Keep the prints that an alert may wait for. Their age is that of now, when they come."""
        watched = self._shelves.instruments
        found = [tick for tick in ticks if tick.instrument_id in watched]
        if found:
            now = self._now()
            self._prints.extend(t for t in found if is_fresh_print(t, now, self._max_age))
            self._wake.set()

    def on_alerts(self, instrument_id: str) -> None:
        """Read the alerts of an instrument again."""
        self._changed.add(instrument_id)
        self._wake.set()

    def stop(self) -> None:
        self._stop = True
        self._wake.set()

    def run(self) -> None:
        """Watch until stopped."""
        while not self._stop:
            self._wake.wait(self.SWEEP_S)
            self._wake.clear()
            if not self.turn():
                time.sleep(self.PAUSE_AFTER_FAILURE_S)

    def turn(self) -> bool:
        """Look at what has come and return whether it went well. What failed is tried again."""
        if not self._is_its_turn():
            return True
        try:
            self._read()
            self._look()
            if self._touched:
                self._fire()
            if self._prints:
                self._wake.set()
        except Exception:
            log.exception("alerts could not be looked after; they are looked at again")
            self._swept_at_s = None
            connection.close_if_unusable_or_obsolete()
            self._wake.set()
            return False
        return True

    def _read(self) -> None:
        """Read again what has changed, or everything; see whether the newest print meets it."""
        at_s = self._timer_s()
        is_sweep = self._swept_at_s is None or at_s - self._swept_at_s >= self.SWEEP_S
        changed = self._take_changed()
        if is_sweep:
            adjust_to_splits(self._now())
            self._shelves.fill(waiting_alerts())
            mail_fired(self._now())
            self._swept_at_s, changed = at_s, set(self._shelves.instruments)
        elif changed:
            self._shelves.fill(waiting_alerts(changed), of=changed)
        newest = [tick for key in changed if (tick := board.newest(key)) is not None]
        if newest:
            self.on_ticks(newest)

    def _take_changed(self) -> set[str]:
        changed: set[str] = set()
        while self._changed:
            changed.add(self._changed.pop())
        return changed

    def _look(self) -> None:
        """Keep an instrument's prints from the first on that touches an alert.

        What comes after that one counts too: where it is the reference of a crossing, the next one
        may cross.
        """
        while self._prints and not self._is_full:
            tick = self._prints.popleft()
            touched = self._shelves.touched_by(tick)
            if not touched and tick.instrument_id not in self._kept:
                continue
            kept = self._kept.setdefault(tick.instrument_id, [])
            kept.append(tick)
            self._touched.update((alert.id, kept) for alert in touched)
            self._is_full = len(kept) >= self.KEPT_MAX

    def _fire(self) -> None:
        """Fire, then read anew what the prints were of: nothing is looked for twice.

        What it is not the turn for is kept: the turn comes back here only if nobody had it since.
        """
        try:
            fired = fire(self._touched, self._now(), is_its_turn=self._is_its_turn)
        except LeaseLost:
            return
        instruments = set(self._kept)
        self._kept, self._touched, self._is_full = {}, {}, False
        self._shelves.fill(waiting_alerts(instruments), of=instruments)
        if fired:
            mail_fired(self._now())
