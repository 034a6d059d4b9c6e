"""The matching worker: a worker of queues matching.<shard> hosts the engines of these shards.

    celery -A bengi.celery worker -Q matching.0 -P solo

The engines run in threads from the worker's start to its end, also while its broker is away; a task
of the queue only nudges them. A pool of processes hosts none: its tasks work the shards themselves.
"""

import logging
from typing import Any

from celery import bootsteps

from bengi.threads import Crew

log = logging.getLogger(__name__)

IN_PROCESS_POOLS = ("celery.concurrency.solo", "celery.concurrency.thread")


class ResidentEngines(bootsteps.StartStopStep):
    """Takes the shards before the worker asks for its first task, and gives them up at its end."""

    requires = {"celery.worker.components:Pool"}
    STOP_S = 20

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self._crew = Crew()

    def start(self, worker: Any) -> None:
        # Models can be imported only now that the worker has set Django up.
        from bengi.embedded import engine_host  # noqa: PLC0415
        from instruments.days import CalendarWatch  # noqa: PLC0415
        from trades.tasks import Residence, shards_in  # noqa: PLC0415

        shards = shards_in(worker.app.amqp.queues.consume_from)
        if not shards or type(worker.pool).__module__ not in IN_PROCESS_POOLS:
            return
        calendar = CalendarWatch()
        calendar.look()
        self._crew.add("calendar", calendar)
        Residence.host = engine_host()
        for shard in shards:
            Residence.host.take(shard)
        log.warning("engines of shards %s work here", ", ".join(map(str, shards)))

    def stop(self, worker: Any) -> None:
        from trades.tasks import Residence  # noqa: PLC0415

        host, Residence.host = Residence.host, None
        if host is not None:
            host.stop(self.STOP_S)
        self._crew.stop()

    terminate = stop
