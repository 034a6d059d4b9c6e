"""What balancers, containers and monitors ask: /healthz, /readyz and the probe."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from bengi import health
from bengi.health import readiness
from instruments.tests.factories import InstrumentFactory, QuoteFactory
from trades.models import Shard

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def market(db: None) -> None:
    """Two shards with an instrument each, both engines and the feed heard of late."""
    for shard in (0, 1):
        InstrumentFactory(symbol=f"S{shard}", shard=shard)
        Shard.objects.create(id=shard, heard_at=ago(3))
    QuoteFactory(as_of=ago(2))


def test_the_process_is_healthy_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_no_host_name_and_no_tls_are_asked_for(client: Client, settings: Any, path: str) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["bengi.example"], True
    assert client.get("/", headers={"host": "10.1.2.3"}).status_code == 400
    settings.READY_TTL_S = 60
    health._kept._body, health._kept._until_s = {"status": "ready"}, float("inf")
    try:
        assert client.get(path, headers={"host": "10.1.2.3"}).status_code == 200
    finally:
        health._kept._until_s = 0


def test_ready_when_engines_and_feed_were_heard(market: None) -> None:
    assert readiness(NOW, NOW) == {
        "status": "ready",
        "database": {"status": "ok"},
        "engines": {"status": "ok", "age_s": {"0": 3.0, "1": 3.0}},
        "feed": {"status": "ok", "age_s": 2.0},
        "bus": {"status": "ok"},
    }


@pytest.mark.parametrize("heard_at", [None, ago(21)])
def test_a_shard_whose_engine_is_silent_makes_it_not_ready(
    market: None, heard_at: datetime | None
) -> None:
    Shard.objects.filter(id=1).update(heard_at=heard_at)
    found = readiness(NOW, NOW)
    assert (found["status"], found["engines"]["status"]) == ("not ready", "down")


def test_a_shard_without_instruments_needs_no_engine(market: None) -> None:
    Shard.objects.create(id=7)
    assert readiness(NOW, NOW)["status"] == "ready"


def test_late_prices_are_told_and_do_no_harm(market: None) -> None:
    found = readiness(NOW, NOW + timedelta(seconds=59))
    assert (found["status"], found["feed"]) == ("ready", {"status": "late", "age_s": 61.0})


def test_a_database_that_is_away_makes_it_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise DatabaseError("away")

    monkeypatch.setattr(health, "_database", away)
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "database": {"status": "down"},
        "bus": {"status": "ok"},
    }


def test_a_bus_that_is_away_makes_it_not_ready(market: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = readiness(NOW, NOW)
    assert (found["status"], found["bus"]) == ("not ready", {"status": "down"})


@pytest.mark.usefixtures("market")
def test_a_bus_that_is_there_is_asked(redis_url: str, settings: Any) -> None:
    settings.REDIS_URL = redis_url
    assert readiness(NOW, NOW)["bus"] == {"status": "ok"}


def test_the_statements_are_few_whatever_there_is(market: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        readiness(NOW, NOW)
    assert len(asked) == 4


def test_many_who_ask_at_once_are_one_question(
    client: Client, market: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.READY_TTL_S = 60
    monkeypatch.setattr(health, "_kept", health._Kept())
    first = client.get("/readyz").json()
    with CaptureQueriesContext(connection) as asked:
        assert [client.get("/readyz").json() for _ in range(5)] == [first] * 5
    assert len(asked) == 0


async def test_an_async_server_answers_the_same(async_client: AsyncClient) -> None:
    assert (await async_client.get("/healthz")).json() == {"status": "ok"}


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """The port of something that answers /healthz and nothing else."""
    with HTTPServer(("127.0.0.1", 0), _Healthy) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def probe(*arguments: object, **environment: str) -> tuple[int, str]:
    """Run the probe as a container does; return its exit code and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "bengi.probe", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stderr


def test_the_probe_of_a_server(port: int) -> None:
    assert probe("http", port) == (0, "")
    code, words = probe("http", 1)
    assert (code, len(words.splitlines())) == (1, 1)


def test_the_probe_of_engines_and_prices(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as opened:
        opened.execute("CREATE TABLE trades_shard (id int PRIMARY KEY, heard_at timestamptz)")
        opened.execute(
            "INSERT INTO trades_shard VALUES (0, now()), (1, now() - interval '21 s'), (2, NULL)"
        )
        opened.execute("CREATE TABLE instruments_quote (as_of timestamptz)")
        opened.execute("INSERT INTO instruments_quote VALUES (now() - interval '61 s')")
    assert probe("prices", DATABASE_URL=postgres_url)[0] == 1
    with psycopg.connect(postgres_url, autocommit=True) as opened:
        opened.execute("INSERT INTO instruments_quote VALUES (now() - interval '50 s')")
    assert probe("prices", DATABASE_URL=postgres_url)[0] == 0
    found = [probe("shard", *ids, DATABASE_URL=postgres_url)[0] for ids in ([0], [1], [2], [0, 1])]
    assert found == [0, 1, 1, 1]
    code, words = probe("shard", 0, DATABASE_URL="postgresql://bengi@127.0.0.1:1/bengi")
    assert (code, "Error" in words) == (1, True)
