"""The supervisor of `make run-standard`: order of starts and stops, deaths, and plain words."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.supervisor import processes, servers, watch
from scripts.supervisor.children import Order
from scripts.supervisor.processes import SCALE, STANDARD, Process
from scripts.supervisor.watch import DidNotStart, Supervisor

ROOT = Path(__file__).resolve().parent.parent
WAITS = "import signal, sys\nprint('up', flush=True)\nsignal.pause()"
SAYS_GOODBYE = (
    "import signal, sys, threading\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('down', flush=True), sys.exit()))\n"
    "print('up', flush=True)\n"
    "signal.pause()"
)
IS_DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\n"
IS_DEAF += "while True: signal.pause()"


class Told:
    """Everything that was said, and a way to wait for it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def __call__(self, name: str, line: str) -> None:
        with self._changed:
            self.lines.append((name, line))
            self._changed.notify_all()

    def wait_for(self, name: str, line: str, times: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.lines.count((name, line)) >= times, 30)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def now_s() -> list[float]:
    return [100.0]


@pytest.fixture
def supervisor(
    told: Told, now_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Supervisor]:
    monkeypatch.setattr(watch, "LOOK_S", 0.005)
    made = Supervisor(told, lambda: now_s[0])
    yield made
    made.stop_soon()
    made.stop_soon()
    made.stop()


def order(name: str, code: str, tmp_path: Path, **more: object) -> Order:
    command = [sys.executable, "-c", code]
    return Order(name, command, tmp_path, dict(os.environ), **more)  # type: ignore[arg-type]


def said(told: Told, line: str) -> Callable[[], bool]:
    return lambda: any(words == line for _, words in told.lines)


