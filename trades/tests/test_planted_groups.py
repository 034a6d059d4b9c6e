"""Bugs planted in the matcher's groups: the market that only counts must catch each of them."""

import pytest

from trades.tests.sandbox import Bug, Sandbox
from trades.tests.test_planted_bugs import check_matching

GROUPS = "trades.matching.groups"
BUGS = [
    Bug(
        "both legs of a pair fill",
        GROUPS,
        "                news.size(leg, -outcome.quantity)\n",
        "                news.size(leg, -0)\n",
    ),
    Bug(
        "the other leg of one that has filled stays",
        GROUPS,
        "if not isinstance(outcome, Fill) or not leg.leaves:",
        "if not isinstance(outcome, Fill):",
    ),
    Bug(
        "the other leg of one that is canceled stays",
        GROUPS,
        '    Canceled: ("other_leg_ended", "legs_ended"),\n',
        "",
    ),
    Bug(
        "a stop that fires leaves its limit on the book",
        GROUPS,
        '    Triggered: ("other_leg_fired", "exit_began"),\n',
        "",
    ),
    Bug(
        "an entry buys on while its legs sell",
        GROUPS,
        "        if group.entry is not None:\n            self._end(",
        "        if group.entry is None:\n            self._end(",
    ),
    Bug(
        "a leg that is taken off stays on the book",
        GROUPS,
        "        self._withdraw(order_id)\n",
        "",
    ),
    Bug(
        "only the first fill of an entry sizes its legs",
        GROUPS,
        "if leg.leaves or group.is_held:",
        "if group.is_held:",
    ),
    Bug(
        "legs wait until the entry is over",
        GROUPS,
        "        for leg, _ in open_:\n            if self.of[leg.id].is_held:",
        "        for leg, _ in open_:\n"
        "            if self.of[leg.id].is_held and self.of[leg.id].entry is None:",
    ),
    Bug(
        "an entry that ends leaves its legs waiting",
        GROUPS,
        "        if not any(leg.leaves for leg in group.legs):",
        "        if any(leg.leaves for leg in group.legs):",
    ),
    Bug(
        "legs come before those who were there when they were released",
        GROUPS,
        "leg.priority = next(self._places)",
        "leg.priority = next(self._places) - 3",
    ),
    Bug(
        "a trailing leg starts at its first tick",
        GROUPS,
        "start_behind(leg, group.price)",
        "start_behind(leg, leg.tick)",
    ),
    Bug(
        "a replaced order loses its group",
        GROUPS,
        "        self.of[order.id] = group\n",
        "",
    ),
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_oracle_catches(bug):
    with pytest.raises((AssertionError, LookupError, ValueError, pytest.fail.Exception)):
        check_matching(Sandbox(bug.planted()))
