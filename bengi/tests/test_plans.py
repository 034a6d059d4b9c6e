"""The hot queries are answered by the indexes that are there for them, and each index has a query.

On PostgreSQL, with tens of thousands of rows behind a handful that are at work.
"""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, models

from accounts.models import LedgerEntry, LedgerTransaction, UnsettledCash
from accounts.selectors import transactions_of
from accounts.tests.factories import OPENED_AT, AccountFactory
from bengi import arrays
from bengi.events.models import Event, Stream
from bengi.events.selectors import events_about, events_after
from bengi.ids import new_id
from bengi.tests.databases import on_postgresql
from orders import desk_rows
from orders.book_quotes import best_prices
from orders.models import OPEN_STATUSES, Order
from orders.selectors import orders_of, picking_orders
from orders.tests.factories import OrderFactory
from portfolios.models import Lot, LotClosing
from trades.models import Trade
from trades.notices.selectors import ORDER, UNREAD_MAX, events_told, unread_events
from trades.reading import PICKS, UNSETTLED
from trades.selectors import trades_of
from trades.tests.factories import TradeFactory

pytestmark = pytest.mark.django_db

ROWS, ACCOUNTS, OPEN_ROWS = 30_000, 300, 100


def multiply(row: models.Model, rows: int, **columns: str) -> None:
    """Insert rows like one that is there; columns: in SQL, what differs, with n counting from 1."""
    fields = row._meta.concrete_fields
    values = [columns.get(field.attname, f't."{field.column}"') for field in fields]
    table, key = row._meta.db_table, row._meta.pk.column
    names = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values)}"
            f" FROM {table} t, generate_series(1, {rows}) n WHERE t.{key} = %s",
            [row.pk],
        )


@pytest.fixture
def order(db) -> Order:
    """Return an order of an account among hundreds, with as many of everything as others have."""
    closed_at = OPENED_AT + timedelta(minutes=1)
    order = OrderFactory(status="filled", filled_quantity=10, closed_at=closed_at)
    account_ids = [order.account_id, *(AccountFactory().id for _ in range(ACCOUNTS))]
    accounts = "(ARRAY[" + ",".join(f"'{each}'" for each in account_ids) + "]::uuid[])"
    account = f"{accounts}[1 + n %% {len(account_ids)}]"
    later = f"'{OPENED_AT.isoformat()}'::timestamptz + n * interval '1 second'"
    new = "gen_random_uuid()"
    of_order = {"id": new, "client_order_id": "'copy-' || n", "account_id": account}
    multiply(order, ROWS, **of_order, accepted_at=later)
    at_work = OrderFactory(portfolio=order.portfolio, instrument=order.instrument, priority=1)
    multiply(at_work, OPEN_ROWS, **of_order | {"client_order_id": "'work-' || n"})
    trade = TradeFactory(order=order)
    multiply(trade, ROWS, exec_id=new, account_id=account, order_id=new, executed_at=later)
    lot = Lot.objects.create(
        portfolio=order.portfolio,
        instrument=order.instrument,
        trade_id=new_id(),
        opened_at=OPENED_AT,
        quantity=10,
        remaining_quantity=0,
        cost=1,
        remaining_cost=0,
    )
    multiply(lot, ROWS, id=new, trade_id=new)
    multiply(lot, OPEN_ROWS, id=new, trade_id=new, remaining_quantity="n %% 9 + 1")
    closing = LotClosing.objects.create(
        lot=lot,
        trade_id=new_id(),
        closed_at=OPENED_AT,
        quantity=10,
        cost=1,
        proceeds=1,
        realized_pnl=0,
    )
    multiply(closing, ROWS, id=new, trade_id=new, lot_id=new)
    _money(order.account_id, account, later)
    _log(order.account_id, account, later)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return order


