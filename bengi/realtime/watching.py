"""Which symbols are open on some page: of this process and, as the bus tells, of others."""

import time
from collections.abc import Callable, Iterable

from bengi.realtime.hub import hubs

KEPT_S = 15
"""So long what another process has told holds; it tells again every few seconds."""


class Elsewhere:
    """What the sockets of other processes watch. timer_s tells seconds that only grow."""

    def __init__(self, timer_s: Callable[[], float] = time.monotonic) -> None:
        self._timer_s = timer_s
        self._heard_s: dict[str, float] = {}

    def hear(self, symbols: Iterable[str]) -> None:
        """Note what a process has told."""
        self._heard_s = {**self._heard_s, **dict.fromkeys(symbols, self._timer_s())}

    def symbols(self) -> set[str]:
        """Return what was told not too long ago."""
        since_s = self._timer_s() - KEPT_S
        kept = {symbol: at_s for symbol, at_s in self._heard_s.items() if at_s > since_s}
        self._heard_s = kept
        return set(kept)


elsewhere = Elsewhere()
"""What this process has heard, where it listens."""


def watched_symbols() -> set[str]:
    """Return the symbols whose prices somebody follows on a socket."""
    here = {symbol for hub in hubs() for symbol in hub.watched()}
    return here | elsewhere.symbols()
