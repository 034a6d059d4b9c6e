"""Single processes of a mode, as an operator starts and stops them."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.modes.processes import MANAGE, ROOT, Fleet, environment

pytestmark = pytest.mark.slow


def test_two_may_prepare_the_same_database_at_once(tmp_path: Path, postgres_url: str) -> None:
    """The second one waits for the first and finds its work done; so does a third, later."""
    of_mode = environment(tmp_path, DATABASE_URL=postgres_url)
    both = [
        subprocess.Popen(
            [*MANAGE, "prepare"],
            cwd=ROOT,
            env=of_mode,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=180)[0].decode() for process in both]
    assert printed == ["The database is ready.\n"] * 2
    assert [process.returncode for process in both] == [0, 0]
    fleet = Fleet(tmp_path, of_mode, "", "")
    assert fleet.run([*MANAGE, "prepare"]) == "The database is ready.\n"
    fleet.run([*MANAGE, "check_books"])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_engine_stops_in_good_order(tmp_path: Path, how: signal.Signals) -> None:
    fleet = Fleet(tmp_path, environment(tmp_path), "", "")
    fleet.run([*MANAGE, "migrate"])
    fleet.start("engine", [*MANAGE, "run_engine", "--shards", "0"])
    try:
        give_up_s = time.monotonic() + 60
        while "Engines work: shards 0." not in fleet.output("engine"):
            fleet.check()
            assert time.monotonic() < give_up_s
            time.sleep(0.05)
        assert fleet.stop("engine", how) == 0
        assert fleet.output("engine").splitlines() == ["Engines work: shards 0.", "Stopped."]
    finally:
        for process in fleet.processes.values():
            process.kill()
            process.wait()
