"""Statements that are sent ahead do what they do one by one. The same tests run on PostgreSQL.

The oracle is the same statement outside of a block, and the ORM.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import FxRate, UnsettledCash
from bengi.ahead import block_here, sent_ahead
from bengi.bulk import insert_rows, read_rows, update_rows
from bengi.compiled import MOMENT, Compiled
from bengi.events.models import Event, Stream
from bengi.events.services import Log, NewEvent, append, heads_of, lock_heads
from bengi.ids import new_id
from bengi.instances import made
from bengi.tests.databases import on_postgresql
from portfolios.models import Lot, LotClosing
from trades.models import Trade

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
ONLY_THERE = on_postgresql("elsewhere none waits")


def rate(number: int) -> FxRate:
    return FxRate(quote="USD", rate=Decimal(number), as_of=AT + timedelta(days=number), source="x")


def insert_one_by_one(rates: list[FxRate]) -> None:
    for each in rates:
        insert_rows(FxRate, [each])


def test_what_a_block_writes_and_asks_for_is_there_when_it_ends() -> None:
    first, second = rate(1), rate(2)
    with transaction.atomic(), sent_ahead():
        insert_rows(FxRate, [first, second])
        second.source = "y"
        update_rows(FxRate, [second], ["source"])
        with sent_ahead():
            found = read_rows(FxRate, "id", [first.id, second.id])
    assert {each.id: each.source for each in found} == {first.id: "x", second.id: "y"}
    assert block_here() is None


def test_a_row_that_is_not_there_is_missed_at_the_end() -> None:
    there = rate(1)
    insert_rows(FxRate, [there])
    with pytest.raises(AssertionError, match="1 of 2 rows"), transaction.atomic(), sent_ahead():
        update_rows(FxRate, [there, rate(2)], ["source"])
    assert FxRate.objects.filter(source="x").count() == 1


def test_what_the_table_refuses_is_raised_as_it_is_and_nothing_is_written() -> None:
    nothing = rate(0)  # a rate is more than that
    with pytest.raises(IntegrityError), transaction.atomic(), sent_ahead():
        insert_one_by_one([rate(1), nothing, rate(2)])
    assert block_here() is None
    assert not FxRate.objects.filter(source="x").exists()


@ONLY_THERE
def test_a_block_is_one_wait() -> None:
    first, second = rate(1), rate(2)
    insert_rows(FxRate, [first, second])
    with transaction.atomic(), sent_ahead():
        found = read_rows(FxRate, "id", [first.id])
        assert found == [], "nobody has waited yet"
    assert [each.id for each in found] == [first.id]


def test_a_log_with_locked_heads_writes_what_append_writes() -> None:
    streams = [new_id() for _ in range(3)]
    events = [NewEvent(streams[n % 3], "a.b", {"n": n, "id": streams[0]}, AT) for n in range(8)]
    with transaction.atomic():
        append(events[:4])
        told = []
        with sent_ahead():
            locked = lock_heads(streams)
        log = Log(heads_of(streams, locked))
        with sent_ahead():
            log.write(events[4:6])
            log.write(events[6:])
            told.append(log.close())
    assert told == [{streams[0]: 3, streams[1]: 3, streams[2]: 2}]
    rows = list(Event.objects.filter(stream_id__in=streams).order_by("stream_id", "seq"))
    assert [row.payload for row in rows if row.stream_id == streams[1]] == [
        {"n": n, "id": str(streams[0])} for n in (1, 4, 7)
    ]
    heads = {stream.id: stream.head_hash for stream in Stream.objects.filter(id__in=streams)}
    assert heads == {row.stream_id: row.hash for row in rows}


@on_postgresql("elsewhere nothing is compiled")
def test_a_compiled_statement_is_asked_for_another_moment() -> None:
    insert_rows(FxRate, [rate(1), rate(2), rate(3)])
    known = Compiled(FxRate.objects.filter(as_of__lte=MOMENT, source="x").values_list("rate"))
    assert len(known.ask(AT + timedelta(days=2))) == 2
    with sent_ahead():
        found = known.ask(AT + timedelta(days=1))
    assert found == [(Decimal(1),)]


@pytest.mark.parametrize("model", [Trade, Lot, LotClosing, UnsettledCash])
def test_a_row_is_made_as_the_model_makes_it(model) -> None:
    values = {model._meta.pk.attname: new_id()}
    ours, theirs = vars(made(model, **values)), vars(model(**values))
    assert ours.keys() == theirs.keys()
    assert {**ours, "_state": None} == {**theirs, "_state": None}
    assert vars(ours["_state"]) == vars(theirs["_state"])


def test_a_row_leads_to_another() -> None:
    lot = made(Lot, id=new_id())
    assert made(LotClosing, {"lot": lot}, id=new_id(), lot_id=lot.id).lot is lot


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(AssertionError, match="other columns"):
        made(Lot, id=new_id(), colour="blue")
    with pytest.raises(AssertionError, match="other columns"):
        made(Lot)
