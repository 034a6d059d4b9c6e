"""How many ticks were turned away: counted where the feed is, asked about where metrics are."""

import logging
from collections import Counter

from django.core.cache import cache

from bengi.line import Line
from instruments.board import board

NAME = "bengi:ticks_dropped"
KEPT_S = 60
"""The count of a feed that says nothing for so long is forgotten with it."""
_line = Line(logging.getLogger(__name__), "dropped ticks are counted in the feed's process alone")


def tell_dropped() -> None:
    """Let other processes know what this one's board has turned away since it started."""
    counts = dict(board.dropped)
    _line.ask(lambda: cache.set(NAME, counts, KEPT_S), None)


def dropped_ticks() -> Counter[str]:
    """Return how many ticks were turned away, by kind: here, or else where the feed is."""
    if board.dropped:
        return board.dropped
    return Counter(_line.ask(lambda: cache.get(NAME), None) or {})
