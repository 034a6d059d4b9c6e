"""A loop of alerts for tests."""

from datetime import timedelta

from bengi.bus import ALERTS, TICKS, get_bus
from instruments.services import record_quotes
from instruments.tests.factories import QUOTED_AT
from watchlists.loop import AlertLoop
from watchlists.tests.factories import print_of

A_SECOND = timedelta(seconds=1)


class Watched:
    """A loop on the bus whose time moves when told."""

    def __init__(self) -> None:
        self.now = QUOTED_AT
        self.timer_s = 0.0
        self.loop = AlertLoop(lambda: self.now, timer_s=lambda: self.timer_s)
        bus = get_bus()
        self._ends = [
            bus.subscribe(TICKS, self.loop.on_ticks),
            bus.subscribe(ALERTS, self.loop.on_alerts),
        ]

    def close(self) -> None:
        for end in self._ends:
            end()

    def trade(self, instrument, *prices: str, late_s: float = 0, **changed) -> None:
        """Let the instrument trade at prices, a second apart, and the loop look each time."""
        for price in prices:
            self.now += A_SECOND
            as_of = self.now - timedelta(seconds=late_s)
            record_quotes([print_of(instrument, price, as_of, **changed)])
            assert self.loop.turn()

    def burst(self, instrument, *prices: str) -> None:
        """Let the instrument trade at prices before the loop looks at them all."""
        for price in prices:
            self.now += A_SECOND / 1000
            record_quotes([print_of(instrument, price, self.now)])
        assert all(self.loop.turn() for _ in range(1 + len(prices) // AlertLoop.KEPT_MAX))

    def sweep(self) -> None:
        self.timer_s += AlertLoop.SWEEP_S
        assert self.loop.turn()
