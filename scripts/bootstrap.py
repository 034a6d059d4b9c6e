"""Prepare a working copy: the virtual environment, the packages, the front-end library.

    python scripts/bootstrap.py          what `make run` needs
    python scripts/bootstrap.py --dev    and what `make test` needs

Standard library only, because nothing is installed yet. A second run finds everything in place
and takes a fraction of a second: each step leaves a stamp naming the files it was made from, and
a stamp that no longer fits makes the step run again, and an environment that does not start, lost
a package or was left half installed is made again. Two runs at once take turns.
Everything that can go wrong ends in one line on stderr and exit code 1.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
LOG = ROOT / "var" / "bootstrap.log"
LOCK = ROOT / "var" / "bootstrap.lock"
NODE_MODULES = ROOT / "node_modules"
OLDEST_PYTHON = (3, 11)
RUNTIME = ("requirements.txt",)
DEVELOPMENT = ("requirements.txt", "requirements-dev.txt")
NODE = ("requirements-node.txt",)
UNFINISHED = VENV / "bengi-unfinished"  # there while packages are being installed


class CannotPrepare(Exception):
    """Preparing stopped; the message is the one line the person reads."""


def main(arguments: list[str] | None = None) -> int:
    """Prepare what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Prepare Bengi's environment.")
    parser.add_argument("--dev", action="store_true", help="also the tools and test packages")
    options = parser.parse_args(arguments)
    try:
        prepare(DEVELOPMENT if options.dev else RUNTIME)
    except CannotPrepare as problem:
        print(f"bengi: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bengi: stopped; run the command again to finish preparing", file=sys.stderr)
        return 130
    return 0


