import pytest

from bengi.limits import limiter


@pytest.fixture
def limits(settings):
    """Let the table hold, from nothing counted."""
    settings.RATE_LIMITS = True
    limiter.reset()
    yield
    limiter.reset()
