"""A process that is looked after: started, its lines handed on, stopped within its time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Say = Callable[[str, str], None]
"""Takes (the name of who speaks, one line)."""


def ending_with_us(command: Sequence[str | Path], how: signal.Signals) -> list[str | Path]:
    """Return the command so that the kernel sends its process a signal when ours dies.

    Where there is no setpriv, which is of Linux, the command as it is.
    """
    setpriv = shutil.which("setpriv")
    first = [setpriv, "--pdeathsig", how.name.removeprefix("SIG")] if setpriv else []
    return [*first, *command]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to run, and how it is known to be well and told to end.

    user: the user id to run as, where it is not ours. is_well is asked until it says so, and may
    take a second or two.
    """

    name: str
    command: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str]
    is_well: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10
    user: int | None = None


@dataclass
class Child:
    """One process of an order; start() may be called again after it has ended."""

    order: Order
    say: Say
    _process: subprocess.Popen[str] | None = field(default=None, init=False)
    _reader: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone.

        Where the supervisor is killed, the kernel ends it. Raises OSError where it does not start.
        """
        self._process = subprocess.Popen(
            ending_with_us(self.order.command, self.order.stop_signal),
            cwd=self.order.folder,
            env=dict(self.order.environment),
            user=self.order.user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._hand_on, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        """The id of the process that runs, if one does."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """With which code it has ended; None while it runs."""
        return self._process.poll() if self._process else None

    def ask_to_end(self) -> None:
        """Send it the signal that it calls a good end."""
        if self.pid is not None:
            os.kill(self.pid, self.order.stop_signal)

    def end(self, grace_s: float) -> bool:
        """Wait so long for its end, then kill it and what it has started; return whether it kept.

        The last of its lines have been handed on when this returns.
        """
        if self._process is None:
            return True
        try:
            self._process.wait(grace_s)
            kept = True
        except subprocess.TimeoutExpired:
            kept = False
        self._kill_the_rest()
        self._process.wait()
        if self._reader is not None:
            self._reader.join(timeout=1)
        return kept

    def _kill_the_rest(self) -> None:
        """Kill what is left of its session: itself, or workers that it has not taken along."""
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def _hand_on(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.say(self.order.name, line.rstrip("\n"))
