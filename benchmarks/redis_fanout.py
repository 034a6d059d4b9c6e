"""Prices from one process to the sockets of another, over the bus of Redis, against one process.

The sockets are those of benchmarks/fanout.py, and so is the demand. A publisher in a process of its
own tells the bus as run_feed does; the hub hears it from Redis. The age runs from the publisher's
clock, which all processes of a machine share.

    python -m benchmarks redis_fanout             starts a Redis of its own
    REDIS_URL=redis://.. python -m benchmarks.redis_fanout      the publisher, until its input ends
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from benchmarks.fanout import SOCKETS, WATCHED, Publish, fanout_lines, measure, move, with_hub
from benchmarks.table import Line, report
from benchmarks.usage import cpu_s
from scripts.supervisor.__main__ import ROOT

READY = "ready"


def run() -> None:
    """Measure the hub with the market in its own process, then with one across the bus."""
    from scripts.parts import PARTS, find

    found = find(PARTS["redis"])
    if not found:
        print("\nredis_fanout: no Redis, not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        # A hub that hears from others also looks for itself, once a second.
        os.environ["BENGI_DATABASE"] = str(Path(folder) / "bench.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "bengi.settings.test"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        _measure_both(found[0])


def _measure_both(redis: Path) -> None:
    from tests import servers

    alone = asyncio.run(measure(with_hub))
    with servers.redis_server(redis) as url, Publisher(url) as publisher:
        _listen_to(url)
        across = asyncio.run(measure(with_hub, lambda _publish: publisher))
        _listen_to("")
    report(
        "redis_fanout",
        f"Prices over Redis to {SOCKETS} sockets, {SOCKETS * WATCHED * 10:,} a second asked for",
        [
            *fanout_lines("hub, market in its process", alone, None),
            *fanout_lines("hub, market across the bus", across, alone.per_second),
            Line("  CPU of the publisher", publisher.cpu_s * 100, "% of a core"),
        ],
    )


def _listen_to(url: str) -> None:
    """Let the bus of this process go over that Redis, or stay in it."""
    from django.conf import settings

    from bengi import bus

    settings.REDIS_URL = url
    bus.reset()


class Publisher:
    """The market in a process of its own."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.redis_fanout"],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.cpu_s = 0.0

    def __enter__(self) -> "Publisher":
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == READY
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def start(self) -> None:
        self._tell("go\n")
        self._spent_s = cpu_s(self._process.pid)

    def stop(self) -> None:
        from benchmarks.fanout import SECONDS

        self.cpu_s = (cpu_s(self._process.pid) - self._spent_s) / SECONDS
        assert self._process.stdin is not None
        self._process.stdin.close()

    def join(self) -> None:
        self._process.wait(20)

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word)
        self._process.stdin.flush()


def publish() -> None:
    """Publish from the first line that comes until there is no more."""
    import django
    from django.conf import settings

    django.setup()
    settings.REDIS_URL = os.environ["REDIS_URL"]
    from bengi.bus import TICKS, get_bus

    bus, stop = get_bus(), threading.Event()
    tell: Publish = lambda ticks: bus.publish(TICKS, ticks)  # noqa: E731
    print(READY, flush=True)
    sys.stdin.readline()
    market = threading.Thread(target=move, args=(tell, stop))
    market.start()
    sys.stdin.read()
    stop.set()
    market.join()
    bus.close()


if __name__ == "__main__":
    publish()
