"""Celery of the standard mode: `celery -A bengi.celery worker` and `celery -A bengi.celery beat`.

A task may be late, run twice or be sent by two beats: each finds its work in the database and in
what all processes share. The embedded mode runs the same work in threads.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bengi.settings.prod")

app = Celery("bengi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["instruments"])

POLL_S = 5.0
CHORES_S = 60.0
OLD_BARS_S = 3600.0
"""How often old bars are deleted, or archived together with new events where there is MongoDB."""

app.conf.beat_schedule = {
    "poll quotes": {
        "task": "instruments.tasks.poll_quotes",
        "schedule": POLL_S,
        "options": {"expires": POLL_S},
    },
    "market data chores": {
        "task": "instruments.tasks.do_chores",
        "schedule": CHORES_S,
        "options": {"expires": CHORES_S},
    },
    "old bars and events": {
        "task": "instruments.tasks.archive",
        "schedule": OLD_BARS_S,
        "options": {"expires": OLD_BARS_S},
    },
}
