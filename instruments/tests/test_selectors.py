"""Reading the market: what comes back, and what it costs in statements."""

from datetime import timedelta
from typing import Any

import pytest

from bengi.errors import NotFound
from instruments.board import board
from instruments.selectors import (
    instrument_by_symbol,
    instruments_matching,
    latest_quotes,
    newest_quote_at,
    stored_bars,
)
from instruments.services import flush_quotes, record_quotes
from instruments.tests.factories import BarFactory, QuoteFactory
from instruments.tests.ticks import NOON, D, after, make_instrument, make_tick

pytestmark = pytest.mark.django_db


def test_the_board_answers_without_a_query(django_assert_num_queries: Any) -> None:
    made = [make_instrument(f"S{n}") for n in range(20)]
    record_quotes([make_tick(each) for each in made])
    with django_assert_num_queries(0):
        found = latest_quotes(made)
    assert len(found) == 20
    with django_assert_num_queries(1):
        assert latest_quotes([each.symbol for each in made]) == found


def test_the_table_answers_for_the_rest_in_one_query(django_assert_num_queries: Any) -> None:
    made = [make_instrument(f"S{n}") for n in range(20)]
    record_quotes([make_tick(each, shard=3) for each in made])
    flush_quotes()
    board.clear()
    record_quotes([make_tick(made[0], bid=D("100.02"), as_of=after(1))])
    with django_assert_num_queries(1):
        found = latest_quotes(made)
    assert found["S0"].bid == D("100.02")
    assert (found["S1"].bid, found["S1"].ask_size, found["S1"].as_of) == (100, 200, NOON)
    assert (found["S1"].symbol, found["S1"].instrument_id) == ("S1", str(made[1].id))


def test_the_unquoted_and_the_unknown_are_absent() -> None:
    book_only = make_instrument("CLASS", has_feed=False)
    assert latest_quotes([book_only, "NOBODY", "CLASS"]) == {}
    assert latest_quotes([]) == {}


def test_a_symbol_on_two_exchanges_is_the_one_with_a_feed(django_assert_num_queries: Any) -> None:
    make_instrument("TWIN", mic="XLON", has_feed=False)
    fed = make_instrument("TWIN", mic="XNYS")
    record_quotes([make_tick(fed)])
    assert latest_quotes(["TWIN"])["TWIN"].instrument_id == str(fed.id)
    with django_assert_num_queries(1):
        assert instrument_by_symbol("twin") == fed


def test_an_unknown_symbol_is_not_found() -> None:
    with pytest.raises(NotFound):
        instrument_by_symbol("NOBODY")


def test_search_puts_symbols_before_names() -> None:
    make_instrument("ZB", name="Abacus Group")
    make_instrument("ABC", name="Alphabet Cereals")
    make_instrument("QQ", name="Nothing of it")
    assert [each.symbol for each in instruments_matching("ab")] == ["ABC", "ZB"]
    assert len(instruments_matching("a", limit=1)) == 1


def test_bars_come_oldest_first_and_page_backwards(django_assert_num_queries: Any) -> None:
    acme = make_instrument()
    for n in (2, 0, 1, 3):
        BarFactory(instrument=acme, starts_at=NOON + timedelta(minutes=n))
    BarFactory(instrument=acme, interval="5min", starts_at=NOON)
    BarFactory(starts_at=NOON)
    with django_assert_num_queries(1):
        newest = stored_bars(acme, "1min", 2)
    assert [bar.starts_at.minute for bar in newest] == [2, 3]
    before = stored_bars(acme, "1min", 9, end=newest[0].starts_at)
    assert [bar.starts_at.minute for bar in before] == [0, 1]
    since = stored_bars(acme, "1min", 9, start=newest[0].starts_at)
    assert [bar.starts_at.minute for bar in since] == [2, 3]


def test_how_far_the_market_has_come() -> None:
    assert newest_quote_at() is None
    QuoteFactory(as_of=after(5))
    QuoteFactory(as_of=after(3))
    assert newest_quote_at() == after(5)
