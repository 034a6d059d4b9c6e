"""Each mode as the processes an operator starts, on loopback and on free ports.

A mode is a list of commands with one environment; Fleet starts them, tells where they answer, and
stops them by their ids. What they write is in a folder, one file each.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from scripts.supervisor import processes as table
from scripts.supervisor.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120
STOP_S = 30
OURS = ("BENGI_", "TWELVE_DATA_", "REDIS_URL", "DATABASE_URL", "MONGODB_URI", "EMAIL_URL", "CELERY")
PYTHON = sys.executable
MANAGE = [PYTHON, "manage.py"]


class ProcessEnded(Exception):
    """A process did not come up, or ended by itself; carries the end of what it wrote."""


@dataclass
class Fleet:
    """The processes of one mode. site serves pages and API, stream is the socket's address."""

    folder: Path
    environment: dict[str, str]
    site: str
    stream: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    def start(self, name: str, command: list[str]) -> None:
        """Start a process, or one that has ended again."""
        self.commands[name] = command
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def run(self, command: list[str], given: str = "", timeout_s: int = READY_S) -> str:
        """Run a command to its end in the mode's environment; return what it printed."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def await_ready(self) -> None:
        """Return once pages and sockets answer. Raises ProcessEnded."""
        give_up_s = time.monotonic() + READY_S
        while not (self._answers() and self._takes_sockets()):
            self.check()
            if time.monotonic() > give_up_s:
                raise ProcessEnded("; ".join(self.output(name)[-500:] for name in self.processes))
            time.sleep(0.1)

    def check(self) -> None:
        """Raise ProcessEnded where a process has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise ProcessEnded(f"{name} ended: {self.output(name)[-2000:]}")

    def kill(self, name: str) -> None:
        """End a process where it stands."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop a process in good order; return its exit code."""
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def stop_all(self) -> dict[str, int]:
        """Stop every process, the last started first; return the exit codes."""
        return {name: self.stop(name) for name in reversed(list(self.processes))}

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.site, timeout=10).status_code < 500
        return False

    def _takes_sockets(self) -> bool:
        with contextlib.suppress(OSError, WebSocketException), connect(self.stream):
            return True
        return False


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing but more says how Bengi runs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
        "BENGI_VAR": str(folder),
        "BENGI_RATE_LIMITS": "off",  # everybody here comes from one address
        **more,
    }


@contextlib.contextmanager
def _ended(fleet: Fleet) -> Iterator[Fleet]:
    try:
        yield fleet
    finally:
        for process in fleet.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()


@contextlib.contextmanager
def embedded(folder: Path, **more: str) -> Iterator[Fleet]:
    """Run the embedded mode: one process, on SQLite where more names no other database."""
    port = free_port()
    fleet = Fleet(
        folder,
        environment(folder, **more),
        f"http://127.0.0.1:{port}",
        f"ws://127.0.0.1:{port}/ws",
    )
    with _ended(fleet):
        fleet.start("run", [*MANAGE, "run", "--port", str(port)])
        fleet.await_ready()
        yield fleet


def standard_commands(
    web: int, sockets: int, folder: Path, shards: int = 1
) -> Mapping[str, list[str]]:
    """Return the standard mode's processes by name, as the table of what runs has them."""
    words: dict[str, object] = {"host": "127.0.0.1", "web_port": web, "stream_port": sockets}
    words |= {"feed": "simulator", "scratch": folder}
    found = {}
    for process in table.processes(table.STANDARD, shards):
        if not process.is_first:
            program, *rest = table.arguments(process, words)
            found[process.name] = [str(Path(PYTHON).with_name(program)), *rest]
    return found


@contextlib.contextmanager
def standard(
    folder: Path, database_url: str, redis_url: str, *, shards: int = 1, **more: str
) -> Iterator[Fleet]:
    """Run the standard mode on a PostgreSQL and a Redis."""
    web, sockets = free_port(), free_port()
    stream = f"ws://127.0.0.1:{sockets}/ws"
    of_mode = {
        "BENGI_MODE": "standard",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BENGI_SHARDS": str(shards),
        "BENGI_STREAM_URL": stream,
    }
    fleet = Fleet(folder, environment(folder, **of_mode, **more), f"http://127.0.0.1:{web}", stream)
    with _ended(fleet):
        fleet.run([*MANAGE, "prepare"])
        for name, command in standard_commands(web, sockets, folder, shards).items():
            fleet.start(name, command)
        fleet.await_ready()
        yield fleet
