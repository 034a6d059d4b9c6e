"""Cursor pages over rows that come and go."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bengi.errors import Malformed
from bengi.pagination import leaf, page
from instruments.models import Instrument
from instruments.tests.factories import InstrumentFactory

SYMBOLS = st.sampled_from(["A", "AA", "B", "a", "Z"])
MICS = st.sampled_from(["XNAS", "XNYS", "XLON"])


def pages(by, limit):
    seen, cursor = [], ""
    while cursor is not None:
        answer = page(
            Instrument.objects.all(),
            by=by,
            limit=limit,
            cursor=cursor,
            shape=lambda row: {"key": (row.symbol, row.mic)},
        )
        assert len(answer["results"]) <= limit
        seen += [row["key"] for row in answer["results"]]
        cursor = answer["next"]
    return seen


def key(row):
    return row.symbol, row.mic


def leaves(by, limit):
    """Return the leaves of a list, first to last, each looked at from the one after it too."""
    rows, found, after = Instrument.objects.all(), [], ""
    while not found or after:
        found.append(leaf(rows, by=by, limit=limit, after=after))
        after = found[-1].older
    for earlier, later in pairwise(found):
        back = leaf(rows, by=by, limit=limit, before=later.newer)
        assert [key(row) for row in back.rows] == [key(row) for row in earlier.rows]
        assert (back.older, bool(back.newer)) == (earlier.older, earlier is not found[0])
    return found


class PageTest(TestCase):
    @settings(max_examples=60)
    @given(
        keys=st.sets(st.tuples(SYMBOLS, MICS), max_size=12),
        limit=st.integers(1, 5),
        descending=st.booleans(),
    )
    def test_pages_hold_every_row_once_in_order(self, keys, limit, descending):
        for symbol, mic in keys:
            InstrumentFactory(symbol=symbol, mic=mic)
        sign = "-" if descending else ""
        found = pages([f"{sign}symbol", f"{sign}mic"], limit)
        assert found == sorted(keys, reverse=descending)

    @settings(max_examples=60)
    @given(
        keys=st.sets(st.tuples(SYMBOLS, MICS), max_size=12),
        limit=st.integers(1, 5),
        descending=st.booleans(),
    )
    def test_leaves_hold_every_row_once_in_both_directions(self, keys, limit, descending):
        for symbol, mic in keys:
            InstrumentFactory(symbol=symbol, mic=mic)
        sign = "-" if descending else ""
        found = leaves([f"{sign}symbol", f"{sign}mic"], limit)
        assert not found[0].newer
        rows = [key(row) for each in found for row in each.rows]
        assert rows == sorted(keys, reverse=descending)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WyJhIl0", "e30", "bnVsbA", "WzEsMl0", "/w", "===="]
)
def test_a_cursor_from_elsewhere_is_refused(cursor):
    with pytest.raises(Malformed) as refusal:
        page(Instrument.objects.all(), by=("symbol", "mic"), limit=1, cursor=cursor, shape=vars)
    assert (refusal.value.code, refusal.value.field) == ("invalid_parameter", "cursor")
