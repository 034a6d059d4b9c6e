"""The trade tape against the table of trades, whatever comes twice, late or from the beginning."""

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bengi.events.models import Event
from bengi.kafka_messages import TradeMessage
from bengi.kafka_routes import messages_of
from trades.models import TapeDay, TapeOffset, TapePrint, Trade
from trades.tape import empty_tape, next_offsets, print_tape
from trades.tests.desk import correct_a_little
from trades.tests.world import World, open_world


def published() -> list[TradeMessage]:
    """Return what is told of all trades, as a reader of the topic has it."""
    events = Event.objects.filter(type__startswith="trade.").order_by("stream_id", "seq")
    told = messages_of(list(events))
    return [msgspec.json.decode(message.value, type=TradeMessage) for message in told]


def tape() -> list[Any]:
    """Return everything that was printed."""
    lines = TapePrint.objects.order_by("exec_id").values_list()
    days = TapeDay.objects.order_by("symbol", "trade_date").values_list(
        "symbol", "trade_date", "volume", "value", "executions"
    )
    return [list(lines), list(days)]


def expected() -> list[Any]:
    """Reckon the days from the books, in raw SQL and Python: what stands, each match once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.symbol, t.trade_date, t.quantity, t.gross_amount, t.match_id, t.exec_id"
            " FROM trades_trade t JOIN instruments_instrument i ON i.id = t.instrument_id"
            " WHERE t.busts_id IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM trades_trade b WHERE b.busts_id = t.exec_id)"
        )
        rows = cursor.fetchall()
    scale = 1 if connection.vendor == "postgresql" else 10**8
    days: dict[tuple[str, str], dict[str, tuple[Decimal, Decimal]]] = defaultdict(dict)
    for symbol, day, quantity, gross, match, exec_id in rows:
        amounts = (Decimal(quantity) / scale, Decimal(gross) / scale)
        days[symbol, str(day)][str(match or exec_id)] = amounts
    return [
        (symbol, day, sum(q for q, _ in each.values()), sum(g for _, g in each.values()), len(each))
        for (symbol, day), each in sorted(days.items())
    ]


def traded(days: list[tuple]) -> list[tuple]:
    """Return the days on which anything stands."""
    return [(symbol, str(day), *rest) for symbol, day, *rest in days if rest[-1]]


@pytest.fixture
def lived(world: World) -> World:
    correct_a_little(world)
    return world


def test_the_tape_is_the_books(lived):
    messages = published()
    assert print_tape(messages, {0: len(messages)}) == len(messages) == Trade.objects.count()
    lines, days = tape()
    assert traded(days) == expected()
    assert {line[0] for line in lines} == set(Trade.objects.values_list("exec_id", flat=True))
    busted = Trade.objects.filter(busts__isnull=False).count()
    assert TapePrint.objects.filter(busts__isnull=False).count() == busted >= 3
    assert next_offsets() == {0: len(messages)}


def test_a_match_counts_once(world):
    abc, buyer, seller = world.instrument(), world.trader(), world.trader()
    world.tick(abc, "9.00", "9.50")
    world.place(seller, abc, "buy", 5)
    world.tick(abc, "9.00", "11.00", last="10.00")
    world.place(seller, abc, "sell", 5, limit="10.00", tif="gtc")
    world.place(buyer, abc, "buy", 5, limit="10.00")
    print_tape(published(), {0: 3})
    (day,) = TapeDay.objects.all()
    assert (day.volume, day.value, day.executions) == (10, Decimal("97.50"), 2)
    assert sorted(TapePrint.objects.values_list("side", "liquidity", "is_counted")) == [
        ("buy", "book", True),
        ("buy", "street", True),
        ("sell", "book", False),
    ]


def test_what_comes_again_changes_nothing(lived):
    messages = published()
    print_tape(messages[:5], {0: 5})
    print_tape(messages, {0: len(messages)})
    before = tape()
    assert print_tape(messages, {0: len(messages)}) == 0
    assert print_tape([*messages, *messages], {0: len(messages)}) == 0
    assert tape() == before


def test_an_emptied_tape_is_printed_the_same(lived):
    messages = published()
    print_tape(messages, {0: len(messages)})
    before = tape()
    empty_tape()
    assert tape() == [[], []]
    assert TapeOffset.objects.count() == 0
    print_tape(messages, {0: len(messages)})
    assert tape() == before


def test_lines_and_offsets_come_together_or_not_at_all(lived, monkeypatch):
    messages = published()
    with monkeypatch.context() as patched:
        patched.setattr(TapeOffset.objects, "bulk_update", stumble)
        with pytest.raises(RuntimeError):
            print_tape(messages, {0: len(messages)})
    assert (tape(), next_offsets()) == ([[], []], {})


def stumble(*_: Any) -> None:
    raise RuntimeError


def test_statements_do_not_grow_with_lines(lived, django_assert_num_queries):
    messages = published()
    print_tape(messages[:1], {0: 1})
    with django_assert_num_queries(10):
        print_tape(messages[1:3], {0: 3})
    with django_assert_num_queries(10):
        print_tape(messages[3:], {0: len(messages)})


class AnyOrder(TestCase):
    """Some of a life that is traded once for all examples."""

    @classmethod
    def setUpTestData(cls) -> None:
        with open_world() as world:
            correct_a_little(world)
        cls.messages = published()
        cls.days = expected()

    @given(seed=st.integers(0, 2**32), size=st.integers(1, 9))
    @settings(max_examples=25)
    def test_batches_repetitions_and_order_do_not_matter(self, seed: int, size: int) -> None:
        chance = random.Random(seed)
        again = chance.choices(self.messages, k=10)
        come = chance.sample([*self.messages, *again], len(self.messages) + 10)
        for start in range(0, len(come), size):
            print_tape(come[start : start + size], {0: start + size})
        assert traded(tape()[1]) == self.days
        assert TapePrint.objects.count() == len(self.messages)
