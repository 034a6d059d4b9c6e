"""Tests that belong together run on one worker, the others wherever there is room."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.workers import GROUPS, GroupScheduling, group_of

ROOT = Path(__file__).resolve().parent.parent


class Node:
    """A worker that takes what it is sent."""

    shutting_down = False
    gateway = SimpleNamespace(id="worker")

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_a_place_that_is_there(group):
    assert (ROOT / group).exists()


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/browser/test_pages.py::test_a[chromium-tests/x]", "tests/browser/test_pages.py"),
        ("tests/browser/test_admin.py::test_b", "tests/browser/test_admin.py"),
        ("tests/contract/test_fuzz.py::test_c[list_orders]", "tests/contract/test_fuzz.py"),
        ("tests/contract/test_fuzz.py::test_d", "tests/contract/test_fuzz.py"),
        ("tests/contract/test_roles.py::test_e", "tests/contract/test_roles.py::test_e"),
        ("trades/tests/test_loop.py::Loop::test_f", "trades/tests/test_loop.py::Loop::test_f"),
    ],
)
def test_groups_go_by_path(nodeid, group):
    assert group_of(nodeid) == group


def test_a_group_is_handed_out_whole_and_in_its_turn(pytestconfig, monkeypatch):
    """Two workers, six tests: the group of four waits for its turn and goes to one of them."""
    monkeypatch.setattr(pytestconfig.option, "tx", ["popen", "popen"])
    monkeypatch.setattr(pytestconfig.option, "loadscopereorder", True)
    scheduling, nodes = GroupScheduling(pytestconfig), [Node(), Node()]
    browser = [f"tests/browser/test_pages.py::test_{n}" for n in range(4)]
    for node in nodes:
        scheduling.add_node(node)
        scheduling.add_node_collection(node, ["a.py::test_a", "a.py::test_b", *browser])
    scheduling.schedule()
    assert [node.sent for node in nodes] == [[0, 2, 3, 4, 5], [1]]
