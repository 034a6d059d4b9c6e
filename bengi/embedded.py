"""The embedded mode: engine, feed and alerts, threads beside the ASGI server, joined by the bus."""

import threading
from collections.abc import Callable
from typing import Protocol

from django.conf import settings
from django.db import connection

from bengi import clock, mongo
from bengi.bus import ALERTS, NUDGE, TICKS, get_bus
from instruments.archive_loop import ArchiveLoop
from instruments.days import CalendarWatch
from instruments.feed import FeedLoop
from instruments.providers.base import Provider
from trades.corporate.loop import CorporateActionLoop
from trades.engine import Engine
from trades.loop import EngineLoop
from trades.session import SessionHours
from watchlists.loop import AlertLoop


class Work(Protocol):
    """What a thread does: run() until stop(), which any thread may call."""

    def run(self) -> None:
        """Work until stopped."""

    def stop(self) -> None:
        """Let run() end."""


class Embedded:
    """Starts and stops the threads of one process. The engine stops after the feed.

    source: what fills a provider that cannot be asked within a moment.
    """

    def __init__(self, provider: Provider, source: Work | None = None) -> None:
        self._source = source
        hours = SessionHours(settings.MARKET_HOURS)
        self._stop_feed = threading.Event()
        self._feed = FeedLoop(provider, self._stop_feed)
        self._calendar = CalendarWatch()
        self._corporate_actions = CorporateActionLoop()
        self._engines = [
            EngineLoop(Engine(shard, hours=hours, guard_s_min=settings.GUARD_S_MIN), clock.now)
            for shard in range(settings.MATCHING_SHARDS)
        ]
        self._alerts = AlertLoop(clock.now, guard_s_min=settings.GUARD_S_MIN)
        self._archive = ArchiveLoop(clock.now) if mongo.is_used() else None
        self._threads: list[tuple[threading.Thread, Callable[[], None]]] = []

    def prepare(self) -> None:
        """Make the feed ready; raises what keeps it from running, before anything else starts."""
        self._feed.prepare()

    def start(self) -> None:
        """Start the calendar, the engines, then the feed, so that no tick goes unheard."""
        self._spawn("calendar", self._calendar.run, self._calendar.stop)
        bus = get_bus()
        for shard, engine in enumerate(self._engines):
            bus.subscribe(TICKS, engine.on_ticks)
            bus.subscribe(NUDGE, engine.nudge)
            self._spawn(f"engine-{shard}", engine.run, engine.stop)
        bus.subscribe(TICKS, self._alerts.on_ticks)
        bus.subscribe(ALERTS, self._alerts.on_alerts)
        self._spawn("alerts", self._alerts.run, self._alerts.stop)
        actions = self._corporate_actions
        self._spawn("corporate-actions", actions.run, actions.stop)
        if self._archive is not None:
            self._spawn("archive", self._archive.run, self._archive.stop)
        self._spawn("feed", self._feed.run, self._stop_feed.set)
        if self._source is not None:
            self._spawn("source", self._source.run, self._source.stop)

    def stop(self, timeout_s: float = 5) -> None:
        """Stop every thread, the feed first, and wait for each to end what it is at."""
        for thread, stop in reversed(self._threads):
            stop()
            thread.join(timeout_s)

    def _spawn(self, name: str, run: Callable[[], None], stop: Callable[[], None]) -> None:
        def body() -> None:
            try:
                run()
            finally:
                connection.close()

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        self._threads.append((thread, stop))
