"""The state machine catches every bug that is planted, in a bounded number of walks."""

import pytest
from django.db import DatabaseError
from hypothesis import Phase

from tests.state.bugs import BUGS
from tests.state.planted import plant
from tests.state.stage import set_up
from tests.state.walking import walk

WALKS_MAX = 120


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_model_catches(bug, monkeypatch):
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
