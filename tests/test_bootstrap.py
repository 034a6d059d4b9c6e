"""Preparing a working copy: what is current is left alone, what is wrong is told in one line."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts import bootstrap

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A working copy of its own: an empty folder with requirement files, and no uv."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "BIN", tmp_path / ".venv" / "bin")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(bootstrap, "UNFINISHED", tmp_path / ".venv" / "bengi-unfinished")
    monkeypatch.setattr(bootstrap, "LOG", tmp_path / "var" / "bootstrap.log")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "var" / "bootstrap.lock")
    monkeypatch.setattr(bootstrap, "NODE_MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    (tmp_path / "requirements.txt").write_text("one==1\n")
    (tmp_path / "requirements-dev.txt").write_text("two==2\n")
    (tmp_path / ".venv" / "lib" / "python3" / "site-packages" / "one").mkdir(parents=True)
    (tmp_path / ".venv" / "bin").mkdir()
    return tmp_path


@pytest.fixture
def installs(copy, monkeypatch):
    """Collect the requirement files that would be installed."""
    found: list[str] = []
    monkeypatch.setattr(bootstrap, "install", found.append)
    return found


def test_packages_are_installed_once(copy, installs):
    bootstrap.ensure_packages(bootstrap.RUNTIME)
    bootstrap.ensure_packages(bootstrap.RUNTIME)
    assert installs == ["requirements.txt"]


def test_tools_are_installed_on_top_of_the_runtime(copy, installs):
    bootstrap.ensure_packages(bootstrap.RUNTIME)
    bootstrap.ensure_packages(bootstrap.DEVELOPMENT)
    assert installs == ["requirements.txt", "requirements-dev.txt"]


def test_a_changed_requirement_is_installed(copy, installs):
    bootstrap.ensure_packages(bootstrap.DEVELOPMENT)
    (copy / "requirements.txt").write_text("one==2\n")
    bootstrap.ensure_packages(bootstrap.DEVELOPMENT)
    assert installs == ["requirements.txt", "requirements-dev.txt"] * 2


def test_what_an_installation_replaces_is_not_lost(copy, monkeypatch):
    packages = copy / ".venv" / "lib" / "python3" / "site-packages"

    def install(requirements):
        if requirements == "requirements-dev.txt":
            (packages / "one").rename(packages / "one-2")

    monkeypatch.setattr(bootstrap, "install", install)
    bootstrap.ensure_packages(bootstrap.DEVELOPMENT)
    assert bootstrap.environment_is_whole()
    (packages / "one-2").rmdir()
    assert not bootstrap.environment_is_whole()


def test_an_environment_is_never_made_with_a_python_of_its_own(copy, monkeypatch):
    commands = []
    monkeypatch.setattr(bootstrap, "run", lambda command, what: commands.append(command))
    monkeypatch.setattr(bootstrap.sys, "prefix", str(bootstrap.VENV))
    monkeypatch.setattr(bootstrap.sys, "executable", str(bootstrap.PYTHON))
    bootstrap.ensure_environment()
    (made,) = commands
    assert not Path(made[0]).is_relative_to(bootstrap.VENV)


def test_an_environment_that_lost_a_package_is_not_whole(copy, installs):
    bootstrap.ensure_packages(bootstrap.RUNTIME)
    assert bootstrap.environment_is_whole()
    (copy / ".venv" / "lib" / "python3" / "site-packages" / "one").rmdir()
    assert not bootstrap.environment_is_whole()


def test_an_environment_that_was_cut_short_is_not_whole(copy, monkeypatch):
    def cut_short(requirements):
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "install", cut_short)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.ensure_packages(bootstrap.RUNTIME)
    assert not bootstrap.environment_is_whole()


def test_a_refused_installation_leaves_the_environment_whole(copy, monkeypatch):
    def refuse(requirements):
        raise bootstrap.CannotPrepare("no")

    monkeypatch.setattr(bootstrap, "install", refuse)
    with pytest.raises(bootstrap.CannotPrepare):
        bootstrap.ensure_packages(bootstrap.RUNTIME)
    assert bootstrap.environment_is_whole()


def test_an_environment_without_a_python_does_not_work(copy):
    assert not bootstrap.environment_works()


def test_an_unreadable_stamp_counts_as_none(copy):
    stamp = copy / "stamp.json"
    stamp.write_text("{half")
    assert bootstrap.read_stamp(stamp) == {}
    stamp.write_text(json.dumps(["not", "a", "stamp"]))
    assert bootstrap.read_stamp(stamp) == {}


def test_the_front_end_library_is_fetched_once(copy, monkeypatch):
    ran: list[list[str]] = []

    def fetch(command, what):
        ran.append(command)
        (copy / "node_modules" / "charts").mkdir(parents=True, exist_ok=True)
        (copy / "node_modules" / "charts" / "package.json").write_text("{}")

    monkeypatch.setattr(bootstrap, "run", fetch)
    monkeypatch.setattr(bootstrap, "npm", lambda: ["npm"])
    (copy / "package-lock.json").write_text("{}")
    bootstrap.ensure_frontend()
    bootstrap.ensure_frontend()
    assert len(ran) == 1
    (copy / "node_modules" / "charts" / "package.json").unlink()
    bootstrap.ensure_frontend()
    assert len(ran) == 2


def test_a_folder_that_cannot_be_written_is_told_in_one_line(copy, capsys):
    (copy / "var").write_text("a file where the folder should be")
    assert bootstrap.main([]) == 1
    assert capsys.readouterr().err == f"bengi: cannot write in {copy / 'var'}: File exists\n"


def test_two_runs_at_once_take_turns(copy, installs, monkeypatch, capsys):
    """Of two runs that find no environment each would make it, and spoil what the other made."""
    at_work: list[int] = []
    together: list[int] = []

    def make_environment():
        at_work.append(1)
        together.append(len(at_work))
        time.sleep(0.2)
        at_work.pop()

    monkeypatch.setattr(bootstrap, "ensure_environment", make_environment)
    with ThreadPoolExecutor() as pool:
        codes = list(pool.map(bootstrap.main, [[], [], []]))
    assert codes == [0, 0, 0]
    assert together == [1, 1, 1]
    assert installs == ["requirements.txt"]
    said = capsys.readouterr().out
    assert said.count("Waiting for another make that prepares this folder") == 2


def test_a_failing_step_tells_its_error_and_where_to_read_on(copy):
    bootstrap.ensure_writable()
    script = "print('Looking'); print('ERROR: no such package'); print('hint'); raise SystemExit(1)"
    with pytest.raises(bootstrap.CannotPrepare) as told:
        bootstrap.run([sys.executable, "-c", script], "install")
    words = "could not install: ERROR: no such package (more in var/bootstrap.log)"
    assert str(told.value) == words


def test_a_missing_venv_module_is_told_in_one_line(copy, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "module_exists", lambda name: False)
    assert bootstrap.main([]) == 1
    err = capsys.readouterr().err
    assert "has no venv module: install it" in err
    assert err.count("\n") == 1
    assert not (copy / ".venv").exists()


def fake_python(folder: Path, name: str, exit_code: int) -> None:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho 'Python 3.9.1'\nexit {exit_code}\n")
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("programs", "found"),
    [
        ({"python3.13": 1, "python3": 0}, "python3"),
        ({"python3.12": 0, "python3": 0}, "python3.12"),
        ({"python3.11": 127, "python": 0}, "python"),
    ],
)
def test_the_first_python_that_starts_and_is_new_enough_is_taken(tmp_path, programs, found):
    for name, exit_code in programs.items():
        fake_python(tmp_path, name, exit_code)
    assert find_python(tmp_path).stdout == f"{found}\n"


def test_a_python_that_is_too_old_is_told_in_one_line(tmp_path):
    fake_python(tmp_path, "python3", 1)
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("bengi: Python 3.11 or newer is needed")
    assert done.stderr.count("\n") == 1


def find_python(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "find-python.sh")],
        env={"PATH": str(folder), "HOME": os.devnull},
        capture_output=True,
        text=True,
    )
