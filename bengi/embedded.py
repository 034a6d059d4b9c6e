"""The embedded mode: engine, feed and alerts, threads beside the ASGI server, joined by the bus.

In the other modes each of these is a process of its own: run_feed runs a Market, run_engine and the
matching workers run an EngineHost, and the chores are tasks of bengi/celery.py.
"""

import threading
from collections.abc import Callable

from django.conf import settings

from bengi import clock, mongo
from bengi.bus import ALERTS, TICKS, WATCHED, get_bus
from bengi.realtime.watching import elsewhere
from bengi.threads import Crew, Work
from instruments.archive_loop import ArchiveLoop
from instruments.days import CalendarWatch
from instruments.feed import FeedLoop
from instruments.providers.base import Provider
from trades.corporate.loop import CorporateActionLoop
from trades.hosting import EngineHost
from trades.session import SessionHours
from watchlists.loop import AlertLoop


def engine_host() -> EngineHost:
    """Return a host of engines that goes by the clock and the settings."""
    hours = SessionHours(settings.MARKET_HOURS)
    return EngineHost(clock.now, hours=hours, guard_s_min=settings.GUARD_S_MIN)


class Market:
    """Starts and stops the threads of a feed, and the alerts that wait for its prices.

    source: what fills a provider that cannot be asked within a moment. is_its_turn: says before
    each look whether this process may tell prices and fire alerts.
    """

    def __init__(
        self,
        provider: Provider,
        source: Work | None = None,
        *,
        is_its_turn: Callable[[], bool] = lambda: True,
    ) -> None:
        self._source = source
        self._stop_feed = threading.Event()
        self._feed = FeedLoop(provider, self._stop_feed, is_its_turn=is_its_turn)
        self._alerts = AlertLoop(
            clock.now, guard_s_min=settings.GUARD_S_MIN, is_its_turn=is_its_turn
        )
        self._crew = Crew()
        self._unsubscribe: list[Callable[[], None]] = []

    def prepare(self) -> None:
        """Make the feed ready; raises what keeps it from running, before anything else starts."""
        self._feed.prepare()

    def start(self) -> None:
        """Start the calendar and the alerts, then the feed, so that no tick goes unheard."""
        bus = get_bus()
        self._crew.add("calendar", CalendarWatch())
        self._unsubscribe = [
            bus.subscribe(TICKS, self._alerts.on_ticks),
            bus.subscribe(ALERTS, self._alerts.on_alerts),
            bus.subscribe(WATCHED, elsewhere.hear),
        ]
        self._crew.add("alerts", self._alerts)
        self._crew.spawn("feed", self._feed.run, self._stop_feed.set)
        if self._source is not None:
            self._crew.add("source", self._source)

    def stop(self, timeout_s: float = 5) -> None:
        """Stop every thread, the feed first, and wait for each to end what it is at."""
        self._crew.stop(timeout_s)
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []


class Embedded:
    """Starts and stops the threads of one process that does it all. The engines stop last."""

    def __init__(self, provider: Provider, source: Work | None = None) -> None:
        self._market = Market(provider, source)
        self._engines = engine_host()
        self._archive = ArchiveLoop(clock.now) if mongo.is_used() else None
        self._chores = Crew()

    def prepare(self) -> None:
        """Make the feed ready; raises what keeps it from running, before anything else starts."""
        self._market.prepare()

    def start(self) -> None:
        """Start the engines before the market, so that no tick goes unheard."""
        for shard in range(settings.MATCHING_SHARDS):
            self._engines.take(shard)
        self._chores.add("corporate-actions", CorporateActionLoop())
        if self._archive is not None:
            self._chores.add("archive", self._archive)
        self._market.start()

    def stop(self, timeout_s: float = 5) -> None:
        """Stop every thread, the feed first, and wait for each to end what it is at."""
        self._market.stop(timeout_s)
        self._chores.stop(timeout_s)
        self._engines.stop(timeout_s)
