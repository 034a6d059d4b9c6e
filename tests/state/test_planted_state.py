"""The state machine catches every bug that is planted, in a bounded number of walks.

One of each kind is planted in every run, all of them with PLANTED_BUGS=all (`make bugs`).
"""

import os

import pytest
from django.db import DatabaseError
from hypothesis import Phase

from tests.state.bugs import BUGS
from tests.state.planted import plant
from tests.state.stage import set_up
from tests.state.walking import walk

WALKS_MAX = 120
ONE_OF_EACH = (
    *("a closed buy keeps its cash", "cash is released twice", "money is rounded up"),
    *("LIFO for FIFO", "a canceled order stays on the book"),
    *("orders do not see the book, and cross it", "a stop does not wait for its trigger"),
    *(
        "a fill is booked twice where there is room",
        "a quote that is delivered twice is there twice",
    ),
    "an engine that was overtaken goes on booking",
    "what one order took of the street is there for the next",
    *("a sale owes the levies of the day its order came", "a split is applied twice"),
    *("who sells on the ex-date gets no dividend", "what was busted is worked again"),
    *("both legs of a pair sell", "legs do not wait for their entry"),
)
ALL = {bug.name: bug for bug in BUGS}
CHOSEN = ALL if os.environ.get("PLANTED_BUGS") == "all" else ONE_OF_EACH


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", CHOSEN)
def test_the_model_catches(name, monkeypatch):
    bug = ALL[name]
    stage = set_up(bug.season)
    plant(bug, monkeypatch)
    with pytest.raises((AssertionError, DatabaseError, KeyError)):
        walk(
            stage,
            WALKS_MAX,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
        )