def _money(account_id: UUID, account: str, later: str) -> None:
    new = "gen_random_uuid()"
    posted = LedgerTransaction.objects.create(
        kind="deposit", reference="plan", account_id=account_id, occurred_at=OPENED_AT
    )
    entry = LedgerEntry.objects.create(
        transaction=posted, book="customer_cash", account_id=account_id, currency="USD", amount=1
    )
    waiting = UnsettledCash.objects.create(
        account_id=account_id,
        currency="USD",
        amount=1,
        remaining_amount=1,
        settles_on=OPENED_AT.date(),
        settles_at=OPENED_AT,
        trade_id=new_id(),
    )
    of_posted = {"id": new, "reference": "'copy-' || n", "account_id": account}
    multiply(posted, ROWS, **of_posted, occurred_at=later)
    multiply(entry, ROWS, id=new, account_id=account, transaction_id=new)
    multiply(waiting, ROWS, id=new, account_id=account, trade_id=new, settles_at=later)


def _log(account_id: UUID, account: str, later: str) -> None:
    stream = Stream.objects.create(id=account_id)
    event = Event.objects.create(
        stream=stream, seq=0, type="order.new", payload={}, occurred_at=OPENED_AT, subject=new_id()
    )
    new = "gen_random_uuid()"
    multiply(event, ROWS, id=new, stream_id=account, seq="n", subject=new, occurred_at=later)


def plan(query) -> str:
    """Return how PostgreSQL would answer a queryset, a statement of bengi/arrays.py or one with
    its values.
    """
    if isinstance(query, models.QuerySet):
        return query.explain()
    if isinstance(query, str):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query}")
            return "\n".join(line for (line,) in cursor.fetchall())
    statement, literals = query
    marks = [f"${place + 1}" for place in range(len(literals))]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE hot AS {statement.replace('%s', '{}').format(*marks)}")
        cursor.execute(f"EXPLAIN EXECUTE hot ({', '.join(['%s'] * len(literals))})", literals)
        lines = [line for (line,) in cursor.fetchall()]
        cursor.execute("DEALLOCATE hot")
    return "\n".join(lines)


def reading(model, *names: str, where: str = ""):
    fields = arrays._fields(model, names)
    return arrays._select_statement(model, fields, where), ["{}"] * len(names)


def changing(model, *names: str):
    fields = arrays._fields(model, (model._meta.pk.name, *names))
    literals = ["" if isinstance(each, models.JSONField) else "{}" for each in fields]
    return arrays._update_statement(model, fields), literals


def hot_queries(order: Order) -> dict[str, tuple[object, str]]:
    """Return every hot query by its name, with the index that is to answer it."""
    account = order.account
    at_work = Order.objects.filter(instrument__shard=0, closed_at__isnull=True)
    of_hand = ("portfolio_id", "instrument_id")
    return {
        "open orders of a shard": (
            at_work.filter(status__in=OPEN_STATUSES, priority__isnull=False).order_by("priority"),
            "open_orders_of_",
        ),
        "requests": (at_work.filter(status="accepted").order_by("id")[:500], "open_orders_of_"),
        "orders by id": (reading(Order, "id"), "orders_order_pkey"),
        "orders that wait": (
            reading(Order, "replaces_id", where="orders_order.status = 'held'"),
            "successors_of_order",
        ),
        "orders written back": (
            changing(Order, "status", "lots", "closed_at"),
            "orders_order_pkey",
        ),
        "orders that pick lots": (picking_orders([account.id]), "open_orders_by_account"),
        "orders that pick lots, of many": (
            reading(Order, "account_id", where=PICKS),
            "open_orders_by_account",
        ),
        "orders of an account": (
            Order.objects.filter(account=account).order_by("-id")[:50],
            " orders_of_account",
        ),
        "a user's orders": (  # any index that begins with the account
            orders_of(account.user)[:50],
            "Index Cond: (account_id = accounts_account.id)",
        ),
        "orders of the last seconds": (
            (desk_rows.RECENT, ["{}", "{}", OPENED_AT.isoformat()]),
            "recent_orders_by_account",
        ),
        "open orders, counted": (
            (desk_rows.COUNTS, ["{}", "{}", "{}"]),
            "open_orders_by_account",
        ),
        "keys that were used": ((desk_rows.KNOWN, ["{}", "{}"]), "client_order_id_once_for_ever"),
        "the book without a feed": (
            best_prices([order.instrument_id]),
            "open_orders_of_instrument",
        ),
        "open lots": (reading(Lot, *of_hand, where="remaining_quantity > 0"), "open_lots"),
        "lots written back": (changing(Lot, "remaining_quantity"), "portfolios_lot_pkey"),
        "unsettled cash": (
            UnsettledCash.objects.filter(
                account_id__in=[account.id], settles_at__gt=OPENED_AT + timedelta(hours=1)
            ),
            "unsettled_of_account",
        ),
        "what has not settled, in all": (
            UNSETTLED % (f"'{{{account.id}}}'", f"'{OPENED_AT + timedelta(hours=1)}'"),
            "unsettled_of_account",
        ),
        "sides of a match": (Trade.objects.filter(match_id=new_id()), "trades_of_match"),
        "ledger of an account": (transactions_of(account)[:50], "ledger_of_account"),
        "latest trades": (trades_of(account.user)[:50], "trades_of_account"),
        "events after a seq": (
            Event.objects.filter(stream_id=account.id, seq__gt=100).order_by("seq")[:500],
            "event_seq_once_per_stream",
        ),
        "what somebody is told": (
            events_told(account.user).order_by(*ORDER)[:50],
            "event_seq_once_per_stream",
        ),
        "what is unread": (
            unread_events(account.user)[:UNREAD_MAX],
            "event_seq_once_per_stream",
        ),
        "events of an order": (events_about(order.id), "events_of_subject"),
    }


