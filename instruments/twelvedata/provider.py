"""Twelve Data as a source of ticks for the feed: what its threads have heard, in order."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from instruments.bars import BarValue
from instruments.quotes import Tick
from instruments.splits import Split
from instruments.twelvedata.tape import NAME

INBOX_MAX = 50_000
"""Ticks that wait for the feed. Past that the oldest are lost: prices are whole states."""


class TwelveDataProvider:
    """A Provider. take_in() may be called from any thread."""

    name = NAME
    is_as_printed = False

    def __init__(self) -> None:
        self._inbox: deque[Tick] = deque(maxlen=INBOX_MAX)

    def hear_splits(self, splits: Iterable[Split]) -> None:
        """Do nothing: the market itself quotes new shares, and past bars come in them."""

    def start(self, now: datetime) -> list[BarValue]:
        """Return no bars: past ones cost credits, and come when there are some left."""
        return []

    def ticks(self, now: datetime) -> list[Tick]:
        """Return what has been heard since the last call, in the order in which it was."""
        found = []
        while self._inbox:
            found.append(self._inbox.popleft())
        return found

    def take_in(self, ticks: Iterable[Tick]) -> None:
        """Take ticks for the next call of ticks()."""
        self._inbox.extend(ticks)
