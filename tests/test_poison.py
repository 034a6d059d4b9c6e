"""A message that kills the process that works it does so five times, and never again."""

from pathlib import Path
from typing import Any

import pytest

from tests.labs.running import run_lab


def told(folder: Path, kind: str) -> dict[str, Any]:
    file = str(folder / "poison.sqlite3")
    return run_lab("poison", kind, timeout_s=180, without=["DATABASE_URL"], BENGI_DATABASE=file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "poison", "row", "halted"),
    [
        ("order", "rejected", ("order", "closed", False), []),
        ("cancel", "pending_cancel", ("cancel", "waiting", False), []),
        ("tick", "new", ("tick", "dropped", True), ["LAB"]),
        ("split", "accepted", ("corporate_action", "waiting", True), ["LAB"]),
    ],
)
def test_what_kills_the_process_is_set_aside(
    tmp_path: Path, kind: str, poison: str, row: tuple[Any, ...], halted: list[str]
) -> None:
    found = told(tmp_path, kind)
    assert found["wrong"] == []
    assert found["lives"] == 6
    assert found["orders"] == {"poison": poison, "innocent": "filled"}
    (aside,) = found["set_aside"]
    assert (aside["kind"], aside["outcome"], aside["has_halted"]) == row
    assert aside["tries"] == found["lives"] - 1
    assert found["halted"] == halted
    assert found["starts"] == 0, "the last one ended in good order"
