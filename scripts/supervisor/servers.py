"""PostgreSQL and Redis of our own in var/, from the programs that scripts/parts.py finds.

They listen on loopback alone and ask for no password: for development on one machine.
"""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
import redis

from scripts.parts import PARTS, find
from scripts.supervisor.children import Order
from scripts.supervisor.watch import DidNotStart

DATABASE = "bengi"
Command = list[str | Path]


def free_port() -> int:
    """Return a port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int, option: str) -> None:
    """Raise DidNotStart, with what to do, where somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DidNotStart(
                f"port {port} cannot be used ({error.strerror}); "
                f"choose another one with ARGS='{option} N'"
            ) from error


def postgres(folder: Path, environment: Mapping[str, str]) -> tuple[Order, str]:
    """Return a PostgreSQL that keeps its data in folder, made on first use, and its URL."""
    program, port, owner = _program("postgresql"), free_port(), unprivileged()
    _make(folder, owner)
    if not (folder / "PG_VERSION").exists():
        _init(program, folder, owner)
    words: dict[str, object] = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": 200,
        "timezone": "UTC",
    }
    settings = [word for key, value in words.items() for word in ("-c", f"{key}={value}")]
    command: Command = [program, "-D", folder, *settings]
    url = f"postgresql://bengi@127.0.0.1:{port}/{DATABASE}"
    order = Order(
        "postgres",
        command,
        folder,
        environment,
        is_well=lambda: _has_database(port),
        stop_signal=signal.SIGINT,
        stop_s=30,
        user=owner,
    )
    return order, url


def redis_server(folder: Path, environment: Mapping[str, str]) -> tuple[Order, str]:
    """Return a Redis that keeps nothing, and its URL."""
    program, port = _program("redis"), free_port()
    _make(folder, None)
    url = f"redis://127.0.0.1:{port}/0"
    command: Command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
    command += ["--save", "", "--appendonly", "no", "--loglevel", "warning"]
    return Order("redis", command, folder, environment, is_well=lambda: _pongs(url)), url


def listens(port: int) -> bool:
    """Return whether something takes connections on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _program(name: str) -> Path:
    found = find(PARTS[name])
    if not found:
        raise DidNotStart(f"{name} is missing; install it: {PARTS[name].by_hand}")
    return found[0]


def _make(folder: Path, owner: int | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if owner is not None:
        os.chown(folder, owner, -1)


def _init(program: Path, folder: Path, owner: int | None) -> None:
    command: Command = [program.with_name("initdb"), "-D", folder, "-U", "bengi", "-A", "trust"]
    done = subprocess.run(
        [*command, "-E", "UTF8", "--locale=C"], capture_output=True, text=True, user=owner, cwd="/"
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise DidNotStart(f"PostgreSQL cannot make its files in {folder}: {lines[-1]}")


def unprivileged() -> int | None:
    """Return the user id to run PostgreSQL as, which refuses to be root; None for our own.

    Raises DidNotStart where there is none.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise DidNotStart("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _has_database(port: int) -> bool:
    """Return whether it answers; its database is made where there is none."""
    url = f"postgresql://bengi@127.0.0.1:{port}/postgres"
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as opened:
            there = opened.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if there.fetchone() is None:
                opened.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True


def _pongs(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
