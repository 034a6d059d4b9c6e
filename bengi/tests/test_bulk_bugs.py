"""Bugs planted in the writing of sets: the comparisons must catch every one of them.

Those of bengi/arrays.py are planted where the tests run on PostgreSQL.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from accounts.models import FxRate
from bengi.ids import new_id
from bengi.terms import OrderStatus
from bengi.tests.test_bulk import (
    NASTY,
    compare_inserted_events,
    compare_inserted_rates,
    compare_inserted_values,
    compare_read_orders,
    compare_saved_streams,
    compare_updated_orders,
    rate,
)
from trades.tests.sandbox import Bug, Sandbox

pytestmark = pytest.mark.django_db

BULK, ARRAYS, LITERALS = "bengi.bulk", "bengi.arrays", "bengi.literals"
FAMILY = (BULK, ARRAYS, LITERALS)
AT, SECOND = datetime(2026, 11, 26, 6, 0, tzinfo=UTC), timedelta(seconds=1)
CONVERSION = "column.get_db_prep_save(getattr(row, column.attname), connection)"

PORTABLE_BUGS = [
    Bug("columns are swapped", BULK, "join(changes)", "join(reversed(changes))"),
    Bug(
        "NULL becomes nothing",
        BULK,
        CONVERSION,
        f"(0 if getattr(row, column.attname) is None else {CONVERSION})",
    ),
    Bug("values are not converted", BULK, CONVERSION, "getattr(row, column.attname)"),
    Bug("a row is left out", BULK, "for row in rows\n    ]", "for row in list(rows)[1:]\n    ]"),
    Bug("all rows are written", BULK, "WHERE {key}", "WHERE {key} OR 1 = 1"),
    Bug(
        "more is written",
        BULK,
        "list(fields)",
        "['head_hash', *fields]",
    ),
]
ARRAY_BUGS = [
    Bug(
        "columns are swapped",
        ARRAYS,
        'f"{column} = x.{column}" for column in columns[1:]',
        'f"{column} = x.{other}" for column, other in zip(columns[1:], [*columns[2:], columns[1]])',
    ),
    Bug("NULL becomes nothing", ARRAYS, 'elements.append("NULL")', "elements.append('\"\"')"),
    Bug("NULL is left out", ARRAYS, 'elements.append("NULL")', "continue"),
    Bug("a row is left out", ARRAYS, "[vars(row) for row in rows]", "[*map(vars, rows)][1:]"),
    Bug("quotes are not escaped", ARRAYS, """.replace('"', '\\\\"')""", ""),
    Bug("backslashes are not escaped", ARRAYS, """.replace("\\\\", "\\\\\\\\")""", ""),
    Bug("text is cut", ARRAYS, """re.sub(r"\\(.*\\)", "", str(field""", """str(str(field"""),
    Bug(
        "values repeat",
        ARRAYS,
        "known.get((type(value), value))",
        "next(iter(known.values()), None)",
    ),
    Bug("yes is no", ARRAYS, '"t" if value else "f"', '"f" if value else "t"'),
    Bug("all rows are written", ARRAYS, " WHERE t.{columns[0]} = x.{columns[0]}", ""),
    Bug("what is there stays", BULK, "if not row._state.adding]", "if 0]"),
    Bug("only the first key counts", ARRAYS, "zip(*keys, strict=True)", "zip(*list(keys)[:1])"),
    Bug("a condition is forgotten", ARRAYS, "[where] if where else []", "[]"),
    Bug(
        "all rows lead to one",
        BULK,
        "found.get(vars(row)[attribute])",
        "next(iter(found.values()), None)",
    ),
    Bug(
        "decimals are not converted",
        ARRAYS,
        "str(exact(value))",
        "str(value)",
    ),
    Bug("odd values are not looked for", LITERALS, "if odd.search(text):", "if 0:"),
    Bug("escapes stay", LITERALS, 're.compile(r"\\\\")', 're.compile("no")'),
    Bug("more places are cut", LITERALS, "{{{places + 1}}}", "{{{places + 9}}}"),
    Bug("an element is lost", LITERALS, "text[1:-1]", "text[text.find(',') + 1:-1]"),
    Bug(
        "rows count as new",
        ARRAYS,
        "for row in rows:\n        row._state",
        "for row in ():\n        row._state",
    ),
]
BUGS = ARRAY_BUGS if connection.vendor == "postgresql" else PORTABLE_BUGS

RATES = [
    {"quote": "USD", "rate": Decimal(number + 1), "as_of": AT + number * SECOND, "source": text}
    for number, text in enumerate(NASTY)
]
EVENTS = [
    {
        "type": text,
        "version": number,
        "payload": {text: [text, None, number]},
        "occurred_at": AT,
        "subject": new_id() if number % 2 else None,
        "hash": "",
    }
    for number, text in enumerate(NASTY)
]
ORDERS = [
    {
        "status": OrderStatus.ACCEPTED if number else OrderStatus.NEW,
        "extended_hours": number == 1,
        "notional": Decimal(number) if number else None,
        "stop_price": Decimal("0.00000001") if number != 1 else None,
        "priority": 2**62 + number if number else None,
        "lots": [number],
        "reason": text,
        "triggered_at": AT if number else None,
    }
    for number, text in enumerate(NASTY[:3])
]
PRICES = [{"notional": Decimal(7), "stop_price": Decimal(8)}]
STREAMS = [(is_known, Decimal(seq), Decimal(seq)) for is_known in (True, False) for seq in (4, 5)]


def check(sandbox: Sandbox) -> None:
    """Run every comparison on the sandbox's own copy of the modules."""
    bulk = sandbox.load(BULK)
    compare_inserted_rates(RATES, bulk)
    compare_inserted_events(EVENTS, bulk)
    compare_updated_orders(ORDERS, bulk)
    compare_updated_orders(PRICES, bulk)
    compare_saved_streams(STREAMS, bulk)
    compare_inserted_values(EVENTS, bulk)
    compare_read_orders(ORDERS, bulk)
    assert is_refused(bulk, rate(rate=Decimal("1.000000001")))
    if connection.vendor == "postgresql":
        assert is_refused(bulk, rate(source="x" * 41))


def is_refused(bulk, row: FxRate) -> bool:
    try:
        with transaction.atomic():
            bulk.insert_rows(FxRate, [row])
    except (DatabaseError, ValidationError):
        return True
    return False


def test_the_modules_as_they_are_pass():
    check(Sandbox(family=FAMILY))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_bug_is_caught(bug):
    with pytest.raises((AssertionError, DatabaseError)):
        check(Sandbox(bug.planted(), FAMILY))