@on_postgresql("the plans are PostgreSQL's")
def test_hot_queries_use_the_index_that_is_there_for_them(order):
    assert events_after(order.account_id, ROWS) == []
    wrong = {}
    for name, (query, index) in hot_queries(order).items():
        told = plan(query)
        if index not in told:
            wrong[name] = told
    assert not wrong, "\n\n".join(f"{name}:\n{told}" for name, told in wrong.items())


@on_postgresql("the plans are PostgreSQL's")
@pytest.mark.parametrize("name", ["what somebody is told", "what is unread"])
def test_only_the_newest_of_a_log_is_read_for_news(order, name):
    query, _ = hot_queries(order)[name]
    lines = plan(query).splitlines()
    found = [line for line in lines if "Index Cond" in line and "stream_id" in line]
    assert found
    assert all("seq >" in line for line in found), found


INDEXES = {
    Order: {
        "open_orders_of_instrument": "restoring a market, splits",
        "open_orders_by_account": "rules that count, orders that pick lots",
        "orders_of_account": "lists",
        "recent_orders_by_account": "twins",
        "orders_of_group": "groups",
        "successors_of_order": "replacing",
        "portfolio_id": "deleting a portfolio asks",
    },
    Trade: {
        "trades_of_account": "lists",
        "trades_of_match": "the other side of what is corrected",
        "order_id": "the trades of an order",
        "portfolio_id": "deleting a portfolio asks",
        "instrument_id": "dividends, what a split last traded at",
        "corrects_id": "what a correction restated",
        "correction_id": "what a request has booked",
    },
    Lot: {
        "open_lots": "what a sale closes",
        "portfolio_id": "history of a portfolio",
        "instrument_id": "splits and dividends",
    },
    LotClosing: {"lot_id": "what was closed of a lot", "trade_id": "what a sale closed"},
    LedgerTransaction: {"ledger_of_account": "the ledger's pages"},
    LedgerEntry: {"transaction_id": "a transaction's legs", "account_id": "statements"},
    UnsettledCash: {"unsettled_of_account": "what has not settled"},
    Event: {"events_of_subject": "the story of an order"},
}
"""By hot table: each index that is not unique, by its name or its one column, and who reads it."""


@pytest.mark.parametrize("model", INDEXES, ids=lambda model: model.__name__)
def test_no_index_of_a_hot_table_is_there_for_nobody(model):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    ours = {index.name for index in model._meta.indexes}
    told = [
        name if name in ours else ",".join(each["columns"])
        for name, each in found.items()
        if each["index"] and not each["unique"] and not each["primary_key"]
    ]
    assert sorted(told) == sorted(INDEXES[model])
