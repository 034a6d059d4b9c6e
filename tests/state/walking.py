"""How many walks are walked, and that they differ.

Hypothesis's own search makes five of six examples out of the one before, with parts of it repeated;
for walks of forty moves that is the same walk again. So the engine is asked under another name,
which it takes for a backend that wants no such help: every walk is drawn afresh. What fails is
shrunk and replayed as ever.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

from tests.state.machine import Broker
from tests.state.stage import Stage

STEPS = 40
CHOICES_BEFORE = 1
"""What an example draws once, before its first step, counts as one of Hypothesis's steps."""

AVAILABLE_PROVIDERS["fresh"] = HypothesisProvider


def walk(stage: Stage, walks: int, *, seed: int | None = None, **wishes: Any) -> type[Broker]:
    """Walk so many times from a stage; return the class, whose seen counts what was come across.

    The same seed gives the same walks, None others every time. wishes are settings of hypothesis.
    """
    walkers = type("Walk", (Broker,), {"stage": stage, "seen": Broker.seen.copy()})
    if seed is not None:
        seeded(seed)(walkers)
    run_state_machine_as_test(
        walkers,
        settings=settings(
            max_examples=walks,
            stateful_step_count=STEPS + CHOICES_BEFORE,
            backend="fresh",
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **wishes,
        ),
    )
    return walkers
