"""The newest tick of every instrument in this process, safe for one writer and many readers.

The table Quote is written from here about once a second; who needs a price now looks here first.
"""

import logging
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from instruments.band import DayRange
from instruments.bars import Piece, Prints, trading_day
from instruments.quotes import Tick, check_tick

log = logging.getLogger(__name__)
QUARANTINE_MAX = 1000
"""Ticks kept for staff between two flushes; past that they are only counted."""
RECENT_MAX = 30
"""Prints kept of each instrument for who opens its page."""


class Print(NamedTuple):
    """So many shares that traded at a price."""

    at: datetime
    price: Decimal
    size: Decimal


class Board:
    """Newest ticks by instrument id, with what is not yet stored of them and of their prints."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, Tick] = {}
        self._unsaved: dict[str, Tick] = {}
        self._prints = Prints()
        self._ranges: dict[str, DayRange] = defaultdict(DayRange)
        self._recent: dict[str, deque[Print]] = defaultdict(lambda: deque(maxlen=RECENT_MAX))
        self._quarantined: list[tuple[Tick, str]] = []
        self.dropped: Counter[str] = Counter()
        """How many ticks were turned away since the process started: insane, doubted, older."""

    def newest(self, instrument_id: str) -> Tick | None:
        """Return the newest tick seen in this process."""
        return self._newest.get(instrument_id)

    def recent_prints(self, instrument_id: str) -> list[Print]:
        """Return the last prints seen in this process, newest first; at most RECENT_MAX."""
        with self._lock:
            return list(self._recent.get(instrument_id, ()))[::-1]

    def record(self, ticks: Iterable[Tick]) -> list[Tick]:
        """Take ticks in, oldest first; return those that are sane and not older than the last."""
        with self._lock:
            return [tick for tick in ticks if self._accept(tick)]

    def adopt(self, ticks: Iterable[Tick]) -> list[Tick]:
        """Take stored ticks in where they are newer than what is here; return those.

        They are no news: nothing of them is stored again.
        """
        with self._lock:
            newer = [tick for tick in ticks if self._is_newer(tick)]
            self._newest |= {tick.instrument_id: tick for tick in newer}
            return newer

    def take(self) -> tuple[list[Tick], list[Piece]]:
        """Return what has changed since the last call and count it as stored."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
            return list(unsaved.values()), self._prints.take()

    def give_back(self, ticks: Sequence[Tick], pieces: Sequence[Piece]) -> None:
        """Take back what could not be stored; what has come since is newer."""
        with self._lock:
            for tick in ticks:
                self._unsaved.setdefault(tick.instrument_id, tick)
            self._prints.give_back(pieces)

    def take_quarantined(self) -> list[tuple[Tick, str]]:
        """Return the ticks turned away since the last call, with reasons."""
        with self._lock:
            quarantined, self._quarantined = self._quarantined, []
            return quarantined

    def clear(self) -> None:
        """Forget everything; for tests, whose tables are emptied too."""
        with self._lock:
            self._newest, self._unsaved, self._prints = {}, {}, Prints()
            self._ranges.clear()
            self._recent.clear()
            self._quarantined.clear()
            self.dropped.clear()

    def _accept(self, tick: Tick) -> bool:
        reasons = check_tick(tick)
        if reasons:
            return self._turn_away("insane", tick, "; ".join(reasons))
        before = self._newest.get(tick.instrument_id)
        if before is not None and tick.as_of < before.as_of:
            return self._turn_away("older", tick, f"of {tick.as_of}, after one of {before.as_of}")
        if tick.is_new_print and tick.last is not None:
            doubt = self._ranges[tick.instrument_id].doubt(tick.last, trading_day(tick))
            if doubt is not None:
                return self._turn_away("doubted", tick, doubt)
            size = _traded(tick, before)
            self._prints.add(tick, size)
            if size:
                self._recent[tick.instrument_id].append(Print(tick.as_of, tick.last, size))
        self._newest[tick.instrument_id] = self._unsaved[tick.instrument_id] = tick
        return True

    def _is_newer(self, tick: Tick) -> bool:
        known = self._newest.get(tick.instrument_id)
        return known is None or known.as_of < tick.as_of

    def _turn_away(self, kind: str, tick: Tick, reason: str) -> bool:
        """Count a tick that nothing may be filled against, and keep it for staff to see."""
        self.dropped[kind] += 1
        level = logging.DEBUG if kind == "older" else logging.WARNING  # a reconnect repeats itself
        log.log(level, "%s tick of %s dropped: %s", tick.source, tick.symbol, reason)
        if len(self._quarantined) < QUARANTINE_MAX:
            self._quarantined.append((tick, reason))
        return False


def _traded(tick: Tick, before: Tick | None) -> Decimal:
    """Return the shares traded between two ticks: the growth of the day's volume if it is known."""
    if before is None or trading_day(before) != trading_day(tick) or tick.volume < before.volume:
        return tick.last_size
    return tick.volume - before.volume


board = Board()
"""This process's board."""
