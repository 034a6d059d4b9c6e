"""Find the real parts the tests run against: Chromium, PostgreSQL, Redis, curl and jq.

    python scripts/parts.py            say what is there
    python scripts/parts.py install    install what is missing, or say how in one line
    python scripts/parts.py install redis    the same, of what is named

Standard library only. A part counts as found when its program starts and tells its version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INSTALL_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Part:
    """One program the tests need: where it may be, and how it is installed."""

    name: str
    variable: str  # environment variable that names the program
    programs: tuple[str, ...]  # names on the PATH, best first
    places: tuple[str, ...]  # globs outside the PATH, best last in sorted order
    package: str  # Debian's package
    by_hand: str  # what a person runs elsewhere


PARTS = {
    part.name: part
    for part in (
        Part(
            "chromium",
            "BENGI_CHROMIUM",
            ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
            (
                "/Applications/*Chrom*.app/Contents/MacOS/*Chrom*",
                "~/Library/Caches/ms-playwright/chromium-*/*/*.app/Contents/MacOS/*",
                "~/.cache/ms-playwright/chromium-*/*/chrome",
            ),
            "chromium fonts-liberation",
            ".venv/bin/python -m playwright install --with-deps chromium",
        ),
        Part(
            "postgresql",
            "BENGI_POSTGRES",
            ("postgres",),
            ("/opt/homebrew/opt/postgresql*/bin/postgres", "/usr/lib/postgresql/*/bin/postgres"),
            "postgresql",
            "sudo apt-get install -y postgresql (or: brew install postgresql)",
        ),
        Part(
            "redis",
            "BENGI_REDIS",
            ("redis-server", "valkey-server"),
            (),
            "redis-server",
            "sudo apt-get install -y redis-server (or: brew install redis)",
        ),
        Part(
            "curl",
            "BENGI_CURL",
            ("curl",),
            (),
            "curl",
            "sudo apt-get install -y curl (or: brew install curl)",
        ),
        Part(
            "jq",
            "BENGI_JQ",
            ("jq",),
            (),
            "jq",
            "sudo apt-get install -y jq (or: brew install jq)",
        ),
    )
}


def find(part: Part) -> tuple[Path, str] | None:
    """Return (program, version line) of the first candidate that starts, else None."""
    for program in candidates(part):
        version = version_of(program)
        if version:
            return program, version
    return None


def candidates(part: Part) -> Iterator[Path]:
    """Yield the programs worth trying, the person's own choice first."""
    if chosen := os.environ.get(part.variable):
        yield Path(chosen)
    for name in part.programs:
        if found := shutil.which(name):
            yield Path(found).resolve() if part.name == "postgresql" else Path(found)
    for place in part.places:
        path = Path(place).expanduser()
        yield from sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))), reverse=True)


def version_of(program: Path) -> str:
    """Return the first line the program prints for --version, or "" where it does not start."""
    try:
        done = subprocess.run(
            [program, "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().splitlines()[0] if not done.returncode and done.stdout else ""


def install(part: Part) -> tuple[Path, str] | None:
    """Install one missing part by every means there is; return what was found afterwards."""
    for command in means(part):
        print(f"bengi: {part.name} is missing, running: {' '.join(command)}", flush=True)
        if run(command) and (found := find(part)):
            return found
    return None


def means(part: Part) -> Iterator[list[str]]:
    """Yield the commands that may install a part, the system's package manager first."""
    if shutil.which("apt-get") and is_root():
        script = (
            f"apt-get update -q && apt-get install -q -y --no-install-recommends {part.package}"
        )
        yield ["sh", "-c", f"DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; {script}"]
    if part.name == "chromium":
        deps = ["--with-deps"] if is_root() else []
        yield [sys.executable, "-m", "playwright", "install", *deps, "chromium"]


def is_root() -> bool:
    """Return whether this process may install system packages."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def run(command: list[str]) -> bool:
    """Run an installer, its output hidden unless it fails; return whether it succeeded."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"bengi: {error}")
        return False
    if done.returncode:
        print("\n".join(done.stdout.strip().splitlines()[-5:]))
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Report the parts that are named, or all, installing what is missing where asked.

    Returns 1 when one is still missing.
    """
    missing = 0
    named = [PARTS[name] for name in arguments if name in PARTS]
    for part in named or PARTS.values():
        found = find(part) or (install(part) if "install" in arguments else None)
        if found:
            print(f"bengi: {part.name}: {found[1]} ({found[0]})")
        else:
            missing += 1
            print(f"bengi: {part.name} is missing; install it: {part.by_hand}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
