"""Settings of production refuse keys that somebody may know."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT = "made-by-settings-of-development-for-this-folder-0123456789"


def load(key: str | None, folder: Path) -> str:
    """Load the settings in a fresh interpreter; return the last line of what it complains of."""
    environment = {**os.environ, "BENGI_VAR": str(folder)}
    environment.pop("BENGI_SECRET_KEY", None)
    if key is not None:
        environment["BENGI_SECRET_KEY"] = key
    done = subprocess.run(
        [sys.executable, "-c", "import bengi.settings.prod"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize("key", [None, "", "x" * 60, "short", "django-insecure-" + DEVELOPMENT])
def test_a_key_that_can_be_guessed_is_refused(key: str | None, tmp_path: Path) -> None:
    assert "must be set to a random string of 50 characters" in load(key, tmp_path)


def test_the_key_of_development_is_refused_where_it_was_made(tmp_path: Path) -> None:
    assert load(DEVELOPMENT, tmp_path) == ""
    (tmp_path / "secret-key").write_text(DEVELOPMENT)
    assert "is that of development" in load(DEVELOPMENT, tmp_path)
