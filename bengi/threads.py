"""The threads of a process: each works until it is told to stop, and the last one stops first."""

import threading
from collections.abc import Callable
from typing import Protocol

from django.db import connection


class Work(Protocol):
    """What a thread does: run() until stop(), which any thread may call."""

    def run(self) -> None:
        """Work until stopped."""

    def stop(self) -> None:
        """Let run() end."""


class Crew:
    """Threads that are started one by one and stopped together. For one owner, not thread-safe."""

    def __init__(self) -> None:
        self._threads: list[tuple[threading.Thread, Callable[[], None]]] = []

    def add(self, name: str, work: Work) -> None:
        """Let work run in a thread of its own."""
        self.spawn(name, work.run, work.stop)

    def spawn(
        self, name: str, run: Callable[[], None], stop: Callable[[], None] = lambda: None
    ) -> None:
        """Call run in a thread of its own; its connection to the database ends with it.

        stop lets run end; without it run ends by itself.
        """

        def body() -> None:
            try:
                run()
            finally:
                connection.close()

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        self._threads.append((thread, stop))

    def stop(self, timeout_s: float = 5) -> bool:
        """Stop every thread, the last one first, and wait so long for each to end what it is at.

        Return whether all of them have ended.
        """
        threads, self._threads = self._threads, []
        for thread, stop in reversed(threads):
            stop()
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread, _ in threads)
