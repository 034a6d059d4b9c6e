"""A mode's real processes on a floor, as scripts/supervisor/processes.py has them."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from benchmarks.floor import Floor, surroundings
from benchmarks.usage import family_cpu_s
from scripts.supervisor import processes as table
from scripts.supervisor.__main__ import HOST, Run
from scripts.supervisor.children import Child
from scripts.supervisor.servers import free_port, listens

STARTS_WITHIN_S = 120


@dataclass
class Mode:
    """Processes that run. trouble: how many errors each has told of."""

    run: Run
    children: dict[str, Child] = field(default_factory=dict)
    trouble: Counter[str] = field(default_factory=Counter)
    last_words: dict[str, list[str]] = field(default_factory=dict)

    def say(self, name: str, line: str) -> None:
        kept = self.last_words.setdefault(name, [])
        kept.append(line)
        del kept[:-30]
        if "ERROR" in line or line.startswith("Traceback"):
            self.trouble[name] += 1

    @property
    def web_port(self) -> int:
        return int(str(self.run.words["web_port"]))

    @property
    def stream_port(self) -> int:
        return int(str(self.run.words["stream_port"]))

    def cpu_s(self, *beginnings: str) -> float:
        """Return the CPU seconds of the processes so named, and of those they have started."""
        return sum(family_cpu_s(pid) for pid in self.pids(*beginnings))

    def pids(self, *beginnings: str) -> list[int]:
        """Return the first process of each of those so named."""
        return [c.pid for name, c in self.children.items() if name.startswith(beginnings) and c.pid]

    def check(self) -> None:
        """Raise where a process has ended by itself, with its last words."""
        for name, child in self.children.items():
            if child.exit_code is not None:
                raise RuntimeError(f"{name} ended: " + "\n".join(self.last_words.get(name, [])))


@contextlib.contextmanager
def running(
    place: Floor, beginnings: Collection[str] = ("",), *, feed: str = "simulator", **settings: str
) -> Iterator[Mode]:
    """Run those processes of the floor's mode whose names begin so, until this ends.

    settings: what they are told besides.
    """
    words: dict[str, object] = {"host": HOST, "feed": feed, "scratch": place.folder}
    words |= {"web_port": free_port(), "stream_port": free_port()}
    words["shards"] = place.environment["BENGI_SHARDS"]
    told = surroundings(place.environment, **settings)
    told["BENGI_STREAM_URL"] = f"ws://{HOST}:{words['stream_port']}/ws"
    kind = told["BENGI_MODE"]
    wanted = [
        each
        for each in table.processes(kind, int(told["BENGI_SHARDS"]))
        if not each.is_first and each.name.startswith(tuple(beginnings))
    ]
    if broker := told.get("BENGI_KAFKA"):
        words["kafka_port"] = broker.rpartition(":")[2]
        wanted.insert(0, table.KAFKA)
    mode = Mode(Run(kind, int(told["BENGI_SHARDS"]), words, told))
    try:
        for process in wanted:
            _start(mode, process)
        _await(mode)
        yield mode
        mode.check()
    finally:
        _stop(mode)


def _start(mode: Mode, process: table.Process) -> None:
    child = Child(mode.run.order(process), mode.say)
    mode.children[process.name] = child
    child.start()
    if process is table.KAFKA:
        until = time.monotonic() + STARTS_WITHIN_S
        while not listens(int(str(mode.run.words["kafka_port"]))) and time.monotonic() < until:
            time.sleep(0.1)


def _await(mode: Mode) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    for name, child in mode.children.items():
        while not child.order.is_well():
            mode.check()
            if time.monotonic() > until:
                raise RuntimeError(f"{name} did not become well")
            time.sleep(0.2)


def _stop(mode: Mode) -> None:
    for child in reversed(list(mode.children.values())):
        child.ask_to_end()
        child.end(child.order.stop_s)
    for name, count in mode.trouble.items():
        words = "\n  ".join(mode.last_words[name][-12:])
        print(f"{name} told of {count} errors; at last:\n  {words}", file=sys.stderr)
