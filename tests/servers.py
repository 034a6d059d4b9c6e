"""Throw-away servers for tests: a PostgreSQL cluster, a Redis, each in a folder of its own.

Each is a context manager that yields the server's URL once it answers, and at the end stops the
process it started, by its id, and removes its folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from scripts.supervisor.children import ending_with_us
from scripts.supervisor.servers import free_port, unprivileged

Command = list[str | Path]

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
START_TRIES = 50
NO_ANSWER_YET = (psycopg.OperationalError, redis.ConnectionError, FileNotFoundError)


class ServerDidNotStart(Exception):
    """A server did not answer in time; the message carries the end of its log."""


@contextlib.contextmanager
def postgres(program: Path, *, is_durable: bool = False) -> Iterator[str]:
    """Run a new PostgreSQL cluster on loopback; yield the URL of its maintenance database."""
    with cluster(program, is_durable=is_durable) as server:
        yield server.url


@contextlib.contextmanager
def cluster(program: Path, *, is_durable: bool = False) -> Iterator[Cluster]:
    """Run a new PostgreSQL cluster on loopback; yield it, to be used and to be crashed.

    PostgreSQL refuses to run as root, so root hands it to another user. Nothing is synced to
    disk, unless it is_durable: a test kills processes, not the machine, and what the kernel holds
    survives that. A benchmark measures what syncing costs.
    """
    with _folder() as folder:
        owner, data = unprivileged(), folder / "data"
        initdb: Command = [program.with_name("initdb"), "-D", data, "-U", "bengi", "-A", "trust"]
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            user=owner,
        )
        server = Cluster(program, folder, free_port(), is_durable=is_durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Cluster:
    """A PostgreSQL server of a test's own. url is that of its maintenance database."""

    def __init__(self, program: Path, folder: Path, port: int, *, is_durable: bool = False) -> None:
        self.url = f"postgresql://bengi@127.0.0.1:{port}/postgres"
        self._folder = folder
        options: dict[str, object] = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "max_connections": 200,
            "fsync": "on" if is_durable else "off",
            "timezone": "UTC",
        }
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        self._command: Command = [program, "-D", folder / "data", *settings]
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        """Start it, after a crash too, and wait until it answers.

        While children of a killed postmaster still hold its memory, a new one refuses to start.
        """
        for tries_left in reversed(range(START_TRIES)):
            running = _running(self._command, self._folder, unprivileged(), signal.SIGINT)
            self._process = self._running.enter_context(running)
            try:
                return self.await_answer()
            except ServerDidNotStart:
                if not tries_left or self._process.poll() is None:
                    raise
                time.sleep(0.2)
        return None

    def stop(self) -> None:
        """Stop it the clean way."""
        self._running.close()

    def crash(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it in immediate mode: every process dies where it stands, recovery comes later.

        SIGKILL kills the postmaster alone; its children notice and end.
        """
        self._process.send_signal(how)
        self._process.wait(STOP_TIMEOUT_S)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the kernel take connections and what is sent on them, and nobody answer."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        stopped = [self._process.pid]
        os.kill(self._process.pid, signal.SIGSTOP)  # first, so that no child comes meanwhile
        try:
            stopped += [int(pid) for pid in children.read_text().split()]
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def kill_a_backend(self) -> None:
        """SIGKILL a session that is at work, and wait until the server throws all sessions out.

        Before it does so it still takes new ones, which then do not last.
        """
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() ORDER BY (state = 'idle'), pid LIMIT 1"
            ).fetchone()
            if found:
                os.kill(found[0], signal.SIGKILL)
                until_s = time.monotonic() + STOP_TIMEOUT_S  # one that ended by itself kills nobody
                while time.monotonic() < until_s:
                    connection.execute("SELECT pg_sleep(0.01)")

    def await_answer(self) -> None:
        """Wait until it takes connections. Raises ServerDidNotStart."""
        ask = psycopg.connect
        _await_answer(self._process, self._folder, lambda: ask(self.url).close())


@contextlib.contextmanager
def database(server_url: str) -> Iterator[str]:
    """Create an empty database on a PostgreSQL server; yield its URL; drop it at the end."""
    name = f"bengi_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def redis_server(program: Path) -> Iterator[str]:
    """Run a new, empty Redis on loopback that writes nothing to disk; yield its URL."""
    with redis_of_its_own(program) as server:
        yield server.url


@contextlib.contextmanager
def redis_of_its_own(program: Path) -> Iterator[Redis]:
    """As redis_server(); yield the server, to be used, stopped and started again."""
    with _folder() as folder:
        server = Redis(program, folder, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Redis:
    """A Redis server of a test's own, empty whenever it starts."""

    def __init__(self, program: Path, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._folder = folder
        self._command: Command = [program, "--port", str(port), "--bind", "127.0.0.1"]
        self._command += ["--dir", folder, "--save", "", "--appendonly", "no"]
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        """Start it and wait until it answers."""
        running = _running(self._command, self._folder, unprivileged(), signal.SIGTERM)
        self._process = self._running.enter_context(running)
        _await_answer(self._process, self._folder, lambda: _ping(self.url))

    def stop(self) -> None:
        """Stop it: whoever is connected is cut off, whoever comes is refused."""
        self._running.close()

    def crash(self) -> None:
        """Kill it where it stands."""
        self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it take connections and answer nothing, as over a broken line."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def kafka_dev() -> Iterator[str]:
    """Run Bengi's stand-in of Kafka in a process of its own; yield its address."""
    with _folder() as folder:
        told = folder / "address"
        command: Command = [sys.executable, ROOT / "manage.py", "kafka_dev", "--port", "0"]
        command += ["--file", told]
        with _running(command, folder, None, signal.SIGTERM) as process:
            _await_answer(process, folder, lambda: _ignore(told.read_text()))
            yield told.read_text().strip().removeprefix("BENGI_KAFKA=")


def _ignore(_told: object) -> None:
    """Be content that there was an answer."""


def _ping(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Yield a new folder that the server's user may write, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="bengi-"))
    try:
        if (owner := unprivileged()) is not None:
            os.chown(folder, owner, -1)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(
    command: Command, folder: Path, owner: int | None, stop: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with its output in folder/log; stop it with the signal it calls a clean end."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ending_with_us(command, stop),
            cwd=folder,
            user=owner,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_answer(process: subprocess.Popen[bytes], folder: Path, ask: Callable[[], None]) -> None:
    """Return once ask() succeeds. Raises ServerDidNotStart when the process ends or time is up."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(*NO_ANSWER_YET):
            return ask()
        time.sleep(0.05)
    raise ServerDidNotStart((folder / "log").read_text(errors="replace")[-2000:])
