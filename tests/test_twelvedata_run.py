"""`manage.py run --feed twelvedata` on the stand-in, by the commands of docs/market-data.md."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from bengi import clock
from instruments.standin.credits import PLANS
from instruments.standin.market import simulated
from instruments.standin.server import StandIn
from instruments.standin.service import Service

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "market-data.md").read_text()
FREE, PRO = re.findall(r"^TWELVE_DATA_API_KEY=demo .*manage\.py run .*$", PAGE, re.MULTILINE)
WAIT_S = 90


class ByTheWall(StandIn):
    """A stand-in whose clocks are the machine's, as those of the product are."""

    def __init__(self, plan: str) -> None:
        market = simulated(seed=1, speed=1, mode="always")
        super().__init__(Service(market, PLANS[plan]), now=clock.wall, wall=clock.wall)


@contextmanager
def running(line: str, standin: StandIn, folder: Path) -> Iterator[Callable[[], dict]]:
    """Run a command of the page on a stand-in; yield what returns its newest quotes by symbol."""
    address = standin.url.removeprefix("http://")
    words = shlex.split(line.replace("127.0.0.1:8900", address))
    options = words[words.index("manage.py") :]
    given = dict(word.split("=", 1) for word in words[: words.index("manage.py")])
    kept = {name: said for name, said in os.environ.items() if not name.startswith("BENGI_")}
    kept.pop("DATABASE_URL", None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *options, "--port", port],
            cwd=ROOT,
            env={
                **kept,
                **given,
                "BENGI_VAR": str(folder),
                "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
            },
            stdout=log,
            stderr=log,
        )
    try:
        yield lambda: quotes(folder / "twelvedata.sqlite3")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, (folder / "log").read_text()
        assert "Traceback" not in (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()


def quotes(database: Path) -> dict[str, Decimal]:
    """Return the stored prices by symbol; none as long as there are no tables."""
    if not database.exists():
        return {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        try:
            rows = connection.execute(
                "SELECT i.symbol, q.last FROM instruments_quote q"
                " JOIN instruments_instrument i ON i.id = q.instrument_id"
                " WHERE q.source = 'twelvedata' AND q.last IS NOT NULL"
            ).fetchall()
        except sqlite3.OperationalError:
            return {}
    return dict(rows)


def wait_until(is_so: Callable[[], bool], what: Callable[[], object]) -> None:
    nothing = threading.Event()
    until = clock.wall() + timedelta(seconds=WAIT_S)
    while not is_so():
        assert clock.wall() < until, what()
        nothing.wait(0.2)


def test_on_the_free_plan_quotes_are_asked_for_within_the_limits(tmp_path: Path) -> None:
    with ByTheWall("free") as standin, running(FREE, standin, tmp_path) as stored:
        wait_until(lambda: bool(stored()), (tmp_path / "log").read_text)
        asked = list(standin.service.requests)
        assert any(one.path == "/quote" for one in asked)
        assert {one.status for one in asked} == {200}
        assert sum(one.cost for one in asked) <= 8 * len({one.at.minute for one in asked})


def test_on_a_larger_plan_all_are_asked_for_and_streamed(tmp_path: Path) -> None:
    with ByTheWall("pro") as standin, running(PRO, standin, tmp_path) as stored:
        wait_until(lambda: len(stored()) >= 40, (tmp_path / "log").read_text)
        wait_until(
            lambda: any(requests.get(f"{standin.url}/_state", timeout=20).json()["sockets"]),
            (tmp_path / "log").read_text,
        )
        # Of the simulated past only the last hours are known by the minute: there may be none of
        # the session that ended last, and then the stand-in answers as the provider would.
        told = [one for one in standin.service.requests if one.path != "/time_series"]
        assert {one.status for one in told} == {200}
