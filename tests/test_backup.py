"""A backup, as docs/operations.md tells to make it, is the books again once it is restored."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from scripts.parts import PARTS, find
from tests import servers

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()


def run(*command: str, database: str, cwd: Path = ROOT) -> str:
    """Run a command with the database in its environment and return what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "bengi.settings.test",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def recipe(heading: str) -> list[str]:
    """Return the commands of the first block under a heading of the page."""
    block = re.search(rf"^### {heading}\n.*?```\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert block, heading
    return [line for line in block[1].splitlines() if line]


def follow(heading: str, folder: Path, words: dict[str, str]) -> None:
    """Do what the page says, with the programs that belong to the server of the tests."""
    server = find(PARTS["postgresql"])
    assert server
    for line in recipe(heading):
        program, *rest = shlex.split(line)
        found = server[0].with_name(program)
        arguments = [re.sub(r"\$(\w+)", lambda name: words[name[1]], word) for word in rest]
        run(str(found), *arguments, database="", cwd=folder)


def digests(url: str) -> dict[str, tuple[int, str]]:
    """Return for every table how many rows it has, and a digest of all that is in them."""
    found = {}
    with psycopg.connect(url) as opened:
        opened.execute("SET timezone = 'UTC'")
        tables = opened.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        for (table,) in tables:
            row = opened.execute(
                "SELECT count(*), coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '')"
                f' FROM "{table}" t'
            ).fetchone()
            assert row
            found[table] = row
    return found


@pytest.mark.slow
def test_a_backup_is_the_books_again(
    postgres_server: str, postgres_url: str, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "tests.labs.books", "begin", database=postgres_url)
    before = digests(postgres_url)
    assert before["trades_trade"][0] > 5
    assert before["events_event"][0] > 50
    follow("Backing up", tmp_path, {"DATABASE_URL": postgres_url})

    with servers.database(postgres_server) as restored:
        follow("Restoring", tmp_path, {"RESTORED_URL": restored})
        assert digests(restored) == before
        printed = run(sys.executable, "manage.py", "check_books", database=restored)
        assert "The books are clean" in printed
        printed = run(sys.executable, "manage.py", "replay_events", database=restored)
        assert f"{before['events_event'][0]} events fold to the tables" in printed
        printed = run(sys.executable, "-m", "tests.labs.books", "go-on", database=restored)
        told = json.loads(printed.splitlines()[-1])
        assert told == {"status": "filled", "average_price": "106.00000000"}
    assert digests(postgres_url) == before, "what was restored is another database"


def test_guards_of_the_database_come_back_with_it(
    postgres_server: str, postgres_url: str, tmp_path: Path
) -> None:
    """The triggers that refuse changes of the ledger and of the audit log are in the backup."""
    run(sys.executable, "manage.py", "migrate", "--verbosity", "0", database=postgres_url)
    follow("Backing up", tmp_path, {"DATABASE_URL": postgres_url})
    with servers.database(postgres_server) as restored:
        follow("Restoring", tmp_path, {"RESTORED_URL": restored})
        query = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
        for url in (postgres_url, restored):
            with psycopg.connect(url) as opened:
                triggers = set(opened.execute(query).fetchall())
            assert triggers
            if url == postgres_url:
                wanted = triggers
        assert triggers == wanted
