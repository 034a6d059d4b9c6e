"""Examples for the document: requests that were made, and what was answered to them.

tests/contract/test_examples.py makes them again and compares.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")


@cache
def _examples() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


def example_of(operation_id: str, part: str) -> Any:
    """Return the "request" or the "answer" of an operation's example, None where it has none."""
    return _examples().get(operation_id, {}).get(part)
