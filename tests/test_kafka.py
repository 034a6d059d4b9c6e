"""The scale-out mode's processes over TCP: relays, engines by consumer group, the tape."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.realparts import note_lab

ROOT = Path(__file__).resolve().parent.parent


def lab(kafka_server: str, *words: str) -> dict[str, Any]:
    """Run the lab and return what it tells."""
    environment = {"LAB_KAFKA": kafka_server, "LAB_PREFIX": f"lab-{uuid4().hex[:8]}"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.labs.kafka", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(told)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_engines_come_and_go_and_relays_die(
    kind: str, kafka_server: str, pytestconfig: pytest.Config
) -> None:
    """No fill is lost or double, every event is told in order, and the tape is the books."""
    told = lab(kafka_server, kind)
    assert told["wrong"] == []
    assert told["orders"] == 4 + 4 * 36 * 4 * 2
    assert told["relays_died"] >= 2
    assert told["takeovers"] >= 5
    words = "{orders} orders, {takeovers} assignments, {relays_died} relays died, ".format(**told)
    words += "{repeated} messages came twice, none was missing".format(**told)
    note_lab(pytestconfig, f"kafka, {kind}", words, is_postgres=kind == "postgres")