def test_lines_are_handed_on_and_the_last_one_stops_first(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        supervisor.start([order(name, SAYS_GOODBYE, tmp_path)], within_s=30)
        told.wait_for(name, "up")
    supervisor.stop()
    downs = [name for name, line in told.lines if line == "down"]
    assert downs == ["three", "two", "one"]


def test_a_start_waits_until_it_is_well(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    supervisor.start([order("one", WAITS, tmp_path, is_well=said(told, "up"))], within_s=30)
    assert ("one", "up") in told.lines


def test_one_that_ends_while_it_starts_is_told_of(supervisor: Supervisor, tmp_path: Path) -> None:
    ends = order("one", "raise SystemExit(3)", tmp_path, is_well=lambda: False)
    with pytest.raises(DidNotStart, match="one ended with code 3"):
        supervisor.start([ends], within_s=30)


def test_one_that_never_becomes_well_is_told_of(
    supervisor: Supervisor, now_s: list[float], tmp_path: Path
) -> None:
    def asked() -> bool:
        now_s[0] += 20
        return False

    with pytest.raises(DidNotStart, match="one did not become well in time"):
        supervisor.start([order("one", WAITS, tmp_path, is_well=asked)], within_s=30)


def test_one_that_cannot_be_found_is_told_of(supervisor: Supervisor, tmp_path: Path) -> None:
    missing = Order(
        "one", [tmp_path / "missing"], tmp_path, dict(os.environ), is_well=lambda: False
    )
    with pytest.raises(DidNotStart, match=r"one (does not start|ended with code)"):
        supervisor.start([missing], within_s=30)


def test_what_runs_first_must_end_well(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    supervisor.run_to_end(order("first", "print('done')", tmp_path))
    assert told.lines == [("first", "done")]
    with pytest.raises(DidNotStart, match="first ended with code 1"):
        supervisor.run_to_end(order("first", "raise SystemExit(1)", tmp_path))


def test_what_dies_starts_again_later_and_later(
    supervisor: Supervisor, told: Told, now_s: list[float], tmp_path: Path
) -> None:
    """Three deaths in a row, then one after a good while: the waits are 1, 2, 4 and 1 s."""
    supervisor.start([order("one", WAITS, tmp_path)], within_s=30)
    (watched,) = supervisor._watched
    for number, (wait_s, lived_s) in enumerate([(1, 0), (2, 0), (4, 0), (1, 61)], start=1):
        told.wait_for("one", "up", times=number)
        now_s[0] += lived_s
        pid = watched.child.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        watched.child._process.wait(30)  # type: ignore[union-attr]
        supervisor._look(watched)
        words = f"one ended with code -9; it starts again in {wait_s} s"
        assert told.lines[-1] == ("bengi", words)
        now_s[0] += wait_s - 0.1
        supervisor._look(watched)
        assert watched.child.pid is None
        now_s[0] += 0.2
        supervisor._look(watched)
        assert watched.child.pid is not None


def test_one_that_does_not_listen_is_killed(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    supervisor.start([order("deaf", IS_DEAF, tmp_path, stop_s=0.2)], within_s=30)
    told.wait_for("deaf", "up")
    supervisor.stop()
    assert told.lines[-1] == ("bengi", "deaf had to be killed")


def test_a_second_ctrl_c_ends_the_wait_for_one_that_does_not_listen(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    """The signal comes while one is waited for, which has a minute to end."""
    supervisor.start([order("deaf", IS_DEAF, tmp_path, stop_s=60)], within_s=30)
    told.wait_for("deaf", "up")
    again = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, lambda *_: supervisor.stop_soon())
    began_s = time.monotonic()
    try:
        supervisor.stop_soon()
        again.start()
        supervisor.stop()
    finally:
        again.join()
        signal.signal(signal.SIGINT, before)
    assert told.lines[-1] == ("bengi", "deaf had to be killed")
    assert time.monotonic() - began_s < 30


def test_what_a_child_leaves_behind_ends_with_it(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    leaves = (
        "import subprocess, sys, signal\n"
        "worker = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(worker.pid, flush=True)\n"
        "signal.pause()"
    )

    def has_told() -> bool:
        return any(name == "one" for name, _ in told.lines)

    supervisor.start([order("one", leaves, tmp_path, is_well=has_told)], within_s=30)
    (worker,) = (int(line) for name, line in told.lines if name == "one")
    worker_is_gone = os.pidfd_open(worker)
    supervisor.stop()
    assert select.select([worker_is_gone], [], [], 30)[0], "the worker goes on"
    os.close(worker_is_gone)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="only Linux ends the children of who died")
def test_children_end_with_a_supervisor_that_is_killed() -> None:
    child = "import os, signal; print('pid', os.getpid(), flush=True); signal.pause()"
    script = (
        "import os, pathlib, sys\n"
        "from scripts.supervisor.children import Order\n"
        "from scripts.supervisor.watch import Supervisor\n"
        "say = lambda name, line: print(name, line, flush=True)\n"
        f"order = Order('one', [sys.executable, '-c', {child!r}], pathlib.Path('/'), os.environ)\n"
        "supervisor = Supervisor(say)\n"
        "supervisor.start([order], within_s=30)\n"
        "supervisor.watch()\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert killed.stdout
    pid = next(int(line.split()[-1]) for line in killed.stdout if line.startswith(b"one pid"))
    child_is_gone = os.pidfd_open(pid)
    killed.kill()
    killed.wait()
    assert select.select([child_is_gone], [], [], 30)[0], "the child goes on"
    os.close(child_is_gone)
    killed.stdout.close()


def test_a_port_in_use_is_refused_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "scripts.supervisor", "standard", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"bengi: port {port} cannot be used (Address already in use); "
        "choose another one with ARGS='--port N'\n"
    )


def test_a_part_that_is_missing_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(servers, "find", lambda _: None)
    with pytest.raises(DidNotStart, match=r"postgresql is missing; install it: .*apt-get"):
        servers.postgres(tmp_path, {})


# -- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (
            STANDARD,
            "prepare web sockets matching-0 matching-1 matching-2 worker beat feed",
        ),
        (SCALE, "prepare web sockets engine-1 engine-2 relay tape worker beat feed"),
    ],
)
def test_a_mode_starts_in_this_order(mode: str, names: str) -> None:
    assert [each.name for each in processes.processes(mode, 3)] == names.split()


def test_words_are_filled_in_and_patterns_of_others_are_let_be() -> None:
    (each,) = (p for p in processes.processes(STANDARD, 1) if p.name == "matching-0")
    words = processes.arguments(each, {})
    assert words[-4:] == ["-n", "matching-0@%h", "-l", "WARNING"]
    assert words[words.index("-Q") + 1] == "matching.0"
    spaced = Process("x", "run {folder}")
    assert processes.arguments(spaced, {"folder": "a b"}) == ["run", "a b"]
