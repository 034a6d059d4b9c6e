"""Processes that work until they are told to stop: a server's, and those that serve nobody."""

import fcntl
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import CommandError


def check_port(host: str, port: int) -> None:
    """Raise CommandError where nobody can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            hint = "choose another one with ARGS='--port N'"
            raise CommandError(f"Port {port} cannot be used ({error.strerror}); {hint}") from error


@contextmanager
def held_alone(file: Path) -> Iterator[None]:
    """Let no other process hold a database's file; however this one ends, the system lets it go.

    Raises CommandError where another holds it: two would both move the prices in it.
    """
    with file.with_name(f"{file.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            hint = "stop it, or choose another file with ARGS='--database FILE'"
            raise CommandError(f"Bengi runs on {file} already; {hint}") from error
        yield


def server(host: str, port: int, announce: Callable[[], None]) -> Any:
    """Return what serves pages, API and stream: its run() ends with Ctrl-C or SIGTERM.

    announce is called once it listens. Loading it takes seconds, so who starts threads does it
    after this.
    """
    # Daphne (in bengi.server) installs Twisted's asyncio reactor when it is imported.
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: PLC0415

    from bengi.asgi import application  # noqa: PLC0415
    from bengi.server import Server  # noqa: PLC0415

    # A shell that starts a program in the background lets it ignore SIGINT; whoever sends one
    # to its process id means it, so the server's own handler has to find the usual one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return Server(
        application=ASGIStaticFilesHandler(application),
        endpoints=[f"tcp:port={port}:interface={host}"],
        server_name="bengi",
        ready_callable=announce,
    )


class End:
    """Ctrl-C or SIGTERM: whether it has come. For the main thread, which hears them from now on."""

    def __init__(self) -> None:
        # A queue of this kind may be put to by a handler that interrupts the very wait for it.
        self._told: SimpleQueue[int] = SimpleQueue()
        self.has_come = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: self._told.put(number))

    def comes_within(self, seconds: float | None) -> bool:
        """Wait so long for it, None: for ever; return whether it has come."""
        if not self.has_come:
            with suppress(Empty):
                self._told.get(timeout=seconds)
                self.has_come = True
        return self.has_come


def wait_for_the_end() -> None:
    """Return when Ctrl-C or SIGTERM says so."""
    End().comes_within(None)
