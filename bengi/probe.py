"""Say whether one process of Bengi is well, by exit code 0 or 1: for a container's HEALTHCHECK.

    python -m bengi.probe http PORT      what listens there answers /healthz
    python -m bengi.probe shard ID ...   the engines of these shards were heard of late; it asks the
                                         database that $DATABASE_URL names
    python -m bengi.probe prices         a price was stored there within the last minute

It starts often, so it loads neither Django nor the settings, and waits no longer than TIMEOUT_S.
"""

import os
import sys
import urllib.request
from collections.abc import Sequence
from typing import LiteralString

TIMEOUT_S = 4
HEARD_WITHIN_S = 20
"""An engine that was not heard for so long is down; it beats every five seconds."""
PRICED_WITHIN_S = 60
"""A market whose newest price is older is late."""


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether /healthz is answered as it should be."""
    address = f"http://{host}:{port}/healthz"
    with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
        return bool(answer.status == 200)


def is_heard(shard_ids: Sequence[int], database_url: str) -> bool:
    """Return whether the engine of each of the shards has noted of late that it works."""
    found = _ask(
        database_url,
        "SELECT count(*) FROM trades_shard WHERE id = ANY(%s)"
        " AND heard_at > now() - make_interval(secs => %s)",
        (list(shard_ids), HEARD_WITHIN_S),
    )
    return found == len(set(shard_ids))


def has_prices(database_url: str) -> bool:
    """Return whether a price was stored of late; never so while all markets are closed."""
    found = _ask(
        database_url,
        "SELECT count(*) FROM instruments_quote WHERE as_of > now() - make_interval(secs => %s)",
        (PRICED_WITHIN_S,),
    )
    return found > 0


def _ask(database_url: str, query: LiteralString, values: tuple[object, ...]) -> int:
    import psycopg  # noqa: PLC0415 - an answer over HTTP needs no driver

    with psycopg.connect(database_url, connect_timeout=TIMEOUT_S) as connection:
        row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0 for well; else a line says what is not."""
    what, *numbers = arguments
    try:
        if what == "http":
            is_well = answers(int(numbers[0]))
        elif what == "prices":
            is_well = has_prices(os.environ["DATABASE_URL"])
        else:
            is_well = is_heard([int(each) for each in numbers], os.environ["DATABASE_URL"])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not well
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
