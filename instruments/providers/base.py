"""What every source of market data can do. A provider knows nothing of Django or of the clock."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from instruments.bars import BarValue
from instruments.quotes import Tick
from instruments.splits import Split


class Provider(Protocol):
    """A source of ticks, asked again and again by one thread."""

    name: str
    """Goes into every tick and quote as its source; at most 16 characters."""

    is_as_printed: bool
    """Its past bars are as they were printed: splits since then have to be worked in."""

    def hear_splits(self, splits: Iterable[Split]) -> None:
        """Learn which splits there are; told before start() and again whenever there may be more.

        A source that records a market has nothing to do: the market itself quotes new shares.
        """

    def start(self, now: datetime) -> list[BarValue]:
        """Begin at now and return the bars before it, so that charts are not empty."""

    def ticks(self, now: datetime) -> list[Tick]:
        """Return the ticks that have become due since the last call, oldest first.

        as_of is when a tick was due, not when it was asked for: the answers of many calls put
        together do not depend on how often the calls came.
        """
