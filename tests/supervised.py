"""A mode as people start it: its processes on free ports, under the supervisor, until the end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.supervisor.children import ending_with_us
from scripts.supervisor.servers import free_port

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 90
SHARDS = 2


class ModeDidNotStart(Exception):
    """A mode was not ready in time; the message carries the end of its output."""


@dataclass(frozen=True)
class Mode:
    """A mode that runs. environment is what a command on its books has to be told."""

    name: str
    url: str
    stream_url: str
    process: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str]

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def pids(self, beginning: str) -> dict[str, int]:
        """Return the newest process by name, of those whose name begins so."""
        line = re.compile(rf"bengi \| ({beginning}\S*) is process (\d+)$", re.MULTILINE)
        return {name: int(pid) for name, pid in line.findall(self.output())}

    def kill(self, beginning: str) -> list[str]:
        """Kill the processes whose name begins so, where they stand; return their names."""
        found = self.pids(beginning)
        for pid in found.values():
            os.kill(pid, signal.SIGKILL)
        return list(found)

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command on the mode's books; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


@contextlib.contextmanager
def running_mode(
    name: str, folder: Path, *, supervisor: Sequence[str] = ("scripts.supervisor",), **servers: str
) -> Iterator[Mode]:
    """Start a mode on new books and stop it, as Ctrl-C does, at the end.

    supervisor: the module to run, and arguments before the usual ones. servers: DATABASE_URL and
    REDIS_URL.
    """
    port, stream_port, log = free_port(), free_port(), folder / f"{name}.log"
    environment = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
        "BENGI_VAR": str(folder),
        "BENGI_RATE_LIMITS": "off",
        **servers,
    }
    command = [sys.executable, "-m", *supervisor, name, "--shards", str(SHARDS)]
    command += ["--port", str(port), "--stream-port", str(stream_port)]
    command = ending_with_us(command, signal.SIGTERM)  # in good order
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    site, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{stream_port}/ws"
    mode = Mode(name, site, stream, process, log, environment)
    try:
        _await(mode)
        yield mode
    finally:
        _stop(mode)


UNWANTED = {"BENGI_MODE", "BENGI_SHARDS", "BENGI_KAFKA", "DATABASE_URL", "REDIS_URL", "MONGODB_URI"}


def _await(mode: Mode) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while mode.process.poll() is None and time.monotonic() < deadline:
        if "Ctrl-C stops it; the data stays" in mode.output():
            return
        time.sleep(0.1)
    raise ModeDidNotStart(mode.output()[-4000:])


def _stop(mode: Mode) -> None:
    mode.process.send_signal(signal.SIGINT)
    try:
        mode.process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        mode.process.kill()
        mode.process.wait()
        raise
