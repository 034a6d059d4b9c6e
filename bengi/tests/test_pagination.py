"""Cursor pages over rows that come and go."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bengi.errors import Malformed
from bengi.pagination import page
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


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WyJhIl0", "e30", "bnVsbA", "WzEsMl0", "/w", "===="]
)
def test_a_cursor_from_elsewhere_is_refused(cursor):
    with pytest.raises(Malformed) as refusal:
        page(Instrument.objects.all(), by=("symbol", "mic"), limit=1, cursor=cursor, shape=vars)
    assert (refusal.value.code, refusal.value.field) == ("invalid_parameter", "cursor")
