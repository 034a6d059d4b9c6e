"""What every source of market data can do. A provider knows nothing of Django or of the clock."""

from datetime import datetime
from typing import Protocol

from instruments.bars import BarValue
from instruments.quotes import Tick


class Provider(Protocol):
    """A source of ticks, asked again and again by one thread."""

    name: str
    """Goes into every tick and quote as its source; at most 16 characters."""

    def start(self, now: datetime) -> list[BarValue]:
        """Begin at now and return the bars before it, so that charts are not empty."""

    def ticks(self, now: datetime) -> list[Tick]:
        """Return the ticks that have become due since the last call, oldest first.

        as_of is when a tick was due, not when it was asked for: the answers of many calls put
        together do not depend on how often the calls came.
        """
