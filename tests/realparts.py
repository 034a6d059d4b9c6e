"""Real parts for tests: PostgreSQL, Redis, Chromium, curl, jq and recorded market data.

A test asks for a part by fixture. A run closes with a section "real parts" that says which part
ran, its version and where it came from, or that nothing in the run used it; one "labs" says how
many rounds and kills there were.

postgres_url    a database of the test's own; $TEST_DATABASE_URL names a server to make it in
mongodb_uri     a database of the test's own on the MongoDB that $MONGODB_URI (or $TEST_MONGODB_URI)
                names, else on a stand-in of its wire protocol; mongodb: the same, and used by Bengi
kafka           brokers for Bengi, with topics of the test's own: those that $BENGI_KAFKA (or
                $TEST_KAFKA) names, else librdkafka's mock cluster: `manage.py kafka_dev` in a
                process of its own; kafka_cluster: one in this process, which the test may send away
redis_url       a Redis of this run's own; $TEST_REDIS_URL names one to use instead
own_redis       a Redis of the test's own, to be stopped and started
real_data       the folder of recorded market data; $BENGI_REAL_DATA names it
commands        a folder for the PATH with curl and jq; $BENGI_CURL and $BENGI_JQ name others
page, browser   pytest-playwright's, on the system's Chromium; $BENGI_CHROMIUM names one
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import redis
from pymongo import MongoClient

from bengi.kafka_mock import MockCluster
from scripts.parts import PARTS, find
from tests import servers
from tests.mongo_standin import MongoStandIn

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("PostgreSQL", "Redis", "MongoDB", "Kafka", "Chromium", "curl", "jq", "real market data")
MARKED = {"postgres_url", "redis_url", "own_redis", "commands"}
# What tests start reads these too; only those that ask for a MongoDB or brokers are to have some.
for _ours, _tests in (("MONGODB_URI", "TEST_MONGODB_URI"), ("BENGI_KAFKA", "TEST_KAFKA")):
    if _given := os.environ.pop(_ours, ""):
        os.environ.setdefault(_tests, _given)
SESSION_MS = 6_000 if os.environ.get("TEST_KAFKA") else 2_000
"""How long a member of a group may be silent: a broker takes no less, the mock cluster does."""
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


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Return the URL of a real Redis; one that this run has started is empty for each test."""
    if not os.environ.get("TEST_REDIS_URL"):
        with redis.Redis.from_url(redis_server) as client:
            client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def redis_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the URL of a real Redis, stopped at the end where this run has started it."""
    if given := os.environ.get("TEST_REDIS_URL"):
        _record(pytestconfig, "Redis", f"{_redis_version(given)} at $TEST_REDIS_URL")
        yield given
        return
    program = _program("redis")
    with servers.redis_server(program) as url:
        _record(pytestconfig, "Redis", f"{_redis_version(url)}, {program}, started for this run")
        yield url


@pytest.fixture
def own_redis(pytestconfig: pytest.Config) -> Iterator[servers.Redis]:
    """Yield a real Redis of the test's own, which it may stop and start."""
    program = _program("redis")
    with servers.redis_of_its_own(program) as server:
        words = f"{_redis_version(server.url)}, {program}, started for single tests"
        pytestconfig.stash.setdefault(RAN, {}).setdefault("Redis", words)
        yield server


@pytest.fixture(scope="session")
def mongodb_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the URI of a MongoDB: a real one where there is one, else our stand-in."""
    if given := os.environ.get("TEST_MONGODB_URI"):
        words = f"{_mongodb_version(given)} at $MONGODB_URI or $TEST_MONGODB_URI"
        _record(pytestconfig, "MongoDB", words)
        yield given
        return
    with MongoStandIn() as standin:
        words = "NOT REAL: a stand-in of the wire protocol (tests/mongo_standin.py)"
        _record(pytestconfig, "MongoDB", words)
        yield standin.uri


@pytest.fixture
def mongodb_uri(mongodb_server: str) -> Iterator[str]:
    """Yield the URI of a database of the test's own on a MongoDB, dropped at the end."""
    uri = _with_database(mongodb_server, f"bengi_test_{uuid4().hex[:12]}")
    yield uri
    with MongoClient[dict[str, Any]](uri) as client:
        client.drop_database(client.get_default_database().name)


@pytest.fixture
def mongodb(mongodb_uri: str, settings: Any) -> Iterator[str]:
    """Let Bengi use a MongoDB, as with MONGODB_URI set; yield the URI."""
    from bengi import mongo

    settings.MONGODB_URI = mongodb_uri
    yield mongodb_uri
    mongo.forget()


@pytest.fixture
def mongodb_standin(settings: Any) -> Iterator[MongoStandIn]:
    """Let Bengi use a stand-in of MongoDB that the test may stop and start."""
    from bengi import mongo

    with MongoStandIn() as standin:
        settings.MONGODB_URI = standin.uri
        yield standin
        mongo.forget()


@pytest.fixture(scope="session")
def kafka_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the address of brokers: real ones where there are some, else our stand-in's."""
    from confluent_kafka import libversion

    if given := os.environ.get("TEST_KAFKA"):
        _record(pytestconfig, "Kafka", f"brokers at $BENGI_KAFKA or $TEST_KAFKA: {given}")
        yield given
        return
    with servers.kafka_dev() as brokers:
        version = libversion()[0]
        words = f"NOT REAL: librdkafka {version}'s mock cluster, kafka_dev started for this run"
        _record(pytestconfig, "Kafka", words)
        yield brokers


@pytest.fixture
def kafka(kafka_server: str, settings: Any) -> str:
    """Let Bengi use brokers, with topics of the test's own, which are empty; return the address."""
    settings.BENGI_KAFKA, settings.BENGI_KAFKA_PREFIX = kafka_server, f"bengi-{uuid4().hex[:8]}"
    make_topics()
    return kafka_server


@pytest.fixture
def kafka_cluster(settings: Any) -> Iterator[MockCluster]:
    """Let Bengi use a mock cluster of this process, which the test may send away and call back."""
    from bengi.kafka import named
    from bengi.kafka_topics import topics

    with MockCluster({named(name): count for name, count in topics().items()}) as cluster:
        settings.BENGI_KAFKA = cluster.brokers
        yield cluster


def make_topics() -> None:
    """Make the topics: a mock cluster makes one, of four partitions, for who asks about it."""
    from confluent_kafka import Producer

    from bengi.kafka import client_settings, named
    from bengi.kafka_topics import prepare_topics, topics

    if not os.environ.get("TEST_KAFKA"):
        asking = Producer(client_settings())
        for name in topics():
            asking.list_topics(named(name), timeout=20)
    prepare_topics()


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


def _mongodb_version(uri: str) -> str:
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=10_000) as client:
        return f"MongoDB {client.server_info()['version']}"


def _with_database(uri: str, name: str) -> str:
    """Return uri with another database; who signs in does so where uri said."""
    parts = urlsplit(uri)
    query = parts.query
    if "@" in parts.netloc and "authSource=" not in query:
        query = f"{query}&authSource={parts.path.strip('/') or 'admin'}".strip("&")
    return urlunsplit(parts._replace(path=f"/{name}", query=query))


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
