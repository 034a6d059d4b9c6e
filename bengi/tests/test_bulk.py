"""Rows written in sets come back as they were put in, on either database.

The oracle is what was put in. The same tests run on PostgreSQL (tests/test_on_both_databases.py).
"""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import FxRate
from bengi import bulk
from bengi.ahead import sent_ahead
from bengi.events.models import Event, Stream
from bengi.ids import new_id
from bengi.instances import made
from bengi.terms import OrderStatus
from bengi.tests.databases import on_postgresql
from instruments.models import QuarantinedTick
from orders.models import Order
from orders.tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 26, 6, 0, 0, 123_456, tzinfo=UTC)
EARLIEST, LATEST = (AT.replace(tzinfo=None, year=year) for year in (1900, 2200))
NASTY = (
    *('"', "\\", '\\"', "'", "''", "{}", '{"a"}', "NULL", "null", ",", "a,b", "", " ", " x "),
    *("\n\t\r", "%s", "%", "$1", "--", "\\x41", "\\n", "é", "株", "🚀", "\u202e", "\ufeff", "\x7f"),
)

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
short = st.one_of(st.sampled_from(NASTY), st.text(characters, max_size=40))
amounts = st.one_of(
    st.sampled_from([Decimal(text) for text in ("0", "-0", "1E+3", "1.10", "1e-8", "-9e10")]),
    st.decimals(-(10**10), 10**10, places=8),
)
values = st.decimals(-(10**10), 10**10, places=16)
zones = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=4))]
)
moments = st.datetimes(EARLIEST, LATEST, timezones=zones)
ids = st.builds(new_id)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | short,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short, inner, max_size=3),
    max_leaves=8,
)


def maybe(strategy):
    return st.none() | strategy


rates = st.fixed_dictionaries(
    {
        "quote": st.text(characters, max_size=2),
        "rate": st.decimals(Decimal("1e-8"), 10**10, places=8),
        "as_of": moments,
        "source": short,
    }
)
events_of_a_draw = {
    "type": short,
    "version": st.integers(0, 2**15 - 1),
    "payload": documents.filter(lambda value: value is not None),
    "occurred_at": moments,
    "subject": maybe(ids),
}
events = st.fixed_dictionaries(events_of_a_draw | {"hash": short})
changes = st.fixed_dictionaries(
    {
        "status": st.sampled_from([OrderStatus.NEW, OrderStatus.ACCEPTED, OrderStatus.HELD]),
        "extended_hours": st.booleans(),
        "notional": maybe(amounts),
        "stop_price": maybe(amounts),
        "busted_value": values,
        "commission": amounts,
        "replaced_by": maybe(ids),
        "priority": maybe(st.integers(-(2**63), 2**63 - 1)),
        "lots": st.lists(documents, max_size=2),
        "reason": short,
        "updated_at": moments,
        "triggered_at": maybe(moments),
    }
)


@given(st.lists(rates, max_size=5))
def test_inserted_rates_are_there(drawn):
    compare_inserted_rates(drawn, bulk)


@given(st.lists(events, max_size=5))
def test_inserted_events_are_there(drawn):
    compare_inserted_events(drawn, bulk)


@given(st.lists(changes, min_size=1, max_size=4))
def test_updated_orders_have_changed_in_what_was_named(drawn):
    compare_updated_orders(drawn, bulk)


@given(st.lists(st.tuples(st.booleans(), amounts, amounts), max_size=5))
def test_saved_rows_are_new_or_changed_in_what_was_named(drawn):
    compare_saved_streams(drawn, bulk)


@given(st.lists(events, max_size=5))
def test_inserted_values_are_there(drawn):
    compare_inserted_values(drawn, bulk)


@given(st.lists(changes, max_size=4))
def test_orders_are_read_as_the_orm_reads_them(drawn):
    compare_read_orders(drawn, bulk)


def test_rows_lead_to_others_without_asking_again(django_assert_num_queries):
    orders = {order.id: order for order in [OrderFactory() for _ in range(3)]}
    found = bulk.read_rows(Order, "id", orders)
    bulk.lead(found, "instrument", [order.instrument for order in orders.values()])
    bulk.lead(found, "replaces", [])
    with django_assert_num_queries(0):
        for order in found:
            assert (order.instrument, order.replaces) == (orders[order.id].instrument, None)


def compare_inserted_rates(drawn, module):
    """Insert rates; each must come back as it was drawn, and count as saved."""
    with undone():
        rows = [FxRate(base=f"b{n:02}", **each) for n, each in enumerate(drawn)]
        module.insert_rows(FxRate, rows)
        assert not any(row._state.adding for row in rows)
        assert read(FxRate) == {
            row.id: {"id": row.id, "base": f"b{n:02}", **each}
            for n, (row, each) in enumerate(zip(rows, drawn, strict=True))
        }


def compare_inserted_events(drawn, module):
    """Insert a stream and events on it; each must come back as it was drawn."""
    with undone():
        stream = Stream(id=new_id())
        module.insert_rows(Stream, [stream])
        rows = [Event(stream=stream, seq=n, **each) for n, each in enumerate(drawn)]
        module.insert_rows(Event, rows)
        found = read(Event)
        assert found == {
            row.id: {"id": row.id, "stream_id": stream.id, "seq": n, **each}
            for n, (row, each) in enumerate(zip(rows, drawn, strict=True))
        }


