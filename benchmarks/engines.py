"""Two engines on two shards against one on one shard: fills a second of the same orders.

The engines are the standard mode's workers. They stand still while the orders are placed and go on
at the same moment, so what is timed is matching, booking and committing alone. The orders are the
same in both runs, half of them for the instruments of each shard.

    python -m benchmarks engines       both, each on servers of its own
    python -m benchmarks.engines 2     one run, JSON
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.asking import ticket
from benchmarks.floor import Floor, floor, place_all, postgres_cpu_s, quoted, stock
from benchmarks.modes import Mode, running
from benchmarks.table import Line, report
from scripts.supervisor.__main__ import ROOT

ORDERS = int(os.environ.get("BENCH_ORDERS", "4800"))
SHARDS = (1, 2)
LOOK_S = 0.05
DRAINED_WITHIN_S = 180


@dataclass(frozen=True, slots=True)
class Drained:
    """What it took to fill all orders; CPU seconds of engines and of PostgreSQL."""

    fills: int
    seconds: float
    engines_cpu_s: float
    postgres_cpu_s: float

    @property
    def per_second(self) -> float:
        return self.fills / self.seconds


def run() -> None:
    """Measure one shard, then two."""
    told = {shards: _in_a_process(shards) for shards in SHARDS}
    base = told[1].per_second
    lines = [
        line for shards, each in told.items() for line in _lines(f"engines: {shards}", each, base)
    ]
    report("engines", f"Fills of {ORDERS} waiting orders by one engine and by two", lines)


def _in_a_process(shards: int) -> Drained:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.engines", str(shards)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    return Drained(**json.loads(done.stdout.splitlines()[-1]))


def measure(shards: int) -> Drained:
    """Place the orders while engines stand still, then let them go; return what it took."""
    with floor(shards=shards) as place, running(place, ["matching"]) as mode, quoted(place):
        stock(place)
        with _standing_still(mode):
            place_all([ticket("engines", n, place.traders, place.symbols) for n in range(ORDERS)])
            fills = _fills()
        return _drain(place, mode, fills)


def _drain(place: Floor, mode: Mode, before: int) -> Drained:
    began, engines, postgres = time.monotonic(), mode.cpu_s("matching"), postgres_cpu_s(place)
    while (filled := _fills() - before) < ORDERS:
        assert time.monotonic() - began < DRAINED_WITHIN_S, f"{filled} of {ORDERS} were filled"
        time.sleep(LOOK_S)
    return Drained(
        filled,
        time.monotonic() - began,
        mode.cpu_s("matching") - engines,
        postgres_cpu_s(place) - postgres,
    )


@contextlib.contextmanager
def _standing_still(mode: Mode) -> Iterator[None]:
    pids = [child.pid for child in mode.children.values() if child.pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _fills() -> int:
    from trades.models import Trade

    return Trade.objects.count()


def _lines(name: str, found: Drained, base: float) -> list[Line]:
    spent = found.engines_cpu_s + found.postgres_cpu_s
    return [
        Line(name, found.per_second, "fills/s", found.per_second / base),
        Line("  CPU of the engines", found.engines_cpu_s / found.fills * 1e6, "us a fill"),
        Line("  CPU of PostgreSQL", found.postgres_cpu_s / found.fills * 1e6, "us a fill"),
        Line("  both, of one core", spent / found.seconds * 100, "%"),
    ]


if __name__ == "__main__":
    print(json.dumps(asdict(measure(int(sys.argv[1])))))
