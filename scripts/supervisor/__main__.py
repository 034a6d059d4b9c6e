"""Start a mode of several processes on this machine: `make run-standard`, `make run-scale`.

    python -m scripts.supervisor standard|scale [--port N] [--stream-port N] [--shards N] [--feed F]

PostgreSQL and Redis are our own, in var/modes, unless $DATABASE_URL or $REDIS_URL name others;
Kafka is the stand-in for development unless $BENGI_KAFKA names a real one. Ctrl-C stops all in
reverse order, a second one at once; the data stays.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bengi import probe
from scripts.supervisor import processes, servers
from scripts.supervisor.children import Order
from scripts.supervisor.processes import HTTP, SHARD, Process
from scripts.supervisor.watch import NAME, DidNotStart, Supervisor

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("BENGI_VAR", ROOT / "var")) / "modes"
WELL_WITHIN_S = 120
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
HOST = "127.0.0.1"


@dataclass
class Run:
    """What one run of a mode was asked for, and what its processes are told."""

    mode: str
    shards: int
    words: dict[str, object]
    environment: dict[str, str]

    def order(self, process: Process) -> Order:
        return Order(
            process.name,
            processes.arguments(process, self.words),
            ROOT,
            self.environment,
            is_well=self._is_well(process),
            stop_s=process.stop_s,
        )

    def _is_well(self, process: Process) -> Callable[[], bool]:
        if process.health == HTTP:
            return lambda: _succeeds(lambda: probe.answers(int(str(self.words[process.port]))))
        if process.health == SHARD:
            shard, url = int(process.name.rpartition("-")[2]), self.environment["DATABASE_URL"]
            return lambda: _succeeds(lambda: probe.is_heard([shard], url))
        if "run_feed" in process.command and self.words["feed"] == "simulator":
            return lambda: _succeeds(lambda: probe.has_prices(self.environment["DATABASE_URL"]))
        return lambda: True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a mode until Ctrl-C; return the exit code."""
    options = _parser().parse_args(arguments)
    supervisor = Supervisor(_Printer())
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: supervisor.stop_soon())
    try:
        _start(supervisor, options)
        supervisor.watch()
    except DidNotStart as problem:
        print(f"{NAME}: {problem}", file=sys.stderr)
        return 1
    finally:
        supervisor.stop()
    print(f"{NAME}: stopped; the data stays in {VAR}")
    return 0


def _start(supervisor: Supervisor, options: argparse.Namespace) -> None:
    servers.check_port(options.port, "--port")
    servers.check_port(options.stream_port, "--stream-port")
    run = _run(options)
    supervisor.start(_servers(run), within_s=WELL_WITHIN_S)
    table = processes.processes(run.mode, run.shards)
    for process in (*filter(lambda each: each.is_first, table), processes.RESHARD):
        if not supervisor.is_stopping:
            supervisor.run_to_end(run.order(process))
    others = [run.order(process) for process in table if not process.is_first]
    if not supervisor.is_stopping:
        supervisor.start(others, within_s=WELL_WITHIN_S)
    if not supervisor.is_stopping:
        print(f"{NAME}: {run.mode} mode, {run.shards} shards: http://{HOST}:{options.port}")
        print(f"{NAME}: Ctrl-C stops it; the data stays", flush=True)


def _run(options: argparse.Namespace) -> Run:
    words = {
        "host": HOST,
        "web_port": options.port,
        "stream_port": options.stream_port,
        "kafka_port": servers.free_port(),
        "feed": options.feed,
        "shards": options.shards,
        "scratch": VAR,
    }
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "bengi.settings.dev"),
        "BENGI_MODE": options.mode,
        "BENGI_SHARDS": str(options.shards),
        "BENGI_STREAM_URL": f"ws://{HOST}:{options.stream_port}/ws",
    }
    for name in processes.ENVIRONMENT:
        environment.setdefault(name, "")
    return Run(options.mode, options.shards, words, environment)


def _servers(run: Run) -> list[Order]:
    """Return the servers that nobody has named, and let the processes know of them."""
    VAR.mkdir(parents=True, exist_ok=True)
    found, told = [], run.environment
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if not told["DATABASE_URL"]:
        order, told["DATABASE_URL"] = servers.postgres(VAR / "postgres", plain)
        found.append(order)
    if not told["REDIS_URL"]:
        order, told["REDIS_URL"] = servers.redis_server(VAR / "redis", plain)
        found.append(order)
    if run.mode in processes.KAFKA.modes and not told["BENGI_KAFKA"]:
        port = int(str(run.words["kafka_port"]))
        order = run.order(processes.KAFKA)
        told["BENGI_KAFKA"] = f"{HOST}:{port}"
        found.append(replace(order, is_well=lambda: servers.listens(port)))
    return found


def _succeeds(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except Exception:  # noqa: BLE001 - whatever it says, it is not well yet
        return False


class _Printer:
    """Prints a line with who has said it in front, in a colour of its own on a terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._colours: dict[str, int] = {}

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            head = f"{name:>11} |"
            head = f"\x1b[{colour}m{head}\x1b[0m" if self._is_coloured else head
            print(head, line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts.supervisor", description="Run a mode of Bengi.")
    parser.add_argument("mode", choices=processes.MODES)
    parser.add_argument("--port", type=int, default=8000, help="of pages and API")
    parser.add_argument("--stream-port", type=int, default=8001, help="of the sockets")
    parser.add_argument("--shards", type=int, default=2, help="how many engines share the market")
    parser.add_argument("--feed", default="simulator", help="where prices come from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
