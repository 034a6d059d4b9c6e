"""The one table of what runs in which mode: names, commands, environment, health.

docker-compose.yml and docs/operations.md are compared with it by tests, and `make run-standard` and
`make run-scale` start what stands here, so what a container is told to run has been run.

A word in braces is filled in by who starts the process: {host} and the ports it listens on, {feed},
{scratch} (a folder for what may be lost), {shard} (of a process that is started once per shard).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

STANDARD, SCALE = "standard", "scale"
MODES = (STANDARD, SCALE)
HTTP, SHARD, NOTHING = "http", "shard", ""


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its name in logs and containers, and how it is started.

    health: http (it answers /healthz on its port), shard (its engine is heard in the database) or
    nothing but that it runs. copies: how many there are; per_shard: one for each shard.
    """

    name: str
    command: str
    modes: tuple[str, ...] = MODES
    port: str = ""
    health: str = NOTHING
    is_first: bool = False  # runs to its end before the others start
    per_shard: bool = False
    copies: int = 1
    stop_s: int = 10


TABLE = (
    Process("prepare", "python manage.py prepare", is_first=True),
    Process(
        "web",
        "gunicorn bengi.web --worker-class bengi.web_worker.Worker --workers 2"
        " --bind {host}:{web_port} --graceful-timeout 10 --no-control-socket",
        port="web_port",
        health=HTTP,
        stop_s=15,
    ),
    Process(
        "sockets",
        "python manage.py run_sockets --host {host} --port {stream_port}",
        port="stream_port",
        health=HTTP,
    ),
    Process(
        "matching-{shard}",
        "celery -q -A bengi.celery worker -Q matching.{shard} -P solo -n matching-{shard}@%h"
        " -l WARNING",
        modes=(STANDARD,),
        health=SHARD,
        per_shard=True,
        stop_s=20,
    ),
    Process(
        "engine", "python manage.py run_engine --source kafka", modes=(SCALE,), copies=2, stop_s=20
    ),
    Process("relay", "python manage.py run_relay", modes=(SCALE,)),
    Process("tape", "python manage.py run_tape", modes=(SCALE,)),
    Process("worker", "celery -q -A bengi.celery worker -Q default -c 2 -n worker@%h -l WARNING"),
    Process(
        "beat",
        "celery -q -A bengi.celery beat -s {scratch}/celerybeat-schedule --pidfile= -l WARNING",
    ),
    Process("feed", "python manage.py run_feed --feed {feed}"),
)
KAFKA = Process("kafka", "python manage.py kafka_dev --port {kafka_port}", modes=(SCALE,))
"""A broker for development, in place of a real one."""
RESHARD = Process("reshard", "python manage.py reshard --shards {shards}", is_first=True)
"""For development, where the number of shards may be another one than last time."""

ENVIRONMENT = (
    "DJANGO_SETTINGS_MODULE",
    "BENGI_MODE",
    "BENGI_SHARDS",
    "BENGI_SECRET_KEY",
    "BENGI_STREAM_URL",
    "BENGI_KAFKA",
    "DATABASE_URL",
    "REDIS_URL",
    "MONGODB_URI",
)
"""What every process is told of its surroundings; without MONGODB_URI nothing is archived."""


def processes(mode: str, shards: int) -> list[Process]:
    """Return the mode's processes in the order in which they start, one for each shard and copy."""
    found = []
    for each in TABLE:
        if mode not in each.modes:
            continue
        if each.per_shard:
            found += [_of_shard(each, shard) for shard in range(shards)]
        elif each.copies > 1:
            names = [f"{each.name}-{number}" for number in range(1, each.copies + 1)]
            found += [replace(each, name=name, copies=1) for name in names]
        else:
            found.append(each)
    return found


def arguments(process: Process, words: Mapping[str, object]) -> list[str]:
    """Return the command as a list, its words in braces filled in."""
    return [word.format_map(dict(words)) for word in shlex.split(process.command)]


def _of_shard(process: Process, shard: int) -> Process:
    name, command = (
        text.replace("{shard}", str(shard)) for text in (process.name, process.command)
    )
    return replace(process, name=name, command=command, per_shard=False)
