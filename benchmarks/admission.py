"""Durable order admission: with and without HTTP, on PostgreSQL, one by one, in batches, in groups.

Every order that counts is committed, synced to disk and answered 201. The server is gunicorn with
the settings of production; the client is a process of its own (benchmarks/load.py). Batches run
without limits of rate, which they would come up against within a second: a person may place so many
orders a minute, however they come. All lines are of one run on one machine that they share: read
the ratios.
"""

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import msgspec

from benchmarks.admission_parts import GROUPS, groups, placing, requests
from benchmarks.admission_stage import AdmissionStage, admission_stage, tickets
from benchmarks.load import Job, Told
from benchmarks.table import Line, report
from benchmarks.usage import children_cpu_s
from scripts.supervisor.servers import free_port

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
THREADS = 32
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "64"))
BATCHES = (1, 50, 200)
TICKETS = 200
"""In each batch over HTTP."""
_starts = itertools.count(0, 40_000_123)
"""Where the orders of each measurement begin to count, so that none looks like another's."""


def run() -> None:
    """Measure all of it; the baseline is one order a request through the REST framework."""
    with admission_stage() as stage:
        parts = [line for size in BATCHES for line in placing(stage, size, next(_starts))]
        parts += requests(stage, next(_starts))
        for size in GROUPS:
            parts += groups(stage, size, next(_starts))
        alone = {size: _without_http(stage, size) for size in BATCHES}
        with _server(stage, BENGI_FAST_LANE="0") as server:
            single = _load(stage, server, "single", size=1, clients=CLIENTS)
        with _server(stage, BENGI_FAST_LANE="0", BENGI_RATE_LIMITS="off") as server:
            batch = _load(stage, server, "batch", size=TICKETS, clients=4)
        with _server(stage, BENGI_FAST_LANE="1") as server:
            fast = _load(stage, server, "fast", size=1, clients=CLIENTS)
    report("admission_parts", "CPU time of an admission by part, in one process", parts)
    base = single.told.accepted / single.told.seconds
    report(
        "admission",
        f"Durable order admission, PostgreSQL, {WORKERS} web processes, {CLIENTS} clients",
        [
            *(
                Line(f"place_orders(), batches of {size}", rate, "orders/s", rate / alone[1])
                for size, rate in alone.items()
            ),
            *_lines("one order a request, REST framework", single, base, "target 400"),
            *_lines("one order a request, fast lane", fast, base, "target 3,000, p99 25 ms"),
            *_lines(f"batches of {TICKETS}", batch, base, "target 5,000"),
        ],
    )


def _without_http(stage: AdmissionStage, size: int) -> float:
    """Return the orders a second that place_orders() takes, called by one thread."""
    from orders.services import Placement, place_orders

    made, start, ended_at = 0, next(_starts), time.perf_counter() + SECONDS / 2
    began = time.perf_counter()
    while (now := time.perf_counter()) < ended_at:
        asked = tickets(stage, f"plain{size}", start + made, size)
        answers = place_orders(asked, now=datetime.now(UTC))
        assert all(isinstance(answer, Placement) for answer in answers), answers[0]
        made += size
    return made / (now - began)


@dataclass(frozen=True, slots=True)
class Server:
    """The web processes; pid is that of their parent."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What the client was told, and the CPU seconds that it took the web processes."""

    told: Told
    cpu_s: float


@contextlib.contextmanager
def _server(stage: AdmissionStage, **settings: str) -> Iterator[Server]:
    """Run the web processes."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "bengi.web", "-b", f"127.0.0.1:{port}"]
    command += ["--worker-class", "bengi.web_worker.Worker", "--workers", str(WORKERS)]
    command += ["--keep-alive", "30", "--no-control-socket"]
    environment = {**os.environ, **stage.environment, **settings, "PYTHONWARNINGS": "ignore"}
    environment |= {"BENGI_WEB_THREADS": str(THREADS)}
    with tempfile.TemporaryFile("a+") as log:
        process = subprocess.Popen(command, env=environment, stderr=log)
        try:
            _await_workers(process, log)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=20)
            told = [line for line in _text(log).splitlines() if "[INFO]" not in line]
            if told:
                print("\n".join(told[-20:]), file=sys.stderr)


def _load(stage: AdmissionStage, server: Server, name: str, *, size: int, clients: int) -> Measured:
    job = Job(
        port=server.port,
        connections=clients,
        seconds=SECONDS,
        size=size,
        keys=[person.key for person in stage.people],
        symbols=stage.symbols,
        name=name,
        start=next(_starts),
    )
    before = children_cpu_s(server.pid)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        timeout=SECONDS + 90,
        check=True,
    )
    told = msgspec.json.decode(done.stdout, type=Told)
    if set(told.statuses) - {"200", "201"}:
        print(f"{name}: {told.statuses} {told.example}", file=sys.stderr)
    return Measured(told, children_cpu_s(server.pid) - before)


def _lines(name: str, found: Measured, base: float, target: str) -> Sequence[Line]:
    told = found.told
    rate, cuts = told.accepted / told.seconds, statistics.quantiles(told.latencies, n=100)
    return [
        Line(name, rate, "orders/s", rate / base, target),
        Line("  median", cuts[49] * 1000, "ms"),
        Line("  p99", cuts[98] * 1000, "ms"),
        Line("  CPU of the web processes", found.cpu_s / told.asked * 1e6, "us an order"),
        Line("  the client's share of one core", told.cpu_s / told.seconds * 100, "%"),
        Line("  refused", _refused(told), "requests"),
    ]


def _refused(told: Told) -> int:
    return sum(n for status, n in told.statuses.items() if status not in {"200", "201"})


def _await_workers(process: "subprocess.Popen[bytes]", log: IO[str]) -> None:
    """Wait for all of them: the first one would take every connection that waits by then."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if _text(log).count("Application startup complete") == WORKERS:
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {_text(log)}")


def _text(log: IO[str]) -> str:
    log.seek(0)
    return log.read()
