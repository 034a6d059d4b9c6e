"""The state machine catches every bug that is planted, in a bounded number of walks."""

import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state.machine import Broker
from tests.state.planted import BUGS, plant
from tests.state.stage import set_up

WALKS_MAX = 120


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_model_catches(bug, monkeypatch):
    stage = set_up()
    plant(bug, monkeypatch)
    walks = type("Planted", (Broker,), {"stage": stage, "seen": Broker.seen.copy()})
    with pytest.raises((AssertionError, DatabaseError, KeyError)):
        run_state_machine_as_test(
            walks,
            settings=settings(
                max_examples=WALKS_MAX,
                stateful_step_count=40,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
