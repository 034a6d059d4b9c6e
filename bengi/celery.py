"""Celery of the standard and scale modes: `celery -A bengi.celery worker`, `... beat`.

A task may be late, run twice or be sent by two beats: each finds its work in the database and in
what all processes share. The embedded mode runs the same work in threads. Queues: default for all
sorts of work, matching.<shard> for the worker that hosts a shard's engine (bengi/matching.py).
"""

import os
from typing import Any

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.prod")

from bengi.matching import ResidentEngines

app = Celery("bengi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts.identity", "instruments", "trades"])
app.steps["worker"].add(ResidentEngines)

POLL_S = 5.0
ACTIONS_S = 5.0
SWEEP_S = 5.0
"""How often each shard is looked after, beside its engine's own sweep, where workers host them."""
CHORES_S = 60.0
OLD_BARS_S = 3600.0
"""How often old bars are deleted, or archived together with new events where there is MongoDB."""


def _every(seconds: float, task: str, *args: Any) -> dict[str, Any]:
    """Return a line of the schedule; a task that nobody takes in time is not run late."""
    return {"task": task, "args": args, "schedule": seconds, "options": {"expires": seconds}}


def schedule(shards: int) -> dict[str, dict[str, Any]]:
    """Return what beat sends, with a nudge for so many shards."""
    sweeps = {
        f"work shard {shard}": _every(SWEEP_S, "trades.tasks.work_shard", shard)
        for shard in range(shards)
    }
    return {
        **sweeps,
        "poll quotes": _every(POLL_S, "instruments.tasks.poll_quotes"),
        "market data chores": _every(CHORES_S, "instruments.tasks.do_chores"),
        "old bars and events": _every(OLD_BARS_S, "instruments.tasks.archive"),
        "corporate actions": _every(ACTIONS_S, "trades.tasks.apply_corporate_actions"),
    }


app.conf.beat_schedule = schedule(settings.MATCHING_SHARDS if settings.MATCHING_BY_TASK else 0)
