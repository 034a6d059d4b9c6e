"""`manage.py fake_twelvedata` as somebody meets it who reads docs/market-data.md."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from bengi import clock
from instruments import calendar

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "market-data.md").read_text()
SECTION = PAGE.partition("\n## The stand-in of Twelve Data\n")[2].partition("\n## ")[0]
LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
STARTS = [line for line in LINES if line.startswith("manage.py fake_twelvedata")]
CURLS = [line for line in LINES if line.startswith("curl ")]
ANNOUNCED = re.compile(r"Twelve Data's stand-in is at (http://127\.0\.0\.1:\d+)")
STOP_S = 30
"""Far more than it takes, for machines that have other things to do."""

MINUTES = """\
time,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size,\
open,high,low,close,volume
2013-10-07T13:30:00Z,181,181,181,181,100,182,182,182,182,100,181.5,181.9,181.2,181.4,300
"""


def environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BENGI_")}
    kept["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    return {**kept, "DJANGO_SETTINGS_MODULE": "bengi.settings.dev", "BENGI_VAR": str(folder)}


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the address of a stand-in on a free port, and its process, killed at the end."""
    command = [sys.executable, "manage.py", "fake_twelvedata", *options, "--port", "0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        announced = ANNOUNCED.match(first)
        assert announced, first + process.communicate()[0]
        yield announced[1], process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def refused() -> Iterator[Callable[..., str]]:
    """Return a function that gives the command options that cannot work and returns its words."""

    def refuse(*options: str) -> str:
        with pytest.raises(CommandError) as error:
            call_command("fake_twelvedata", *options)
        assert "\n" not in str(error.value)
        return str(error.value)

    before = calendar.in_use()
    yield refuse
    calendar.use(before)
    clock.reset()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_it_needs_no_database_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as (address, process):
        answer = requests.get(f"{address}/price?symbol=AAPL&apikey=k", timeout=20)
        assert list(answer.json()) == ["price"]
        hanging = socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])))
        process.send_signal(number)
        printed, _ = process.communicate(timeout=STOP_S)
        hanging.close()
        assert process.returncode == 0
        assert printed.rstrip().endswith("Stopped.")
        assert "Traceback" not in printed
    assert list(tmp_path.glob("*.sqlite3*")) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "nowhere"], "needs both --data DIR and --day"),
        (["--data", "nowhere", "--day", "2013-10-07"], "no file like AAPL_20131007_1min.csv"),
        (["--speed", "0"], "more than zero"),
        (["--speed", "101"], "100 at most"),
        (["--fault", "{}"], "fault"),
        (["--fault", '{"fault": "flood"}'], "flood"),
    ],
)
def test_options_that_make_no_sense_are_one_clear_line(
    refused: Callable[..., str], options: list[str], words: str
) -> None:
    assert words in refused(*options)


def test_a_taken_port_is_one_clear_line(refused: Callable[..., str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} cannot be used" in refused("--port", port)


@pytest.mark.slow
def test_a_recorded_day_runs_on_its_own_clock(tmp_path: Path) -> None:
    (tmp_path / "IBM_20131007_1min.csv").write_text(MINUTES)
    options = ["--data", str(tmp_path), "--day", "2013-10-07", "--at", "09:31"]
    with running(tmp_path, *options) as (address, _):
        quote = requests.get(f"{address}/quote?symbol=IBM&apikey=k", timeout=20).json()
        assert (quote["datetime"], quote["close"], quote["volume"]) == (
            "2013-10-07",
            "181.40000",
            "300",
        )
        assert quote["is_market_open"] is True
        state = requests.get(f"{address}/_state", timeout=20).json()
        assert state["now"].startswith("2013-10-07T13:3")


@pytest.mark.slow
@pytest.mark.parametrize("line", STARTS)
def test_every_command_of_the_page_starts_one(line: str, tmp_path: Path) -> None:
    (tmp_path / "IBM_20131007_1min.csv").write_text(MINUTES)
    options = shlex.split(line.replace("DIR", str(tmp_path)))[2:]
    with running(tmp_path, *options) as (address, _):
        assert requests.get(f"{address}/_state", timeout=20).status_code == 200


@pytest.mark.slow
def test_every_request_of_the_page_is_answered(commands: Path, tmp_path: Path) -> None:
    path = {"PATH": f"{commands}:{os.environ['PATH']}"}
    with running(tmp_path, "--plan", "pro") as (address, _):
        for line in CURLS:
            asked = line.replace("http://127.0.0.1:8900", address)
            done = subprocess.run(
                ["sh", "-c", f"{asked} --fail --silent --show-error --max-time 20"],
                env={**os.environ, **path},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, (line, done.stderr)
            assert done.stdout.startswith(("{", "[")), line
            assert '"status": "error"' not in done.stdout, line
    assert len(CURLS) == 7
    assert len(STARTS) == 5


@pytest.mark.slow
def test_it_ends_within_a_second(tmp_path: Path) -> None:
    """From the signal to the end of the process; the machine may have other things to do."""
    took_s = [float("inf")]
    while min(took_s) >= 1 and len(took_s) <= 5:
        with running(tmp_path) as (address, process):
            requests.get(f"{address}/price?symbol=AAPL&apikey=k", timeout=20)
            began_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_S)
            took_s.append(time.monotonic() - began_s)
    assert min(took_s) < 1, took_s
