"""Limits of one process: a dict of moments behind a lock."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bengi.limits.rates import Count, Rate

SWEEP_EVERY = 1_000
"""Calls after which keys that nobody uses any more are dropped."""


class Entry(NamedTuple):
    at_s: float
    ticket: str


class MemoryStore:
    """A sliding window: an entry counts for exactly its rate's seconds."""

    def __init__(self, time_s: Callable[[], float] = time.monotonic) -> None:
        self._time_s = time_s
        self._lock = threading.Lock()
        self._entries: dict[str, list[Entry]] = {}
        self._ends_s: dict[str, float] = {}
        self._calls = 0

    def take(self, key: str, rates: Sequence[Rate], cost: int, ticket: str) -> list[Count]:
        longest_s = max(rate.window_s for rate in rates)
        with self._lock:
            now_s = self._time_s()
            self._sweep(now_s)
            entries = self._entries.setdefault(key, [])
            del entries[: _gone(entries, now_s - longest_s)]
            waits_s = [_wait_s(entries, rate, cost, now_s) for rate in rates]
            if not any(wait_s > 0 for wait_s in waits_s):
                entries += [Entry(now_s, ticket)] * cost
                self._ends_s[key] = now_s + longest_s
            return [
                Count(_used(entries, rate, now_s), wait_s, _reset_s(entries, rate, now_s))
                for rate, wait_s in zip(rates, waits_s, strict=True)
            ]

    def take_all(
        self, asked: Sequence[tuple[str, str]], rates: Sequence[Rate], cost: int
    ) -> list[list[Count]]:
        return [self.take(key, rates, cost, ticket) for key, ticket in asked]

    def give_back(self, key: str, ticket: str) -> None:
        with self._lock:
            kept = [entry for entry in self._entries.get(key, []) if entry.ticket != ticket]
            self._entries[key] = kept

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._ends_s.clear()

    def _sweep(self, now_s: float) -> None:
        self._calls += 1
        if self._calls % SWEEP_EVERY:
            return
        for key in [key for key in self._entries if self._ends_s.get(key, 0) <= now_s]:
            del self._entries[key]
            self._ends_s.pop(key, None)


def _gone(entries: list[Entry], until_s: float) -> int:
    return bisect_right(entries, until_s, key=lambda entry: entry.at_s)


def _used(entries: list[Entry], rate: Rate, now_s: float) -> int:
    return len(entries) - _gone(entries, now_s - rate.window_s)


def _wait_s(entries: list[Entry], rate: Rate, cost: int, now_s: float) -> float:
    """Return the seconds until cost more have room; what never has waits a whole window."""
    if _used(entries, rate, now_s) + cost <= rate.limit:
        return 0
    if cost > rate.limit:
        return rate.window_s
    return entries[-(rate.limit - cost + 1)].at_s + rate.window_s - now_s


def _reset_s(entries: list[Entry], rate: Rate, now_s: float) -> float:
    return max(0, entries[-1].at_s + rate.window_s - now_s) if entries else 0
