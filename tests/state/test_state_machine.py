"""The broker against a plain model, after every step of hypothesis's walks.

300 walks of 40 steps; FUZZ_EXAMPLES asks for more (`make fuzz N=5000`).
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state.machine import Broker
from tests.state.stage import set_up

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
PARTS = 3
WALKS_ENOUGH = 300
MUST_HAPPEN = {
    *("filled", "partially_filled", "canceled", "expired", "new"),
    *("insufficient_position", "stale_quote", "symbol_halted", "idempotency_mismatch"),
    *("withdraw", "insufficient_available", "to EUR", "fenced"),
}
"""A machine that finds nothing must at least have been somewhere."""
STEPS = 40


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_the_broker_is_the_model(part):
    walks = type(f"Broker{part}", (Broker,), {"stage": set_up(), "seen": Broker.seen.copy()})
    run_state_machine_as_test(
        walks,
        settings=settings(
            max_examples=-(-EXAMPLES // PARTS),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(dict(walks.seen))
    missing = MUST_HAPPEN - set(walks.seen)
    assert not missing or EXAMPLES < WALKS_ENOUGH, f"the walks never came across {missing}"
