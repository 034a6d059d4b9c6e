"""`manage.py run` as an operator meets it: one clear line when it cannot, a clean stop after."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from instruments.twelvedata.tests.server import (
    Asked,
    Said,
    error_document,
    quote_document,
    serving,
)

ROOT = Path(__file__).resolve().parent.parent


def command(*options: str) -> list[str]:
    return [sys.executable, "manage.py", "run", *options]


def environment(folder: Path, **more: str) -> dict[str, str]:
    ours = ("BENGI_", "TWELVE_DATA_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
        "BENGI_VAR": str(folder),
        **more,
    }


def refused(folder: Path, *options: str) -> str:
    """Run with options that cannot work; return the one line that says why."""
    done = subprocess.run(
        command(*options),
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


IN_BACKGROUND = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
"""Before a command: what a shell does to one that it starts with &, Ctrl-C's signal is ignored."""


@contextmanager
def running(
    folder: Path, *options: str, before: Sequence[str] = (), **more: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the address of a running product; stop it by Ctrl-C if it still runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*before, *command("--port", str(port), *options)],
        cwd=ROOT,
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/", process)
        yield address, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert process.poll() is None, process.communicate()[0]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} cannot be used" in refused(tmp_path, "--port", port)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    line = refused(tmp_path, "--database", str(tmp_path / "file" / "bengi.sqlite3"))
    assert "cannot be made" in line


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "letter.sqlite3").write_text("Dear sir or madam, " * 100)
    line = refused(tmp_path, "--database", str(tmp_path / "letter.sqlite3"), "--port", "0")
    assert "cannot be used" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--feed", "replay"], "needs --data DIR and --day"),
        (["--speed", "0"], "more than zero"),
        (["--feed", "twelvedata"], "needs a key in TWELVE_DATA_API_KEY"),
        (["--feed", "replay", "--data", "nowhere", "--day", "2013-10-07"], "nowhere"),
    ],
)
def test_options_that_make_no_sense_are_one_clear_line(
    tmp_path: Path, options: list[str], words: str
) -> None:
    assert words in refused(tmp_path, *options, "--port", "0")


@pytest.mark.slow
def test_it_serves_stops_on_ctrl_c_and_keeps_its_data(tmp_path: Path) -> None:
    with running(tmp_path) as (_, process):
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Demo sign-in: demo@bengi.example" in printed
        assert printed.rstrip().endswith("Stopped.")
        assert "Traceback" not in printed
    kept = (tmp_path / "bengi.sqlite3").stat().st_size
    with running(tmp_path, before=IN_BACKGROUND) as (address, process):
        assert urllib.request.urlopen(address, timeout=5).status == 200
        line = refused(tmp_path, "--port", "0")
        assert "bengi.sqlite3 already; stop it, or choose another file" in line
    assert process.returncode == 0
    assert (tmp_path / "bengi.sqlite3").stat().st_size >= kept
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_replay_runs_on_the_markets_own_clock(tmp_path: Path, real_data: Path) -> None:
    """At 3600 times the pace the session of 2013-10-07 opens within a second or two."""
    options = ["--feed", "replay", "--data", str(real_data), "--day", "2013-10-07"]
    with running(tmp_path, *options, "--speed", "600") as (address, process):
        jar = sign_in(address)
        for _ in range(100):
            assert process.poll() is None
            quote = get(f"{address}/api/v1/instruments/SPY/quote", jar)
            if quote["last"] is not None and quote["is_open"]:
                break
            time.sleep(0.2)
        assert quote["as_of"].startswith("2013-10-07T")
        assert 165 < float(quote["last"]) < 170
    assert (tmp_path / "replay-2013-10-07.sqlite3").exists()


def sign_in(address: str) -> urllib.request.OpenerDirector:
    """Return an opener with the demo trader's session."""
    from http.cookiejar import CookieJar

    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{address}/signin", timeout=10).close()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = f"csrfmiddlewaretoken={token}"
    opener.open(f"{address}/signin/demo", data=form.encode(), timeout=20).close()
    return opener


def get(url: str, opener: urllib.request.OpenerDirector) -> Any:
    with opener.open(url, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_it_runs_on_twelve_data_and_stops_while_a_question_is_out(tmp_path: Path) -> None:
    """Its server is the test's; the last question is never answered before the stop."""
    silent = threading.Event()

    def answer(asked: Asked) -> Any:
        if asked.path != "/quote":
            return Said(error_document(403, "plan"), 403)
        if len(server.asked) > 3:
            return Said({}, before=lambda handler: silent.wait(20))
        tokens = asked.parameters["symbol"].split(",")
        now = int(time.time())
        documents = {token: quote_document(token, last_quote_at=now) for token in tokens}
        return documents if len(tokens) > 1 else documents[tokens[0]]

    with serving(answer) as server:
        service = {"TWELVE_DATA_API_KEY": "a-secret", "TWELVE_DATA_BASE_URL": server.url}
        options = ["--feed", "twelvedata", "--hours", "always"]
        with running(tmp_path, *options, **service) as (_, process):
            give_up_s = time.monotonic() + 30
            while not any(asked.path == "/quote" for asked in server.asked):
                assert time.monotonic() < give_up_s
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=30)
        silent.set()
    assert process.returncode == 0
    assert "prices of Twelve Data, 8 credits a minute, 800 a day" in printed
    assert printed.rstrip().endswith("Stopped.")
    assert "Traceback" not in printed
    assert "a-secret" not in printed
    assert (tmp_path / "twelvedata.sqlite3").exists()
    assert not (tmp_path / "bengi.sqlite3").exists()
