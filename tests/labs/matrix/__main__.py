"""See the package's words."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from scripts.parts import PARTS, find
from scripts.supervisor.processes import SCALE
from tests import servers
from tests.supervised import SHARDS, Mode, running_mode

PRICES_WITHIN_S = 60
NOT_DURABLE = "not-durable"
"""A bug of the server: what it says it has written is in its memory only."""


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _parser().parse_intermixed_args()
    with contextlib.ExitStack() as stack:
        program = {name: find(PARTS[name]) for name in ("postgresql", "redis")}
        assert all(program.values()), "PostgreSQL or Redis is missing"
        postgres = stack.enter_context(servers.cluster(program["postgresql"][0]))
        redis = stack.enter_context(servers.redis_of_its_own(program["redis"][0]))
        url = stack.enter_context(servers.database(postgres.url))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _set_up(url, folder)
        if options.bug == NOT_DURABLE:
            with psycopg.connect(postgres.url, autocommit=True) as server:
                server.execute(
                    f"ALTER DATABASE {urlsplit(url).path[1:]} SET synchronous_commit = off"
                )
        told = _play(options, folder, postgres, redis, url)
        print(json.dumps(told), flush=True)
        from tests.labs.matrix import books

        books.forget_connections()


def _play(options: Any, folder: Path, postgres: Any, redis: Any, url: str) -> dict[str, Any]:
    from tests.labs.matrix import books
    from tests.labs.matrix.cells import ALL, Cell, Matrix
    from tests.labs.matrix.load import SYMBOLS, Told, Trader
    from tests.labs.matrix.victims import Victims

    emails, told = books.prepare(), Told()
    asked = [Cell(*word.split("/")) for word in options.cells] or list(ALL)
    with running_mode(
        SCALE, folder, supervisor=_supervisor(options.bug), DATABASE_URL=url, REDIS_URL=redis.url
    ) as mode:
        assert books.until(lambda: len(books.prices()) == len(SYMBOLS), PRICES_WITHIN_S)
        traders = [Trader(mode.url, email, told) for email in emails]
        matrix = Matrix(Victims(mode, postgres, redis), traders, told)
        for turn in range(options.turn, options.turn + options.rounds):
            for cell in asked:
                if not (matrix.found.wrong and options.bug):
                    matrix.play(cell, f"{options.seed}-{turn}-{cell}", turn)
    matrix.found.wrong += [f"with everything down: {line}" for line in books.wrong(told)]
    return _told(matrix.found, told, mode)


def _told(found: Any, told: Any, mode: Mode) -> dict[str, Any]:
    return {
        "kills": sum(found.kills.values()),
        "kills_of": dict(found.kills),
        "pending": dict(found.pending),
        "slowest_s": round(found.slowest_s, 1),
        "slowest": found.slowest,
        "orders": len(told.orders),
        "canceled": len(told.canceled),
        "answers": dict(told.counts),
        "ended": _ended(mode),
        "wrong": [line[:300] for line in found.wrong[:20]],
    }


def _ended(mode: Mode) -> dict[str, int]:
    """Return how often each process has ended, for whatever reason."""
    return Counter(re.findall(r"bengi \| (\S+) ended with code", mode.output()))


def _set_up(url: str, folder: Path) -> None:
    """Let this process read and write the books, as one that only has the database."""
    os.environ |= {
        "DATABASE_URL": url,
        "BENGI_SHARDS": str(SHARDS),
        "BENGI_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
    }
    import django

    django.setup()


def _supervisor(bug: str) -> list[str]:
    if bug in {"", NOT_DURABLE}:
        return ["scripts.supervisor"]
    return ["tests.labs.matrix.planted", bug]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.labs.matrix")
    parser.add_argument("rounds", type=int)
    parser.add_argument("seed")
    parser.add_argument("--turn", type=int, default=0, help="the first round's: how some die")
    parser.add_argument("--bug", default="", help="of planted.py, or not-durable")
    parser.add_argument("cells", nargs="*")
    return parser


if __name__ == "__main__":
    main()
