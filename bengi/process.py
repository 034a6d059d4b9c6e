"""What a process of Bengi calls itself in the database's own lists, and how long it may take.

Pure, and read by the settings: `SELECT application_name, state, query FROM pg_stat_activity` then
tells the engine of a shard from the web, and a command that somebody has typed from both.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath

NAME_LENGTH_MAX = 63
"""PostgreSQL cuts longer names."""

_SERVERS = {"gunicorn", "granian", "daphne"}


def process_name(argv: Sequence[str]) -> str:
    """Return the name of a process by its command line: bengi run_engine, bengi worker default."""
    words = [_program(argv)]
    if words == ["manage"]:
        words = list(argv[1:2])
    elif words == ["celery"]:
        words = [word for word in argv[1:] if word in {"worker", "beat"}][:1] or words
        words += [queue for flag, queue in pairwise(argv) if flag == "-Q"]
    return " ".join(["bengi", *filter(None, words)])[:NAME_LENGTH_MAX]


def answers_requests(argv: Sequence[str]) -> bool:
    """Say whether a process is one that people wait for."""
    return _program(argv) in _SERVERS or (
        _program(argv) == "manage" and argv[1:2] in (["run"], ["run_sockets"])
    )


def is_maintenance(argv: Sequence[str]) -> bool:
    """Say whether a process is a command that ends by itself and may take as long as it takes."""
    return _program(argv) == "manage" and not "".join(argv[1:2]).startswith("run")


def _program(argv: Sequence[str]) -> str:
    path = PurePath(argv[0] if argv else "")
    return path.parent.name if path.stem == "__main__" else path.stem
