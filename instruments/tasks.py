"""Celery's part of market data, for the standard mode: instruments/twelvedata, and old bars.

bengi/celery.py says how often. Whatever runs twice, or late, shares its credits, its marks of what
was asked about and its leases with the others, and finds nothing left to do.
"""

import threading
from functools import lru_cache

from celery import shared_task
from django.conf import settings

from bengi import clock, mongo
from instruments.archive_loop import archive_all
from instruments.board import board
from instruments.days import refresh_overrides
from instruments.models import Quote
from instruments.quotes import Tick
from instruments.selectors import stored_ticks
from instruments.services import flush_quotes, prune_bars, record_quotes
from instruments.twelvedata.chores import CHORES, run_chore
from instruments.twelvedata.desk import CacheMarks, Desk
from instruments.twelvedata.lease import Lease
from instruments.twelvedata.poller import Poller
from instruments.twelvedata.rest import Rest

LEASE_MORE_S = 30
"""So much longer than the task may take the lease holds: nobody begins while it is at work."""


@shared_task(name="instruments.tasks.poll_quotes")
def poll_quotes() -> int:
    """Ask for the quotes that are due and store them; return how many were asked for.

    None while somebody else asks: another worker, or the feed's process all the time.
    """
    lease = Lease(settings.CELERY_TASK_TIME_LIMIT + LEASE_MORE_S)
    if not settings.TWELVE_DATA_API_KEY or not lease.hold():
        return 0
    try:
        refresh_overrides()
        poller, stored = _poller(), stored_ticks(Quote.objects.all())
        board.adopt(stored)  # another worker may have polled since this one did
        poller.recall(stored)
        asked = poller.turn(clock.now())
        flush_quotes()
    finally:
        lease.release()
    return asked


@shared_task(name="instruments.tasks.do_chores")
def do_chores() -> list[str]:
    """Do what else is due, and return the names of what was done."""
    if not settings.TWELVE_DATA_API_KEY:
        return []
    refresh_overrides()
    desk, rest = _desk(), _chores_rest()
    return [chore.name for chore in CHORES if run_chore(chore, desk, rest, clock.now())]


@shared_task(name="instruments.tasks.archive")
def archive() -> bool:
    """Move old bars into the archive and copy new events there; return whether that went well.

    Without an archive delete old bars, as the feed does in the embedded mode.
    """
    if not mongo.is_used():
        prune_bars(clock.now())
        return True
    return archive_all(clock.now())


@lru_cache(maxsize=1)
def _desk() -> Desk:
    return Desk(clock.now, threading.Event().wait)


@lru_cache(maxsize=1)
def _chores_rest() -> Rest:
    return _desk().rest()


@lru_cache(maxsize=1)
def _poller() -> Poller:
    """Return this process's poller."""
    return _desk().poller(_take_in, marks=CacheMarks())


def _take_in(ticks: list[Tick]) -> None:
    record_quotes(ticks)


def forget() -> None:
    """Let the next task begin anew, with the settings of then."""
    for made in (_poller, _chores_rest, _desk):
        made.cache_clear()
