"""The scale-out mode's processes over TCP: relays, engines by consumer group, the tape."""

from typing import Any
from uuid import uuid4

import pytest

from tests.labs.running import run_lab
from tests.realparts import note_lab


def lab(kafka_server: str, *words: str) -> dict[str, Any]:
    """Run the lab and return what it tells."""
    brokers = {"LAB_KAFKA": kafka_server, "LAB_PREFIX": f"lab-{uuid4().hex[:8]}"}
    return run_lab("kafka", *words, timeout_s=400, **brokers)


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
