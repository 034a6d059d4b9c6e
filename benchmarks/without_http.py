"""Order placed to durable fill without HTTP: an admission process and an engine, on PostgreSQL.

The engine is the standard mode's worker, nudged over Redis. An order's time runs from the moment it
was due until the hint that its fill is committed is heard, in a third process. The baseline of the
same run is one order a transaction, one after the other.
"""

import itertools
import os
import statistics
import subprocess
import sys
import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import msgspec

from benchmarks.floor import Floor, floor, postgres_cpu_s, quoted, stock, surroundings, unfilled
from benchmarks.modes import Mode, running
from benchmarks.placer import Job, Placed
from benchmarks.table import Line, report

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
MOST = 200
SHARES_OFFERED = (0.5, 0.8)
"""Of what it takes as fast as it goes."""
_starts = itertools.count(0, 10_000_080)


def run() -> None:
    """Measure the baseline, then as fast as it goes, then at shares of that."""
    with floor() as place, running(place, ["matching"]) as mode, quoted(place):
        stock(place)
        bench = Bench(place, mode)
        _warm_up(bench)
        single = bench.measure("one", most=1)
        fast = bench.measure("fast")
        offered = [
            bench.measure(f"at{share * 100:.0f}", rate=fast.per_second * share)
            for share in SHARES_OFFERED
        ]
    lines = [
        *_lines("one a transaction, in turn", single, single),
        *_lines("in sets, as fast as it goes", fast, single, "target 2,000"),
    ]
    for share, each in zip(SHARES_OFFERED, offered, strict=True):
        name = f"{share:.0%} of that offered"
        lines += _lines(name, each, single, "p99 40 ms at 2,000")
    report("without_http", "Order placed to durable fill, PostgreSQL and Redis, no HTTP", lines)


@dataclass
class Filled:
    """What came of a job. latencies in seconds, of what was filled; CPU in seconds an order."""

    asked: int
    refused: int
    unfilled: int
    per_second: float
    admitted_per_second: float
    latencies: list[float]
    placing_cpu_s: float
    engine_cpu_s: float
    postgres_cpu_s: float


class Bench:
    """Runs jobs, and hears of commits meanwhile."""

    def __init__(self, place: Floor, mode: Mode) -> None:
        self._place, self._mode = place, mode
        self._hints = Hints()

    def measure(
        self, name: str, *, rate: float = 0, most: int = MOST, seconds: float = SECONDS
    ) -> Filled:
        job = Job(
            name, next(_starts), seconds, rate, most, self._place.traders, self._place.symbols
        )
        engine, postgres = self._mode.cpu_s("matching"), postgres_cpu_s(self._place)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.placer"],
            input=msgspec.json.encode(job),
            stdout=subprocess.PIPE,
            env=surroundings(self._place.environment),
            timeout=seconds + 120,
            check=True,
        )
        placed = msgspec.json.decode(done.stdout, type=Placed)
        if placed.refused:
            print(f"{name}: {len(placed.refused)} refused: {placed.example}", file=sys.stderr)
        late = max(0, unfilled(f"{name}-") - len(placed.refused))
        if late:
            print(f"{name}: {late} orders not filled", file=sys.stderr)
        self._mode.check()
        count = len(placed.due_s)
        spent = (
            placed.cpu_s,
            self._mode.cpu_s("matching") - engine,
            postgres_cpu_s(self._place) - postgres,
        )
        return self._told(job, placed, late, [each / count for each in spent])

    def _told(self, job: Job, placed: Placed, late: int, spent: list[float]) -> Filled:
        time.sleep(0.5)  # the last hint may still be on its way
        filled_s = self._hints.heard_s(filled_events(job.name))
        due_s = {job.start + n: at for n, at in enumerate(placed.due_s)}
        took = sorted(at - due_s[number] for number, at in filled_s.items())
        span = max(filled_s.values()) - min(placed.due_s)
        return Filled(
            len(placed.due_s),
            len(placed.refused),
            late,
            len(filled_s) / span,
            len(placed.due_s) / (placed.ended_s - min(placed.due_s)),
            took,
            *spent,
        )


class Hints:
    """When it was first heard how far each account's log had come."""

    def __init__(self) -> None:
        from bengi.bus import ACCOUNT, get_bus

        self._heard: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        get_bus().subscribe(ACCOUNT, self._hear)

    def _hear(self, message: Any) -> None:
        told = self._heard[message["account_id"]]
        if not told or message["seq"] > told[-1][0]:
            told.append((message["seq"], time.monotonic()))

    def heard_s(self, events: dict[int, tuple[str, int]]) -> dict[int, float]:
        """Return when each event was first known of: {its order's number: time.monotonic()}."""
        found = {}
        for number, (account_id, seq) in events.items():
            told = self._heard[account_id]
            place = bisect_left(told, (seq, 0.0))
            if place < len(told):
                found[number] = told[place][1]
        return found


def filled_events(name: str) -> dict[int, tuple[str, int]]:
    """Return account and seq of the event that told of each order's fill, by its number."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.client_order_id, e.stream_id, e.seq FROM orders_order o"
            " JOIN events_event e ON e.subject = o.id AND e.type = 'order.filled'"
            " WHERE o.client_order_id LIKE %s",
            [f"{name}-%"],
        )
        return {int(key.rpartition("-")[2]): (str(a), seq) for key, a, seq in cursor.fetchall()}


def _warm_up(bench: Bench) -> None:
    """Let sessions, plans and caches be there before anything counts."""
    for most in (1, MOST):
        bench.measure(f"warm{most}", most=most, seconds=1.5)


def _lines(name: str, found: Filled, base: Filled, target: str = "") -> list[Line]:
    cuts = statistics.quantiles(found.latencies, n=100, method="inclusive")
    return [
        Line(name, found.per_second, "fills/s", found.per_second / base.per_second, target),
        Line("  admitted meanwhile", found.admitted_per_second, "orders/s"),
        Line("  due to known as filled, median", cuts[49] * 1000, "ms"),
        Line("  p99", cuts[98] * 1000, "ms"),
        Line("  CPU of the admission", found.placing_cpu_s * 1e6, "us an order"),
        Line("  CPU of the engine's process", found.engine_cpu_s * 1e6, "us an order"),
        Line("  CPU of PostgreSQL", found.postgres_cpu_s * 1e6, "us an order"),
        Line("  refused or not filled", found.refused + found.unfilled, "orders", None, "0"),
    ]
