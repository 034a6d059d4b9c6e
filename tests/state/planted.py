"""Bugs planted in the running broker: one function's source is changed while a test runs.

The old text must occur exactly once, so a bug that has gone stale fails loudly.
"""

import importlib
import inspect
import sys
import textwrap
from typing import Any, NamedTuple

import pytest

ROOTS = ("bengi", "accounts", "instruments", "portfolios", "orders", "trades")


class Bug(NamedTuple):
    """function is a dotted name inside module: "fence" or "Market.submit".

    season is the part of the year in which it shows (tests/state/stage.py).
    """

    name: str
    module: str
    function: str
    old: str
    new: str
    season: str = "clocks go forward"


TWO_COMMITS = Bug(
    "a batch is booked in two commits",
    "trades.rows",
    "save",
    "        insert_rows(Trade, rows.trades)",
    "        __import__('django.db').db.connection.connection.commit()\n"
    "        insert_rows(Trade, rows.trades)",
)
"""For the crash lab: only a kill between the two can show it."""


def plant(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the changed function wherever the right one is known by name."""
    owner: Any = importlib.import_module(bug.module)
    *classes, name = bug.function.split(".")
    namespace = vars(owner)
    for each in classes:
        owner = getattr(owner, each)
    right = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(right))
    assert source.count(bug.old) == 1, f"{bug.name}: the text to change is not there once"
    made: dict[str, Any] = {}
    code = compile(source.replace(bug.old, bug.new), f"<planted: {bug.name}>", "exec")
    exec(code, namespace, made)
    monkeypatch.setattr(owner, name, made[name])
    for module in [m for m in sys.modules.values() if _is_ours(m)]:
        if module is not owner and getattr(module, name, None) is right:
            monkeypatch.setattr(module, name, made[name])


def _is_ours(module: Any) -> bool:
    return getattr(module, "__name__", "").partition(".")[0] in ROOTS