def prepare(requirements: tuple[str, ...]) -> None:
    """Make the environment and the front-end library current. Raises CannotPrepare."""
    if sys.version_info < OLDEST_PYTHON:
        raise CannotPrepare(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    ensure_writable()
    with taking_turns():
        LOG.write_text("")
        ensure_environment()
        ensure_packages(requirements)
        ensure_frontend()


def ensure_writable() -> None:
    """Refuse early and plainly where nothing can be written."""
    try:
        LOG.parent.mkdir(exist_ok=True)
        LOG.touch()
        LOCK.touch()
    except OSError as error:
        raise CannotPrepare(f"cannot write in {LOG.parent}: {error.strerror}") from None


@contextmanager
def taking_turns() -> Iterator[None]:
    """Wait for another run in this copy: both would make .venv and spoil each other's."""
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another make that prepares this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_environment() -> None:
    """Create .venv, or create it again where it does not start or is not whole."""
    if environment_works() and environment_is_whole():
        return
    say("Creating .venv")
    uv, python = shutil.which("uv"), lasting_python()
    try:
        shutil.rmtree(VENV, ignore_errors=True)
        if uv:
            run([uv, "venv", "--quiet", "--python", python, str(VENV)], "create .venv")
        elif module_exists("venv") and module_exists("ensurepip"):
            run([python, "-m", "venv", str(VENV)], "create .venv")
        else:
            raise CannotPrepare(
                f"{python} has no venv module: install it "
                "(Debian, Ubuntu: apt install python3-venv) or install uv"
            )
    except CannotPrepare:
        shutil.rmtree(VENV, ignore_errors=True)
        raise


def lasting_python() -> str:
    """Return the Python that runs this, or where that is .venv's own, the one it was made with."""
    if Path(sys.prefix) == VENV:
        return str(getattr(sys, "_base_executable", sys.executable))
    return sys.executable


def environment_works() -> bool:
    """Return whether .venv holds a Python that starts, is new enough and can install."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    if not shutil.which("uv"):
        check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run([str(PYTHON), "-c", check], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def environment_is_whole() -> bool:
    """Return whether no installation broke off and nothing installed was lost since."""
    present = set(installed())
    return not UNFINISHED.exists() and all(
        set(read_stamp(stamp).get("holds", [])) <= present for stamp in VENV.glob("bengi-*.json")
    )


def ensure_packages(requirements: tuple[str, ...]) -> None:
    """Install the pinned packages of the requirement files, unless they are all there."""
    for count in range(1, len(requirements) + 1):
        files = requirements[:count]
        stamp = VENV / f"bengi-{Path(files[-1]).stem}.json"
        present = installed()
        if not stamp_fits(stamp, files, present):
            say(f"Installing the packages of {files[-1]} (a minute or two, only this time)")
            install_or_mark(files[-1])
            forget(set(present) - set(installed()))
            write_stamp(stamp, files, installed())


def forget(replaced: set[str]) -> None:
    """Take what an installation has replaced out of all stamps: it is not lost."""
    for stamp in VENV.glob("bengi-*.json"):
        known = read_stamp(stamp)
        known["holds"] = [name for name in known.get("holds", []) if name not in replaced]
        stamp.write_text(json.dumps(known))


def install_or_mark(requirements: str) -> None:
    """Install a file; where that is cut short, not merely refused, a mark stays behind."""
    UNFINISHED.touch()
    try:
        install(requirements)
    except CannotPrepare:
        UNFINISHED.unlink()
        raise
    UNFINISHED.unlink()


def install(requirements: str) -> None:
    """Install one hashed requirements file into .venv, with uv where it is there, else pip."""
    uv = shutil.which("uv")
    command = [uv, "pip", "install", "--python", str(PYTHON)] if uv else [str(PYTHON), "-m", "pip"]
    if not uv:
        command += ["install", "--disable-pip-version-check", "--no-input"]
    what = f"install the packages of {requirements}"
    run([*command, "--require-hashes", "-r", requirements], what)


def installed() -> list[str]:
    """Return what lies in .venv's site-packages, by name."""
    return sorted(
        entry.name
        for packages in VENV.glob("[Ll]ib*/**/site-packages")
        for entry in packages.iterdir()
        if entry.name != "__pycache__"
    )


def ensure_frontend() -> None:
    """Fetch the front-end library into node_modules, unless package-lock.json's is there."""
    files = ("package-lock.json",)
    stamp = NODE_MODULES / ".bengi-stamp.json"
    if not (ROOT / files[0]).exists() or stamp_fits(stamp, files, fetched()):
        return
    say("Fetching the front-end library")
    stamp.unlink(missing_ok=True)
    options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    run([*npm(), "ci", *options], "fetch the front-end library")
    write_stamp(stamp, files, fetched())


def npm() -> list[str]:
    """Return the command of a working npm, installing one into .venv where there is none."""
    own = BIN / "npm"
    for candidate in (shutil.which("npm"), str(own)):
        if candidate and answers([candidate, "--version"]):
            return [candidate]
    say("No npm here: installing it into .venv")
    try:
        install(NODE[0])
    except CannotPrepare as problem:
        raise CannotPrepare(
            f"npm is missing and {problem}; install Node.js and try again"
        ) from None
    if not answers([str(own), "--version"]):
        raise CannotPrepare("npm is missing and its package does not start: install Node.js")
    return [str(own)]


def fetched() -> list[str]:
    """Return what lies in node_modules, by name."""
    found = NODE_MODULES.glob("*/package.json")
    return sorted(str(path.relative_to(NODE_MODULES)) for path in found)


def stamp_fits(stamp: Path, files: tuple[str, ...], present: list[str]) -> bool:
    """Return whether stamp was made from these files and everything it saw is still present."""
    recorded = read_stamp(stamp)
    made_from, holds = recorded.get("made_from"), recorded.get("holds", [])
    return made_from == digest(files) and set(holds) <= set(present)


def read_stamp(stamp: Path) -> dict[str, Any]:
    """Return what a stamp records, or nothing where it is absent or unreadable."""
    try:
        return dict(json.loads(stamp.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def write_stamp(stamp: Path, files: tuple[str, ...], present: list[str]) -> None:
    """Record that a step made from files is complete and what it left behind."""
    stamp.write_text(json.dumps({"made_from": digest(files), "holds": present}))


def digest(files: tuple[str, ...]) -> str:
    """Return the hex SHA-256 of the files' contents, in order."""
    try:
        contents = b"\0".join((ROOT / name).read_bytes() for name in files)
    except OSError as error:
        raise CannotPrepare(f"cannot read {error.filename}: {error.strerror}") from None
    return hashlib.sha256(contents).hexdigest()


def module_exists(name: str) -> bool:
    """Return whether the Python to make .venv with can import the module."""
    return answers([lasting_python(), "-c", f"import {name}"])


def answers(command: list[str]) -> bool:
    """Return whether the command runs and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(command: list[str], what: str) -> None:
    """Run one step with its output in the log. Raises CannotPrepare with its last error line."""
    with LOG.open("a") as log:
        try:
            code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log).returncode
        except OSError as error:
            raise CannotPrepare(f"could not {what}: {error.strerror}") from None
    if code:
        raise CannotPrepare(f"could not {what}: {last_error()} (more in {LOG.relative_to(ROOT)})")


def last_error() -> str:
    """Return the most telling line of the log: the last that starts as an error, else the last."""
    lines = [line.strip() for line in LOG.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm error"))]
    return (errors or lines or ["it said nothing"])[-1][:200]


def say(words: str) -> None:
    """Tell the person what takes time."""
    print(f"bengi: {words} ...", flush=True)


if __name__ == "__main__":
    sys.exit(main())
