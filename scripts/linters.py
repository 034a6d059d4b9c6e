"""Let linters look at what containers and continuous integration are told.

    python scripts/linters.py

Standard library only. hadolint reads the Dockerfile, Docker Compose its file by its own schema, and
zizmor the workflows. They come with requirements-dev.txt where there is a wheel of them for the
machine. One that is missing is told of loudly; under continuous integration that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 120
SECRETS = {"BENGI_SECRET_KEY": "for-the-linter", "POSTGRES_PASSWORD": "for-the-linter"}


@dataclass(frozen=True, slots=True)
class Linter:
    """One program and what it reads. instead: another way to start it, where it is not there."""

    name: str
    version: str  # what makes it tell its version
    arguments: tuple[str, ...]
    reads: str
    instead: tuple[str, ...] = ()


LINTERS = (
    Linter("hadolint", "--version", ("--no-color", "Dockerfile"), "Dockerfile"),
    Linter(
        "docker-compose",
        "version",
        ("--file", "docker-compose.yml", "--profile", "*", "config", "--quiet"),
        "docker-compose.yml",
        ("docker", "compose"),
    ),
    Linter(
        "zizmor",
        "--version",
        ("--offline", "--quiet", "--color=never", ".github"),
        ".github/workflows",
    ),
)


def command(linter: Linter) -> list[str] | None:
    """Return how the linter is started here: beside this Python, or on the PATH; None if not."""
    beside = Path(sys.executable).with_name(linter.name)
    found = str(beside) if beside.exists() else shutil.which(linter.name)
    candidates = ([found] if found else [], list(linter.instead))
    return next((words for words in candidates if words and _starts(words, linter.version)), None)


def _starts(words: list[str], version: str) -> bool:
    try:
        done = subprocess.run([*words, version], capture_output=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def lint(linter: Linter) -> tuple[bool | None, str]:
    """Return (whether nothing was found, what was said); None where the linter is missing."""
    words = command(linter)
    if words is None:
        return None, ""
    done = subprocess.run(
        [*words, *linter.arguments],
        cwd=ROOT,
        env={**os.environ, **SECRETS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )
    return done.returncode == 0, done.stdout.strip()


def main() -> int:
    """Lint everything; 1 when something was found, or not looked at where that must not be."""
    is_wrong = False
    for linter in LINTERS:
        is_clean, words = lint(linter)
        if is_clean is None:
            print(f"bengi: NOT CHECKED: {linter.reads}, {linter.name} is missing", file=sys.stderr)
            is_wrong |= "CI" in os.environ
        elif is_clean:
            print(f"bengi: {linter.name}: {linter.reads} is clean")
        else:
            print(f"{words}\nbengi: {linter.name} does not like {linter.reads}", file=sys.stderr)
            is_wrong = True
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
