"""The order of tests, and which stay together where several workers run them (pytest-xdist).

Any test goes to the worker that is free next, in the order of the collection; those of a group
run one after the other on one worker. Groups go by path: names are all that workers tell of tests.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

BROWSER = "tests/browser/"
"""Its tests go by file: a worker has one product and one Chromium for all that it is given."""

GROUPS = (
    "tests/modes/test_standard.py",  # one set of processes for all
    "tests/contract/test_fuzz.py",  # the last test judges what the others have counted
)


def group_of(nodeid: str) -> str:
    """Return the group a test belongs to: one of GROUPS, else a group of its own."""
    if nodeid.startswith(BROWSER):
        return nodeid.partition("::")[0]
    return next((path for path in GROUPS if nodeid.startswith(path)), nodeid)


class _Last:
    """Puts the browser tests last, when others have had their say on the order."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: item.nodeid.startswith(BROWSER))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Last(), "browser-tests-last")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser tests, for who asks by the mark, and put them last.

    Last, because Playwright keeps an event loop running in its thread: nothing that starts a loop
    of its own, or that Django guards against loops, may follow it in the same process.
    """
    for item in items:
        if item.nodeid.startswith(BROWSER):
            item.add_marker("browser")


class GroupScheduling(LoadScopeScheduling):
    """Hand out one group after the other, the first of the collection first."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False  # else the largest first: the browser tests
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """In the controller: say who hands out the tests, whatever --dist says."""
    return GroupScheduling(config, log)
