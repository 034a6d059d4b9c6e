"""The host of engines: which shards this process works, each in a thread of its own.

Who owns a shard is somebody else's to say: a command line, a worker's queue, a consumer group. Two
hosts of one shard are safe all the same, because the shard's version fences one of them out.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from bengi.bus import MISSED, NUDGE, TICKS, get_bus
from bengi.threads import Crew
from instruments.quotes import Tick
from trades.engine import Engine
from trades.loop import EngineLoop
from trades.quote_look import QuoteLook
from trades.session import SessionHours


class _Hosted:
    """One shard's engine at work, and what it hears of the bus."""

    def __init__(self, shard: int, loop: EngineLoop) -> None:
        self.loop = loop
        self._shard = shard
        bus = get_bus()
        self._ends = [
            bus.subscribe(TICKS, loop.on_ticks),
            bus.subscribe(NUDGE, self._nudged),
            bus.subscribe(MISSED, loop.nudge),
        ]
        self._crew = Crew()
        self._crew.add(f"engine-{shard}", loop)

    def end(self, timeout_s: float) -> bool:
        for end in self._ends:
            end()
        return self._crew.stop(timeout_s)

    def _nudged(self, shard: int) -> None:
        if shard == self._shard:
            self.loop.nudge()


class EngineHost:
    """Engines in threads of this process. Every method may be called by any thread.

    now: the market's time. guard_s_min: settings.GUARD_S_MIN.
    """

    def __init__(
        self, now: Callable[[], datetime], *, hours: SessionHours, guard_s_min: int = 0
    ) -> None:
        self._now, self._hours, self._guard_s_min = now, hours, guard_s_min
        self._lock = threading.Lock()
        self._hosted: dict[int, _Hosted] = {}

    @property
    def shards(self) -> frozenset[int]:
        """The shards that are worked here now."""
        return frozenset(self._hosted)

    def take(self, shard: int) -> None:
        """Work a shard from now on, with books built anew; one that is worked already goes on."""
        with self._lock:
            if shard not in self._hosted:
                engine = Engine(shard, hours=self._hours, guard_s_min=self._guard_s_min)
                loop = EngineLoop(engine, self._now, stored_quotes=QuoteLook(shard).newer)
                self._hosted[shard] = _Hosted(shard, loop)

    def give_up(self, shard: int, timeout_s: float = 5) -> bool:
        """Work a shard no more; return once its loop has ended, and whether it has in time.

        What it was at is booked or rolled back by then. One that has not ended in time may book
        once more, unless another has booked before it.
        """
        with self._lock:
            hosted = self._hosted.pop(shard, None)
        return hosted is None or hosted.end(timeout_s)

    def stop(self, timeout_s: float = 5) -> bool:
        """Give up every shard; return whether all loops have ended in time."""
        ended = [self.give_up(shard, timeout_s) for shard in self.shards]
        return all(ended)

    def nudge(self, shard: int) -> bool:
        """Let a shard's engine look for requests; return whether it is worked here."""
        hosted = self._hosted.get(shard)
        if hosted is None:
            return False
        hosted.loop.nudge()
        return True

    def on_ticks(self, ticks: Sequence[Tick]) -> None:
        """Let the engines take in ticks that have not come by the bus, each those of its shard."""
        for hosted in list(self._hosted.values()):
            hosted.loop.on_ticks(ticks)
