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
    """function is a dotted name inside module: "fence" or "Market.submit"."""

    name: str
    module: str
    function: str
    old: str
    new: str


BUGS = [
    Bug(
        "a closed buy keeps its cash",
        "trades.booking",
        "_hold",
        "rows.balance(order.account_id, currency).reserved += reserved - order.reserved",
        "pass",
    ),
    Bug(
        "cash is released twice",
        "trades.booking",
        "_hold",
        "reserved - order.reserved",
        "reserved - min(2 * order.reserved, rows.balance(order.account_id, currency).reserved)",
    ),
    Bug(
        "a closed sell keeps its shares",
        "trades.booking",
        "_close",
        "rows.position(order).reserved_quantity -= order.held_shares",
        "pass",
    ),
    Bug("money is rounded up", "bengi.money", "round_money", "ROUND_HALF_EVEN", "ROUND_UP"),
    Bug(
        "LIFO for FIFO",
        "portfolios.lots",
        "close_fifo",
        "_in_turn(lots, quantity)",
        "_in_turn(lots[::-1], quantity)",
    ),
    Bug(
        "a canceled order stays on the book",
        "trades.matching.market",
        "Market.cancel",
        "self._remove(order_id)",
        "self.find(order_id)",
    ),
    Bug(
        "orders do not see the book, and cross it",
        "trades.matching.market",
        "Market._best_against",
        "book = self._book.best(opposite(order.side))",
        "book = None",
    ),
    Bug(
        "a stop does not wait for its trigger",
        "trades.matching.market",
        "Market.submit",
        "if order.is_dormant:",
        "if False:",
    ),
    Bug(
        "an engine that was overtaken goes on booking",
        "trades.engine",
        "fence",
        "if not moved:",
        "if False:",
    ),
    Bug(
        "what one order took of the street is there for the next",
        "trades.matching.street",
        "Street.give",
        "self._bought += quantity",
        "pass",
    ),
    Bug(
        "a stale quote decides",
        "trades.matching.street",
        "Street.serves",
        "self._age > order.profile.max_age",
        "False",
    ),
    Bug(
        "a resting order does not wait for its turn",
        "trades.matching.resting",
        "join_queue",
        "order.queue_ahead = size",
        "order.queue_ahead = 0",
    ),
    Bug(
        "day orders outlive their day",
        "trades.expiries",
        "Expiries.due",
        "self._heap[0][0] <= now",
        "self._heap[0][0] <= now - __import__('datetime').timedelta(days=3)",
    ),
]

TWO_COMMITS = Bug(
    "a batch is booked in two commits",
    "trades.rows",
    "save",
    "    Trade.objects.bulk_create(rows.trades)",
    "    __import__('django.db').db.connection.connection.commit()\n"
    "    Trade.objects.bulk_create(rows.trades)",
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
