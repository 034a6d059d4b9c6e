"""Lab: an engine stands still for longer than its lease while another works, and then goes on.

    python -m tests.labs.paused scale|standard POINT [no-fence]

Two traders give orders to each other on four shards. The first engine stops (SIGSTOP) at a point of
bengi/crash_points.py, with decisions in its hands; another takes its shards: by consumer group in
the scale-out mode, started by whoever watches in the standard mode. When it has worked what it can,
the first goes on. Prints one JSON line: how often it was fenced, and what is wrong in the end.
LAB_KAFKA, LAB_PREFIX: brokers for scale; REDIS_URL: a Redis for standard. Loopback only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.supervisor.children import ending_with_us

ROOT = Path(__file__).resolve().parent.parent.parent
WITHIN_S = 90
STOPS_AT = 5
"""The batch at which the first engine stops."""
FENCED = "trades.setting_aside.culprits.Fenced"
REFUSED = "nothing more can happen to it"
"""What booking says of a decision on an order that has closed: the net below the fence."""


class Engine:
    """An engine of all shards in a process of its own, and what it says."""

    def __init__(self, mode: str, name: str, folder: Path, **environment: str) -> None:
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ending_with_us([sys.executable, *_command(mode, name)], signal.SIGKILL),
                cwd=ROOT,
                env={**os.environ, **_environment(mode), **environment},
                stdout=log,
                stderr=log,
            )

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def await_words(self, words: str) -> None:
        self._await(lambda: words in self.output(), words)

    def await_stop(self) -> None:
        state = Path(f"/proc/{self._process.pid}/stat")
        self._await(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the stop")

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.go_on()
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await(self, holds: object, what: str) -> None:
        give_up_s = time.monotonic() + WITHIN_S
        assert callable(holds)
        while not holds():
            assert self._process.poll() is None, self.output()[-2000:]
            assert time.monotonic() < give_up_s, (what, self.output()[-2000:])
            time.sleep(0.05)


def _command(mode: str, name: str) -> list[str]:
    from tests.labs.kafka import SHARDS

    if mode == "scale":
        return ["-m", "tests.labs.kafka_engine", str(SHARDS)]
    queues = ",".join(f"matching.{shard}" for shard in range(SHARDS))
    worker = ["-m", "celery", "-q", "-A", "bengi.celery", "worker", "-Q", queues, "-P", "solo"]
    return [*worker, "-n", f"{name}@%h", "-l", "WARNING"]


def _environment(mode: str) -> dict[str, str]:
    from tests.labs.kafka import SHARDS

    if mode == "scale":
        return {"PYTHONUNBUFFERED": "1"}
    return {
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
        "BENGI_MODE": "standard",
        "BENGI_SHARDS": str(SHARDS),
    }


def play(mode: str, point: str, bug: str, stack: contextlib.ExitStack) -> dict[str, object]:
    """Trade with one engine, with its successor, and with both."""
    from tests.labs.kafka import all_worked, look, prepare, trade

    ready = "works [0, 1, 2, 3]" if mode == "scale" else "engines of shards 0, 1, 2, 3 work here"
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    stages, _ = prepare()
    stops = {"CRASH_AT": f"{point}:{STOPS_AT}:stop", "LAB_BUG": bug}
    first = Engine(mode, "first", folder, **stops)
    stack.callback(first.end)
    first.await_words(ready)
    with ThreadPoolExecutor(1) as trading:
        begun = trading.submit(trade, stages, 0)  # goes on while nobody works, up to a limit
        first.await_stop()
        second = Engine(mode, "second", folder)
        stack.callback(second.end)
        second.await_words(ready)
        fenced_before = first.output().count(FENCED)
        if point == "engine.decided":  # nothing is held, so the second does it all
            begun.result()
            all_worked()
        first.go_on()
        begun.result()
        trade(stages, 1)
        all_worked()
    fenced = [engine.output().count(FENCED) for engine in (first, second)]
    return {
        "fenced": fenced,
        "fenced_before": fenced_before,
        "refused": first.output().count(REFUSED),
        "wrong": look()[:20],
    }


def main(mode: str, point: str, bug: str) -> None:
    from tests.labs.burst import database

    with database("postgres"), contextlib.ExitStack() as stack:
        import django

        django.setup()
        from django.conf import settings
        from django.db import connection

        from bengi.errors import BengiError
        from tests.labs.kafka import SHARDS
        from tests.labs.kafka_engine import set_up_kafka
        from tests.realparts import make_topics

        settings.MATCHING_SHARDS = SHARDS
        if mode == "scale":
            set_up_kafka()
            make_topics()
        try:
            told = play(mode, point, bug, stack)
        except (BengiError, AssertionError) as error:
            told = {"wrong": [f"orders were not worked: {error}"[:1000]]}
        stack.close()
        print(json.dumps(told), flush=True)
        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "no-fence" if "no-fence" in sys.argv else "")
