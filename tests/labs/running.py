"""A lab runs in a process of its own, and tells what it found in its last line, as JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def run_lab(
    name: str, *words: object, timeout_s: float, without: Sequence[str] = (), **environment: str
) -> dict[str, Any]:
    """Run a module of tests.labs with words; return what it tells. It must end well.

    environment is added to that of the tests, of which the names in without are left out.
    """
    kept = {key: value for key, value in os.environ.items() if key not in without}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.labs.{name}", *map(str, words)],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