def compare_updated_orders(drawn, module):
    """Change orders; what was named must be as drawn, the rest and another order as before."""
    with undone():
        one = OrderFactory()
        same = {"portfolio": one.portfolio, "instrument": one.instrument}
        orders = [OrderFactory(**same) for _ in drawn]
        before = read(Order)
        for order, change in zip(orders, drawn, strict=True):
            for name, value in change.items():
                setattr(order, name, value)
            order.side, order.client_order_id = "sell", "not to be written"
        module.update_rows(Order, orders, list(drawn[0]))
        expected = before | {
            order.id: before[order.id] | change for order, change in zip(orders, drawn, strict=True)
        }
        assert read(Order) == expected


def compare_saved_streams(drawn, module):
    """Save streams, some of which have been read; of these only seq may change."""
    with undone():
        rows = [Stream(id=new_id(), seq=abs(int(a)), head_hash=f"{b}"[:9]) for _, a, b in drawn]
        known = {
            row.id: Stream.objects.create(id=row.id, seq=7, head_hash="before")
            for row, (is_known, *_) in zip(rows, drawn, strict=True)
            if is_known
        }
        other = Stream.objects.create(id=new_id(), seq=3, head_hash="other")
        expected = {row.id: (row.seq, row.head_hash) for row in [*rows, other]}
        for row in known.values():
            row.seq, row.head_hash = expected[row.id][0], "not to be written"
            expected[row.id] = (row.seq, "before")
        saved = [known.get(row.id, row) for row in rows]
        module.save_rows(Stream, saved, ["seq"])
        assert not any(row._state.adding for row in saved)
        found = Stream.objects.values_list("id", "seq", "head_hash")
        assert {key: (seq, head) for key, seq, head in found} == expected


def compare_inserted_values(drawn, module):
    """Insert events as values; each must come back as it was drawn."""
    with undone():
        stream = Stream.objects.create(id=new_id())
        rows = [{"id": new_id(), "stream_id": stream.id, "seq": n} | e for n, e in enumerate(drawn)]
        names = ["hash", "seq", "id", "stream_id", *sorted(events_of_a_draw)]
        module.insert_values(Event, names, [[row[name] for name in names] for row in rows])
        assert read(Event) == {row["id"]: row for row in rows}


def compare_read_orders(drawn, module):
    """Read orders by one column and by two; they must be what the ORM reads."""
    with undone():
        one, other = OrderFactory(), OrderFactory()
        same = {"portfolio": one.portfolio, "instrument": one.instrument}
        orders = [OrderFactory(**same, **each) for each in drawn]
        OrderFactory(portfolio=one.portfolio, instrument=other.instrument)
        ids = [order.id for order in orders[::2]]
        compare_rows(
            module.read_rows(Order, "id", [*ids, new_id()]), Order.objects.filter(id__in=ids)
        )
        by = ("portfolio_id", "instrument_id")
        keys = [(each.portfolio_id, each.instrument_id) for each in (one, other)]
        expected = Order.objects.exclude(portfolio=one.portfolio, instrument=other.instrument)
        found = module.read_rows(Order, by, keys)
        module.lead(found, "instrument", [one.instrument, other.instrument])
        compare_rows(found, expected)
        is_new = "orders_order.status = 'new'"
        found = module.read_rows(Order, by, keys, where=is_new)
        compare_rows(found, expected.filter(status="new"))
        compare_rows(module.read_rows(Order), Order.objects.all())
        assert module.read_rows(Order, "id", []) == []


def compare_rows(found, expected):
    """Compare rows with those of a query, value by value and by what their keys lead to."""
    names = [field.attname for field in Order._meta.concrete_fields]
    as_values = {order.id: {name: getattr(order, name) for name in names} for order in found}
    assert len(as_values) == len(found)
    assert as_values == {
        order.id: {name: getattr(order, name) for name in names} for order in expected
    }
    for order in found:
        assert order.instrument.id == order.instrument_id
        assert not order._state.adding


def read(model) -> dict[UUID, dict]:
    """Return the rows of a table by id, as values."""
    return {row["id"]: row for row in model.objects.values()}


class undone(transaction.Atomic):  # noqa: N801 - reads like the function it stands for
    """A savepoint that is rolled back at its end."""

    def __init__(self):
        super().__init__(using=None, savepoint=True, durable=False)

    def __exit__(self, kind, error, trace):
        transaction.set_rollback(True)
        super().__exit__(kind, error, trace)


def rate(n: int = 0, **fields) -> FxRate:
    return FxRate(**{"base": f"{n}", "quote": "USD", "rate": Decimal(1), "as_of": AT, **fields})


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        bulk.insert_rows(FxRate, [])
        bulk.update_rows(FxRate, [], ["rate"])
        bulk.save_rows(FxRate, [], ["rate"])
        bulk.insert_values(FxRate, [], [])


