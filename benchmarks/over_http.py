"""Order placed over HTTP to the frame that tells of its fill, in the standard mode's processes.

All of the mode runs: web, sockets, engine, worker, beat, feed, on a PostgreSQL that syncs and a
Redis, with the settings and limits of production. The client is benchmarks/trading.py. The baseline
of the same run is the web without its fast lane: every order its own transaction.
"""

import itertools
import os
import statistics
import subprocess
import sys

import msgspec

from benchmarks.floor import Floor, floor, stock, surroundings
from benchmarks.modes import Mode, running
from benchmarks.table import Line, report
from benchmarks.trading import Job, Told
from scripts.supervisor.__main__ import ROOT

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "64"))
WARM_S = 2
SHARE_OFFERED = 0.5
PARTS = ("web", "sockets", "matching", "feed")
_starts = itertools.count(0, 10_000_080)


def run() -> None:
    """Measure the baseline, then the fast lane, each as fast as it goes and at a rate."""
    with floor() as place:
        with running(place, BENGI_FAST_LANE="0") as mode:
            stock(place)
            slow, slow_at = _measure(place, mode, "slow")
        with running(place, BENGI_FAST_LANE="1") as mode:
            fast, fast_at = _measure(place, mode, "fast")
    base = slow.per_second
    report(
        "over_http",
        f"Order over HTTP to its fill on the socket, standard mode, {CLIENTS} connections",
        [
            *_lines("without the fast lane", slow, base),
            *_lines("  half of that offered", slow_at, base),
            *_lines("fast lane", fast, base, "target 1,000"),
            *_lines("  half of that offered", fast_at, base, "p99 60 ms at 1,000"),
        ],
    )


def _measure(place: Floor, mode: Mode, name: str) -> tuple[Told, Told]:
    trade(place, mode, f"{name}warm", seconds=2)
    most = trade(place, mode, name)
    rate = most.per_second * SHARE_OFFERED
    return most, trade(place, mode, f"{name}at", rate=rate)


def trade(
    place: Floor,
    mode: Mode,
    name: str,
    *,
    seconds: float = SECONDS,
    rate: float = 0,
    clients: int = CLIENTS,
    warm_s: float = WARM_S,
) -> Told:
    """Let a client trade for so long, after warm_s seconds that do not count."""
    job = Job(
        port=mode.web_port,
        stream_port=mode.stream_port,
        connections=clients,
        seconds=seconds + warm_s,
        warm_s=warm_s,
        rate=rate,
        name=name,
        start=next(_starts),
        traders=place.traders,
        symbols=place.symbols,
        watched={**{part: mode.pids(part) for part in PARTS}, "PostgreSQL": [place.postgres]},
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.trading"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=surroundings(place.environment),
        timeout=seconds + warm_s + 120,
        check=True,
    )
    told = msgspec.json.decode(done.stdout, type=Told)
    mode.check()
    _say_what_went_wrong(name, told)
    return told


def missing(told: Told) -> int:
    """Return how many requests or fills came to nothing, or to a refusal."""
    refused = sum(count for status, count in told.statuses.items() if status not in {"200", "201"})
    return refused + told.unanswered + told.unheard


def _say_what_went_wrong(name: str, told: Told) -> None:
    if missing(told) or told.closed_sockets or told.cut or told.unasked:
        print(
            f"{name}: answers {told.statuses}, {told.unanswered} requests unanswered,"
            f" {told.unheard} fills unheard, {told.unasked} orders not asked in time,"
            f" {told.cut} connections cut, {told.closed_sockets} sockets closed {told.example}",
            file=sys.stderr,
        )


def _lines(name: str, told: Told, base: float, target: str = "") -> list[Line]:
    asked = sum(told.statuses.values())
    return [
        Line(name, told.per_second, "fills/s", told.per_second / base, target),
        *(
            Line(f"    {what}, {word}", cut * 1000, "ms")
            for what, took in (("answer", told.answers), ("fill heard", told.latencies))
            for word, cut in zip(("median", "p99"), cuts(took), strict=True)
        ),
        *(
            Line(f"    CPU of {part}", spent / asked * 1e6, "us an order")
            for part, spent in told.spent_s.items()
        ),
        Line("    refused, unanswered or unheard", missing(told), "orders", None, "0"),
    ]


def cuts(took: list[float]) -> tuple[float, float]:
    """Return median and p99, nan of nothing."""
    if len(took) < 2:
        return float("nan"), float("nan")
    found = statistics.quantiles(took, n=100, method="inclusive")
    return found[49], found[98]
