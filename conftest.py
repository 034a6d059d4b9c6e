"""What every test of the repository shares: plugins of its own and profiles of hypothesis."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.realparts",
    "tests.bars",
    "tests.workers",
    "tests.contract.watching",
    "tests.standins",
]

settings.register_profile(
    "default", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
)
