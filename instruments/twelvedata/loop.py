"""The embedded mode's threads: quotes, single wishes, chores and the stream, beside the feed."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from bengi import clock
from bengi.bus import NUDGE, STALE, get_bus
from bengi.threads import Crew
from instruments.calendar import is_open
from instruments.hours import market_hours
from instruments.quotes import Tick
from instruments.twelvedata.chores import CHORES, run_chore
from instruments.twelvedata.coalescing import WINDOW_S, Coalescer
from instruments.twelvedata.desk import Desk, stored_tape
from instruments.twelvedata.lease import Lease
from instruments.twelvedata.poller import AT_ONCE, MemoryMarks
from instruments.twelvedata.provider import TwelveDataProvider
from instruments.twelvedata.rest import BATCH_MAX
from instruments.twelvedata.stream import Stream, stream_of

log = logging.getLogger(__name__)


class TwelveDataLoop:
    """run() until stop(); both may be called once."""

    LOOK_S = 1.0
    CHORES_S = 20.0
    PAUSE_S = 5.0
    """How long a thread rests after an error that nobody expected."""
    LEASE_S = 60
    """Longer than a look takes: meanwhile no task of a worker asks for quotes as well."""
    AGAIN_S = 10
    """Who is told that a quote is too old gets no newer one within so many seconds."""

    def __init__(
        self, provider: TwelveDataProvider, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._now = now
        self._stopped, self._wake = threading.Event(), threading.Event()
        self.desk = Desk(now, self._stopped.wait)
        self._marks, tape = MemoryMarks(), stored_tape()
        self.stream: Stream | None = stream_of(tape, provider.take_in, now)
        self._poller = self.desk.poller(
            provider.take_in, marks=self._marks, tape=tape, streamed=self._streamed
        )
        self._chores_rest = self.desk.rest()
        self._coalescer: Coalescer[Tick] = Coalescer(
            lambda tokens: self._poller.ask_now(tokens, self._now()), self._room
        )
        self._crew = Crew()
        self._lease = Lease(self.LEASE_S)

    def run(self) -> None:
        """Ask for quotes until stopped; the other threads are started and ended by this one."""
        bus = get_bus()
        ends = [bus.subscribe(NUDGE, self._nudged), bus.subscribe(STALE, self._wanted)]
        spawn = self._crew.spawn
        spawn("twelvedata-wishes", lambda: self._until_done(self._coalescer.run))
        spawn("twelvedata-chores", lambda: self._until_stopped(self._chores, self.CHORES_S))
        if self.stream is not None:
            stream = self.stream
            spawn("twelvedata-stream", lambda: self._until_done(stream.run))
        try:
            self._until_stopped(self._look, 0)
        finally:
            for end in ends:
                end()
            self._coalescer.stop()
            self._crew.stop()
            self._lease.release()
            self.desk.close()

    def stop(self) -> None:
        """Let run() end: at once, or when the question at hand is answered or given up."""
        self._stopped.set()
        self._wake.set()
        if self.stream is not None:
            self.stream.stop()

    def _until_stopped(self, work: Callable[[], None], pause_s: float) -> None:
        """Do work again and again."""
        while not self._stopped.is_set():
            self._survives(work)
            self._stopped.wait(pause_s)

    def _until_done(self, work: Callable[[], None]) -> None:
        """Do work, which ends by itself; begin it anew where it fails."""
        while not self._stopped.is_set() and not self._survives(work):
            pass

    def _survives(self, work: Callable[[], None]) -> bool:
        """Say whether work went well. A process edge: what goes wrong is logged and ends here."""
        try:
            work()
        except Exception:
            log.exception("a turn of Twelve Data failed; the next one tries again")
            connection.close_if_unusable_or_obsolete()
            self._stopped.wait(self.PAUSE_S)
            return False
        return True

    def _look(self) -> None:
        """Ask for what is due; then wait a second, or for a nudge and those that come with it."""
        if self._lease.hold():
            self._poller.turn(self._now())
        if self.stream is not None:
            self.stream.follow(self._poller.ranked())
        if self._wake.wait(self.LOOK_S):
            self._wake.clear()
            self._stopped.wait(WINDOW_S)
            self._poller.look_again()

    def _chores(self) -> None:
        for chore in CHORES:
            if not self._stopped.is_set():
                run_chore(chore, self.desk, self._chores_rest, self._now())

    def _nudged(self, _shard: object) -> None:
        self._wake.set()

    def _wanted(self, instrument_id: str) -> None:
        """Ask for a quote that somebody finds too old, if a newer one can be had."""
        now, polled = self._now(), self._marks.read()
        for target in self._poller.targets.values():
            if target.instrument_id != instrument_id or not is_open(
                target.mic, now, market_hours()
            ):
                continue
            asked_at = polled.get(target.token)
            if asked_at is None or (now - asked_at).total_seconds() >= self.AGAIN_S:
                self._coalescer.ask(target.token)

    def _room(self, wanted: int) -> int:
        plan = self._poller.plan
        elapsed = plan.elapsed if plan is not None else 0
        wanted = min(wanted, BATCH_MAX)
        return self.desk.governor.take(wanted, AT_ONCE, self._now(), elapsed=elapsed)

    def _streamed(self) -> frozenset[str]:
        return frozenset() if self.stream is None else self.stream.live(self._now())
