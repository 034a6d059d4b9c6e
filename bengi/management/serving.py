"""Processes that work until they are told to stop: a server's, and those that serve nobody."""

import signal
import socket
import threading
from collections.abc import Callable
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


def wait_for_the_end() -> None:
    """Return when Ctrl-C or SIGTERM says so."""
    told = threading.Event()

    def tell(_number: int, _frame: Any) -> None:
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    told.wait()