@pytest.mark.parametrize("rows", [1, 100])
def test_any_number_of_rows_is_one_statement(rows):
    made = [rate(n) for n in range(rows)]
    with CaptureQueriesContext(connection) as seen:
        bulk.insert_rows(FxRate, made)
        bulk.update_rows(FxRate, made, ["source", "rate"])
        bulk.save_rows(FxRate, made, ["rate"])
    words = [query["sql"] for query in seen if "SAVEPOINT" not in query["sql"]]
    assert len(words) == 3, words
    assert FxRate.objects.count() == rows


def test_new_rows_are_saved_by_one_statement():
    with CaptureQueriesContext(connection) as seen:
        bulk.save_rows(FxRate, [rate(n) for n in range(3)], ["rate"])
    assert len([query for query in seen if "SAVEPOINT" not in query["sql"]]) == 1


def test_a_row_that_is_there_already_is_refused_with_all_others():
    bulk.insert_rows(FxRate, [rate(1)])
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_rows(FxRate, [rate(2), rate(1)])
    assert FxRate.objects.count() == 1


def test_a_row_that_is_not_there_cannot_be_updated():
    there = rate(1)
    bulk.insert_rows(FxRate, [there])
    with pytest.raises(AssertionError, match="1 of 2 rows of FxRate"), transaction.atomic():
        bulk.update_rows(FxRate, [there, rate(2)], ["source"])


def test_what_is_written_in_one_trip_is_there_afterwards():
    rates = [rate(n) for n in range(3)]
    with sent_ahead():
        bulk.insert_rows(FxRate, rates)
        rates[0].source = "changed"
        bulk.update_rows(FxRate, rates[:1], ["source"])
        bulk.insert_rows(FxRate, [rate(7)])
    assert FxRate.objects.count() == 4
    assert FxRate.objects.get(id=rates[0].id).source == "changed"


def write(inserted: list[FxRate], changed: list[FxRate], error: Exception | None = None) -> None:
    """Write rates in one trip, each inserted one by a statement of its own, and fail at its end."""
    with transaction.atomic(), sent_ahead():
        for row in inserted:
            bulk.insert_rows(FxRate, [row])
        bulk.update_rows(FxRate, changed, ["source"])
        if error is not None:
            raise error


@pytest.mark.parametrize("later", [0, 1, 5])
def test_what_is_refused_in_a_trip_takes_all_of_it_along(later):
    """However many statements have gone out after it."""
    write([rate(1)], [])
    with pytest.raises(IntegrityError):
        write([rate(2), rate(1), *(rate(10 + n) for n in range(later))], [])
    assert FxRate.objects.count() == 1


def test_a_row_that_is_not_there_is_missed_at_the_end_of_a_trip():
    there = rate(1)
    write([there], [])
    with pytest.raises(AssertionError, match="1 of 2 rows of FxRate"):
        write([rate(3)], [there, rate(2)])
    with pytest.raises(ZeroDivisionError):
        write([rate(3)], [there], ZeroDivisionError())
    assert FxRate.objects.count() == 1


def test_a_new_row_is_what_the_model_makes_of_its_values():
    order = OrderFactory()
    values = {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}
    kept = ("id", "lots", "account_id", "portfolio_id", "instrument_id", "client_order_id", "side")
    given = {name: values[name] for name in kept}
    new, known = made(Order, {"instrument": order.instrument}, **given), Order(**given)
    assert {name: getattr(new, name) for name in values} == {
        name: getattr(known, name) for name in values
    }
    assert new._state.adding
    assert new.instrument is order.instrument
    with pytest.raises(AssertionError):
        made(Order, **{name: values[name] for name in kept if name != "id"})
    with pytest.raises(AssertionError):
        made(Order, **given, lot=[])


@pytest.mark.parametrize("wrong", [Decimal("1.123456789"), Decimal("NaN"), 0.1])
def test_what_is_not_exact_is_refused(wrong):
    with pytest.raises((ValidationError, ArithmeticError)), transaction.atomic():
        bulk.insert_rows(FxRate, [rate(rate=wrong)])
    there = rate(1)
    bulk.insert_rows(FxRate, [there])
    there.rate = wrong
    with pytest.raises((ValidationError, ArithmeticError)), transaction.atomic():
        bulk.update_rows(FxRate, [there], ["rate"])


def test_what_the_table_refuses_is_refused():
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_rows(FxRate, [rate(rate=Decimal(0))])
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_rows(FxRate, [rate(source=None)])


@on_postgresql("SQLite does not ask how long text is")
def test_text_that_is_too_long_is_refused_not_cut():
    with pytest.raises(DataError), transaction.atomic():
        bulk.insert_rows(FxRate, [rate(source="x" * 41)])
    with pytest.raises(DataError), transaction.atomic():
        bulk.insert_rows(FxRate, [rate(source="a\0b")])


@on_postgresql("the portable path is the ORM's own")
def test_a_model_that_wants_to_know_of_being_saved_is_refused():
    with pytest.raises(AssertionError):
        bulk.insert_rows(QuarantinedTick, [QuarantinedTick(reason="insane", tick={})])
