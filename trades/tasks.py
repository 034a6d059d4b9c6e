"""Celery's part of trading: shards that are worked in a worker, and corporate actions.

A task carries nothing but a shard's number; what there is to do stands in the database. So it may
run twice, late or never: the next one, or the resident engine's own sweep, finds the same work.
"""

from contextlib import suppress
from functools import lru_cache
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from bengi import clock
from instruments.days import refresh_overrides
from trades.corporate.due import apply_due
from trades.engine import Engine
from trades.hosting import EngineHost
from trades.quote_look import QuoteLook
from trades.session import SessionHours
from trades.setting_aside.culprits import Fenced

QUEUE = "matching."
"""Before a shard's number: the queue of its worker."""
WAITS_S = 600
"""A nudge that has waited so long is not run; until then no second one is sent for its shard."""


class Residence:
    """The host of this process's resident engines, where a worker has brought one."""

    host: EngineHost | None = None


class Nudge(Task):
    """A task of one shard, in that shard's queue; of each shard one waits at most."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Send it, unless one waits already: then return None."""
        (shard,) = args
        if not cache.add(_waiting(shard), 1, WAITS_S):
            return None
        try:
            to_its_worker = {**options, "queue": queue_of(shard), "expires": WAITS_S}
            return super().apply_async(args, kwargs, **to_its_worker)
        except (OperationalError, OSError):  # no broker takes it
            cache.delete(_waiting(shard))
            raise


@shared_task(name="trades.tasks.work_shard", base=Nudge)
def work_shard(shard: int) -> int:
    """Let the shard's engine look for work: the resident one, else one that works now.

    Return how many decisions were booked here; the resident one books in its own time.
    """
    with suppress(RedisError):  # the mark ends by itself
        cache.delete(_waiting(shard))
    if Residence.host is not None and Residence.host.nudge(shard):
        return 0
    return _drain(shard)


@shared_task(name="trades.tasks.apply_corporate_actions")
def apply_corporate_actions() -> int:
    """Apply the splits and dividends that have come due; return how many did something."""
    done = apply_due(clock.now())
    return done.splits + done.entitled + done.paid


def queue_of(shard: int) -> str:
    """Return the queue of a shard's worker."""
    return f"{QUEUE}{shard}"


def shards_in(queues: Any) -> list[int]:
    """Return the shards whose queues are among these names."""
    numbers = (name.removeprefix(QUEUE) for name in queues if name.startswith(QUEUE))
    return sorted(int(number) for number in numbers if number.isdigit())


def _waiting(shard: int) -> str:
    return f"bengi:nudge:{shard}"


def _drain(shard: int) -> int:
    """Work the shard until nothing is left; who is fenced out leaves the rest to the other."""
    refresh_overrides()
    engine, quotes = _engine(shard)
    engine.beat(clock.wall())  # and drops books that another process has overtaken
    engine.on_ticks(quotes.newer())
    booked = 0
    try:
        while (done := engine.drain(clock.now())) or engine.has_more:
            booked += done
    except Fenced:
        pass
    return booked


@lru_cache(maxsize=64)
def _engine(shard: int) -> tuple[Engine, QuoteLook]:
    """Return this process's engine of a shard without a resident one, with its books and tries."""
    hours = SessionHours(settings.MARKET_HOURS)
    return Engine(shard, hours=hours, guard_s_min=settings.GUARD_S_MIN), QuoteLook(shard)
