"""Lab: the database goes away under a web process and comes back. Prints the answers, as JSON.

python -m tests.labs.away POSTGRES_PROGRAM crashes|freezes

One that freezes takes connections and what is sent on them, and answers nothing.
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests import servers

ASKED = 4
BACK_WITHIN_S = 20
ANSWER_S = 3
"""In place of 23: how long a statement that is at work is waited for."""

Answer = tuple[float, int, str]


def main(program: str, how: str) -> None:
    with servers.cluster(Path(program)) as server, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATABASE_URL": server.url,
            "DJANGO_SETTINGS_MODULE": "bengi.settings.dev",
            "BENGI_VAR": folder,
        }
        sys.argv[0] = "gunicorn"  # by which the settings know a process that answers requests
        from tests.labs.stage import set_up

        ask = client_of(set_up(Decimal(1000)).account_id)
        from bengi import postgres

        postgres.ANSWER_S = ANSWER_S
        told: dict[str, Any] = {"before": ask("/api/v1/accounts")}
        with at_work() as worked, {"crashes": crashed, "freezes": frozen}[how](server):
            told["away"] = [ask("/api/v1/accounts") for _ in range(ASKED)]
            told["pages"] = [ask("/trade") for _ in range(2)]
            told["ready"] = ask("/readyz")
            worked.thread.join(4 * ANSWER_S)
        told["at_work"] = worked.told
        back_at = time.monotonic()
        while ask("/api/v1/accounts")[1] != 200 and time.monotonic() - back_at < BACK_WITHIN_S:
            time.sleep(0.1)
        told["back_s"] = round(time.monotonic() - back_at, 3)
        print(json.dumps(told))


def client_of(account_id: Any) -> Callable[[str], Answer]:
    """Return what asks as the account's owner: seconds, status and code of the answer."""
    from django.db import close_old_connections
    from django.test import Client

    from accounts.models import Account

    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    client.force_login(Account.objects.get(id=account_id).user)

    def ask(path: str) -> Answer:
        began = time.monotonic()
        answer = client.get(path)
        close_old_connections()  # as a server does with every request, and the client does not
        took = round(time.monotonic() - began, 3)
        is_json = answer["Content-Type"].endswith("json")
        return took, answer.status_code, answer.json().get("code", "") if is_json else ""

    return ask


class AtWork:
    """A statement that is at work while the database goes away: told is how it ended, and when."""

    def __init__(self) -> None:
        self.told: tuple[str, float] = ("not at all", 0.0)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        from django.db import Error, connection

        began = time.monotonic()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(2)")
            how = "well"
        except Error as error:
            how = type(error).__name__
        finally:
            connection.close()
        self.told = how, round(time.monotonic() - began, 3)


@contextmanager
def at_work() -> Iterator[AtWork]:
    """Let a statement begin, and go on once the server works on it."""
    from django.db import connection

    work = AtWork()
    work.thread.start()
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    is_there = False
    while not is_there:
        assert work.thread.is_alive(), "the statement never began"
        with connection.cursor() as cursor:
            cursor.execute(query)
            is_there = bool(cursor.fetchone()[0])
    connection.close()
    yield work


@contextmanager
def crashed(server: servers.Cluster) -> Iterator[None]:
    server.crash()
    yield
    server.start()


def frozen(server: servers.Cluster) -> Any:
    return server.frozen()


if __name__ == "__main__":
    main(*sys.argv[1:])
