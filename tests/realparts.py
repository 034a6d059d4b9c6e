"""Real parts for tests: PostgreSQL, Redis, Chromium, curl, jq and recorded market data.

A test asks for a part by fixture. A run closes with a section "real parts" that says which part
ran, its version and where it came from, or that nothing in the run used it; one "labs" says how
many rounds and kills there were.

postgres_url    a database of the test's own; $TEST_DATABASE_URL names a server to make it in
redis_url       a Redis of this run's own; $TEST_REDIS_URL names one to use instead
real_data       the folder of recorded market data; $BENGI_REAL_DATA names it
commands        a folder for the PATH with curl and jq; $BENGI_CURL and $BENGI_JQ name others
page, browser   pytest-playwright's, on the system's Chromium; $BENGI_CHROMIUM names one
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from scripts.parts import PARTS, find
from tests import servers

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("PostgreSQL", "Redis", "Chromium", "curl", "jq", "real market data")
MARKED = {"postgres_url", "redis_url", "commands"}
RAN = pytest.StashKey[dict[str, str]]()
LABS = pytest.StashKey[dict[str, str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for a part which has to be installed."""
    for item in items:
        if MARKED & set(getattr(item, "fixturenames", ())):
            item.add_marker("real_parts")


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the URL of a real PostgreSQL server, stopped at the end where this run started it."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        _record(pytestconfig, "PostgreSQL", f"{_postgres_version(given)} at $TEST_DATABASE_URL")
        yield given
        return
    program = _program("postgresql")
    with servers.postgres(program) as url:
        words = f"{_postgres_version(url)}, {program}, started for this run"
        _record(pytestconfig, "PostgreSQL", words)
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Yield the URL of a database of the test's own on a real PostgreSQL, empty at the start."""
    with servers.database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the URL of a real Redis, empty at the start and stopped at the end."""
    if given := os.environ.get("TEST_REDIS_URL"):
        _record(pytestconfig, "Redis", f"{_redis_version(given)} at $TEST_REDIS_URL")
        yield given
        return
    program = _program("redis")
    with servers.redis_server(program) as url:
        _record(pytestconfig, "Redis", f"{_redis_version(url)}, {program}, started for this run")
        yield url


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """Return a folder for the PATH in which curl and jq are the programs that were found."""
    folder = tmp_path_factory.mktemp("commands")
    for name in ("curl", "jq"):
        program, version = _found(name)
        _record(pytestconfig, name, f"{version.split(' (')[0]}, {program}")
        (folder / name).symlink_to(program.absolute())
    return folder


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], pytestconfig: pytest.Config
) -> dict[str, Any]:
    """Let pytest-playwright start the system's Chromium, as every person's browser starts."""
    program, version = _found("chromium")
    _record(pytestconfig, "Chromium", f"{version}, {program}")
    return {**browser_type_launch_args, "executable_path": str(program)}


@pytest.fixture(scope="session")
def real_data(pytestconfig: pytest.Config) -> Path:
    """Return the folder of recorded market data; skip, loudly, where there is none."""
    folder = Path(os.environ.get("BENGI_REAL_DATA") or ROOT.parent / "shared" / "data" / "real")
    if not any(folder.glob("*.csv")):
        words = f"ABSENT, its tests were skipped: no CSV file in {folder}"
        _record(pytestconfig, "real market data", words)
        pytest.skip(f"real market data is absent: set BENGI_REAL_DATA, nothing in {folder}")
    _record(pytestconfig, "real market data", f"{len(list(folder.glob('*.csv')))} files, {folder}")
    return folder


def _found(name: str) -> tuple[Path, str]:
    """Return (program, version) of a part; a missing one fails the test with what to run."""
    found = find(PARTS[name])
    if not found:
        pytest.fail(f"{name} is missing; install it: {PARTS[name].by_hand}", pytrace=False)
    return found


def _program(name: str) -> Path:
    return _found(name)[0]


def _postgres_version(url: str) -> str:
    with psycopg.connect(url) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}"


def _redis_version(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        return f"Redis {client.info('server')['redis_version']}"


def note_lab(config: pytest.Config, name: str, words: str, *, is_postgres: bool = False) -> None:
    """Let the run's summary tell what a lab did: how many rounds or kills, and on what.

    is_postgres: on a server that the lab has started itself, to be crashed.
    """
    if is_postgres:
        program, version = _found("postgresql")
        words += f"; {version}, {program}, started by the lab"
    config.stash.setdefault(LABS, {})[name] = words


def _record(config: pytest.Config, name: str, words: str) -> None:
    config.stash.setdefault(RAN, {})[name] = words


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In an xdist worker: hand what ran to the controller, which writes the summary."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["real_parts"] = session.config.stash.get(RAN, {})
        output["labs"] = session.config.stash.get(LABS, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the controller: take over what ran in a worker that is done."""
    output = getattr(node, "workeroutput", {})
    for name, words in output.get("real_parts", {}).items():
        _record(node.config, name, words)
    for name, words in output.get("labs", {}).items():
        note_lab(node.config, name, words)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say for each real part which one ran, or that this run did without it."""
    ran = config.stash.get(RAN, {})
    terminalreporter.write_sep("=", "real parts")
    for name in NAMES:
        terminalreporter.write_line(f"{name}: {ran.get(name, 'not used in this run')}")
    labs = config.stash.get(LABS, {})
    if labs:
        terminalreporter.write_sep("=", "labs")
    for name in sorted(labs):
        terminalreporter.write_line(f"{name}: {labs[name]}")
