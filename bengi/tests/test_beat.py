"""Beat while its broker is away: one line, and another when it is back."""

import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from bengi import celery
from bengi.beat import PatientScheduler


def nobody_listens() -> str:
    """Return the URL of a Redis that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


@pytest.fixture
def scheduler(tmp_path: Path) -> Any:
    """Return a scheduler with three tasks, one of which is never to be sent."""
    app = Celery("test", broker=nobody_listens(), set_as_current=False)
    app.conf.task_publish_retry_policy = {"max_retries": 0}
    app.conf.beat_schedule = {
        "one": {"task": "one", "schedule": 5.0},
        "two": {"task": "two", "schedule": 5.0},
        "unspeakable": {"task": "three", "schedule": 5.0, "args": (object(),)},
    }
    made = PatientScheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
    yield made
    made.close()
    made.connection.release()
    app.close()


def send(scheduler: PatientScheduler, *names: str) -> None:
    for name in names:
        scheduler.apply_entry(scheduler.schedule[name], producer=scheduler.producer)


def comes_back(scheduler: PatientScheduler, broker: str) -> None:
    """Let scheduler use another broker from now on."""
    vars(scheduler).pop("producer", None)
    scheduler.connection = scheduler.app.connection_for_write(broker)


def test_an_outage_is_told_in_one_line_and_so_is_its_end(
    scheduler: PatientScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    send(scheduler, "one", "two", "one", "two")
    (line,) = caplog.records
    assert line.getMessage().startswith("no task can be sent until the broker is back: Error ")
    assert (line.levelno, line.exc_info) == (logging.WARNING, None)
    comes_back(scheduler, "memory://")
    send(scheduler, "one", "two")
    assert caplog.messages[1:] == ["the broker is back, tasks are sent again"]
    comes_back(scheduler, nobody_listens())
    send(scheduler, "one", "two")
    assert len(caplog.records) == 3


def test_what_is_wrong_with_a_task_is_told_whole(
    scheduler: PatientScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    comes_back(scheduler, "memory://")
    send(scheduler, "unspeakable", "one")
    (line,) = caplog.records
    assert line.getMessage() == "unspeakable cannot be sent"
    assert line.exc_info
    assert line.levelno == logging.ERROR


def test_the_product_s_beat_is_the_patient_one() -> None:
    assert celery.app.conf.beat_scheduler == "bengi.beat:PatientScheduler"
