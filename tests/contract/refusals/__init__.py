"""For every code of docs/errors.md something that provokes it.

A provocation takes the stage, arranges what has to be there, and returns the act that is refused:
a request (its response is judged) or a call (its error is).
"""

from collections.abc import Callable
from typing import Any

from tests.contract.stage import Stage

Act = Callable[[], Any]
Provocation = Callable[[Stage], Act]
PROVOCATIONS: dict[str, Provocation] = {}


def provokes(code: str) -> Callable[[Provocation], Provocation]:
    """Add a provocation to the table."""

    def add(provocation: Provocation) -> Provocation:
        assert code not in PROVOCATIONS, code
        PROVOCATIONS[code] = provocation
        return provocation

    return add
