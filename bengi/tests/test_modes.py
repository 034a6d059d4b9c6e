"""Settings of the modes: what each needs, and what follows from a Redis."""

import os
import subprocess
import sys
from pathlib import Path

import channels.layers
import pytest
from channels.layers import channel_layers
from django.core.exceptions import ImproperlyConfigured

from bengi.celery import schedule
from bengi.consumers import StreamConsumer
from bengi.settings.modes import MODES, check, origin_of, shared_through

ROOT = Path(__file__).resolve().parents[2]
POSTGRES, SQLITE = "django.db.backends.postgresql", "bengi.sqlite"
REDIS = "redis://127.0.0.1:6379/3"

# mode | database | redis | kafka | what is missing
NEEDS = f"""
embedded | {SQLITE}   |         |          |
embedded | {POSTGRES} | {REDIS} |          |
standard | {POSTGRES} | {REDIS} |          |
standard | {SQLITE}   | {REDIS} |          | DATABASE_URL
standard | {POSTGRES} |         |          | REDIS_URL
standard | {SQLITE}   |         |          | DATABASE_URL REDIS_URL
scale    | {POSTGRES} | {REDIS} | host:9092 |
scale    | {POSTGRES} | {REDIS} |          | BENGI_KAFKA
lonely   | {SQLITE}   |         |          | BENGI_MODE
"""


@pytest.mark.parametrize("row", NEEDS.strip().splitlines())
def test_a_mode_is_refused_without_what_it_needs(row: str) -> None:
    mode, engine, redis, kafka, missing = (cell.strip() for cell in row.split("|"))
    if not missing:
        check(mode, database_engine=engine, redis_url=redis, kafka=kafka)
        return
    with pytest.raises(ImproperlyConfigured) as refused:
        check(mode, database_engine=engine, redis_url=redis, kafka=kafka)
    words = str(refused.value)
    assert [name for name in missing.split() if name in words] == missing.split()
    assert ("REDIS_URL" in words) == ("REDIS_URL" in missing)


def test_nothing_goes_through_a_channel_layer() -> None:
    """Sockets hear the bus: a layer that nobody uses would be one more thing to set right."""
    assert channel_layers.configs == {}
    assert "CHANNEL_LAYERS" not in shared_through("") | shared_through(REDIS)
    assert channels.layers.get_channel_layer(StreamConsumer.channel_layer_alias) is None


@pytest.mark.parametrize("settings_of", ["dev", "prod"])
def test_it_does_not_start_without_them_and_says_so_in_one_sentence(settings_of: str) -> None:
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    environment = {
        **kept,
        "DJANGO_SETTINGS_MODULE": f"bengi.settings.{settings_of}",
        "BENGI_MODE": "standard",
        "BENGI_SECRET_KEY": "x" * 50,
    }
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith(
            "BENGI_MODE=standard joins processes: DATABASE_URL must name a PostgreSQL;"
            " REDIS_URL must name a Redis"
        )
    )


def test_a_redis_joins_everything_that_processes_share() -> None:
    alone, joined = shared_through(""), shared_through(REDIS)
    assert alone.keys() == joined.keys()
    assert REDIS not in str(alone)
    for name in alone.keys() - {"SESSION_ENGINE"}:
        assert REDIS in str(joined[name]), name
    assert all("socket_timeout" in each["OPTIONS"] for each in joined["CACHES"].values())


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("ws://127.0.0.1:8001/ws", "ws://127.0.0.1:8001"),
        ("wss://bengi.example/ws", "wss://bengi.example"),
    ],
)
def test_the_policy_names_the_socket_s_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_beat_looks_after_each_shard() -> None:
    swept = [line["args"] for line in schedule(3).values() if line["task"].endswith("work_shard")]
    assert swept == [(0,), (1,), (2,)]
    assert {line["task"] for line in schedule(0).values()} == {
        "instruments.tasks.poll_quotes",
        "instruments.tasks.do_chores",
        "instruments.tasks.archive",
        "trades.tasks.apply_corporate_actions",
    }
    assert MODES == ("embedded", "standard", "scale")
