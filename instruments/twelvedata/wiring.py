"""What Twelve Data's part needs of the parts above it: who wants prices, where rates are kept.

Those parts may be imported here by nobody, so they give themselves: bengi/apps.py does, in every
process. Without them every instrument is as important as the other, and no rate is asked for.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from instruments.twelvedata.parsing import RateTold
from instruments.twelvedata.poller import Want


class Wiring(msgspec.Struct, frozen=True):
    """wants: who needs which price. pairs: EUR/USD and so on. keep_rates: how many were news."""

    wants: Callable[[datetime], Sequence[Want]] = lambda now: []
    pairs: Callable[[], Sequence[str]] = list
    keep_rates: Callable[[Sequence[RateTold], datetime], int] = lambda rates, now: 0


_in_use = Wiring()


def use(wiring: Wiring) -> None:
    """Let this process go by these."""
    global _in_use  # noqa: PLW0603 - one wiring a process is the point
    _in_use = wiring


def in_use() -> Wiring:
    """Return what this process goes by."""
    return _in_use
