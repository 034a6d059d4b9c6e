"""What every test of the repository shares: hypothesis profiles, real parts, the order of tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.realparts", "tests.contract.watching"]

settings.register_profile(
    "default", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
)

BROWSER_FIXTURES = {"page", "context", "browser", "new_context"}
REAL_PART_FIXTURES = {"postgres_url", "redis_url"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they ask for; browser tests go last, together, on one worker.

    Last, because Playwright keeps an event loop running in its thread: nothing that starts a loop
    of its own, or that Django guards against loops, may follow it in the same process.
    """
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & BROWSER_FIXTURES:
            item.add_marker("browser")
        if names & REAL_PART_FIXTURES:
            item.add_marker("real_parts")
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
