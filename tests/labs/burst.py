"""Lab: kill a small broker in the middle of a burst, many times, on SQLite or on PostgreSQL.

    python -m tests.labs.burst ROUNDS SEED sqlite|postgres [two-commits]

Each round forks tests.labs.victim, waits for its first answer and SIGKILLs it some milliseconds
later; on PostgreSQL every fifth round also crashes the server: it stops in immediate mode, or a
backend or the postmaster is SIGKILLed, by turns; then it is started again. With everything down the
books are checked, the events folded and every acknowledged order is looked for; then an engine
drains what was left, and all is checked again. Prints one JSON line; loopback only. With
two-commits the victim books in two transactions, and the lab ends at the first thing that is wrong.
"""

import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scripts.parts import PARTS, find
from tests import servers

KILL_AFTER_MS_MAX = (30, 30, 150)
"""Mostly in the middle of the first answers, now and then in the middle of what follows."""
CRASH_SERVER_EVERY = 5
FRESH_EVERY = 12
"""How many rounds share a database: checking takes longer as it fills."""
READY_S_MAX = 60
DRAIN_S_MAX = 30
"""How long it may take to work what a crash has left behind."""


@contextlib.contextmanager
def database(kind: str) -> Iterator[servers.Cluster | None]:
    """Name the database in the environment, before anybody imports Django."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bengi.settings.test"
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            os.environ["BENGI_DATABASE"] = str(Path(folder) / "burst.sqlite3")
            os.environ.pop("DATABASE_URL", None)
            yield None
        return
    found = find(PARTS["postgresql"])
    assert found, "PostgreSQL is missing"
    with servers.cluster(found[0]) as server, servers.database(server.url) as url:
        os.environ["DATABASE_URL"] = url
        yield server


class Lab:
    """Rounds on one database, and what was found."""

    def __init__(self, seed: str, server: servers.Cluster | None, is_planted: bool) -> None:
        self.seed, self.server, self.is_planted = seed, server, is_planted
        self.chance = random.Random(seed)
        self.told: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(["tests.labs.preload", "tests.labs.victim"])

    def play(self, number: int) -> None:
        """One life: start, burst, kill, look, drain, look again."""
        if number % FRESH_EVERY == 0:
            self.stages = _fresh_stages()
        mine, theirs = self.processes.Pipe(duplex=False)
        from tests.labs.victim import live

        arguments = (theirs, self.stages, f"{self.seed}-{number}", self.is_planted)
        victim = self.processes.Process(target=live, args=arguments)
        victim.start()
        theirs.close()
        try:
            assert mine.poll(READY_S_MAX), "the victim never answered"
            time.sleep(self.chance.randint(0, self.chance.choice(KILL_AFTER_MS_MAX)) / 1000)
            if self.server and number % CRASH_SERVER_EVERY == CRASH_SERVER_EVERY - 1:
                self._crash_server(number)
        finally:
            victim.kill()
            victim.join()
        self.told["kills"] += 1
        self._look(f"round {number}", set(_all(mine)))
        self._drain(number)

    def _crash_server(self, number: int) -> None:
        from django.db import connection

        which = number // CRASH_SERVER_EVERY % 3
        if which == 1:
            self.server.kill_a_backend()
            self.told["backends_killed"] += 1
        else:
            self.server.crash(signal.SIGKILL if which == 2 else signal.SIGQUIT)
            self.server.start()
            self.told["postmasters_killed" if which == 2 else "servers_stopped"] += 1
        connection.close_pool()

    def _look(self, when: str, acknowledged: set[str]) -> None:
        from django.db import connection

        from bengi.books import check_books
        from bengi.replay import differences, fold_log
        from orders.models import Order
        from trades.models import SetAside

        if self.server:
            self.server.await_answer()
        pending = Order.objects.filter(status__in=["accepted", "pending_cancel"])
        self.told["with_work_pending"] += bool(acknowledged) and pending.exists()
        self.told["acknowledged"] += len(acknowledged)
        known = set(Order.objects.values_list("client_order_id", flat=True))
        lines = [f"{key} is lost" for key in acknowledged - known]
        lines += [f"{row} was set aside" for row in SetAside.objects.all()]
        lines += [line for lines in check_books().values() for line in lines]
        self.wrong += [f"{when}: {line}" for line in [*lines, *differences(fold_log())]]
        connection.close()

    def _drain(self, number: int) -> None:
        """Work what the dead left behind: nothing may be stuck, and the books stay clean."""
        from orders.models import Order
        from tests.labs.stage import quote
        from trades.engine import Engine
        from trades.session import SessionHours
        from trades.setting_aside.starts import forgive

        engine = Engine(0, hours=SessionHours("always"))
        quote(self.stages[0])
        started_s = time.monotonic()
        while engine.drain(datetime.now(UTC)):
            continue
        if time.monotonic() - started_s > DRAIN_S_MAX:
            self.wrong.append(f"round {number}: what was left took more than {DRAIN_S_MAX} s")
        forgive(0)  # so that the next life is not wary of being killed
        stuck = Order.objects.filter(status__in=["accepted", "pending_cancel"])
        self.wrong += [f"round {number}: order {order.id} is stuck" for order in stuck]
        self._look(f"after round {number}", set())


def _fresh_stages() -> list[Any]:
    from django.core.management import call_command
    from django.db import connection

    from tests.labs.stage import PRICE, set_up

    if connection.introspection.table_names():
        call_command("flush", verbosity=0, interactive=False)
    stages = [set_up(PRICE * Decimal(100)) for _ in range(2)]
    connection.close()
    return stages


def _all(answers: Connection) -> Iterator[str]:
    """Yield what the dead process said before it died."""
    with contextlib.suppress(EOFError):
        while True:
            yield answers.recv()


def main(rounds: int, seed: str, kind: str, is_planted: bool) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with database(kind) as server:
        import django

        django.setup()
        lab = Lab(seed, server, is_planted)
        for number in range(rounds):
            lab.play(number)
            if is_planted and lab.wrong:
                break
        print(json.dumps({**lab.told, "wrong": [line[:200] for line in lab.wrong[:20]]}))
        sys.stdout.flush()
        from django.db import connection

        connection.close()
        if server:
            connection.close_pool()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], "two-commits" in sys.argv)
