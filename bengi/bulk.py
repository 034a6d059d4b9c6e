"""Many rows in one statement: how the write paths reach the database.

On PostgreSQL the rows travel as arrays, one per column (bengi/arrays.py); elsewhere in the ORM's
own statements. Rows have their ids, and hold values, no expressions; each value goes through its
field's conversion.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection, models

Row = models.Model


def insert_rows(model: type[Row], rows: Collection[Row]) -> None:
    """Insert rows. On PostgreSQL one statement, and nothing is read back.

    Raises IntegrityError when one of them is there already; then none has been written.
    """
    if not rows:
        return
    if has_arrays():
        from bengi.arrays import insert  # noqa: PLC0415 - with its driver, where it is used

        insert(model, rows)
    else:
        _manager(model).bulk_create(rows)


def update_rows(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> None:
    """Write the named fields of rows, each of which is there: one statement.

    rows: each once. One that is not there fails an assertion.
    """
    if not rows:
        return
    if has_arrays():
        from bengi.arrays import update  # noqa: PLC0415 - with its driver, where it is used

        written = update(model, rows, fields)
    else:
        written = _update_in_turn(model, rows, fields)
    assert written == len(rows), f"{written} of {len(rows)} rows of {model.__name__} are there"


def upsert_rows(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> None:
    """Insert rows; of those whose id is there already, write the named fields: one statement."""
    if not rows:
        return
    if has_arrays():
        from bengi.arrays import upsert  # noqa: PLC0415 - with its driver, where it is used

        upsert(model, rows, fields)
    else:
        _upsert_all(model, rows, fields)


def has_arrays() -> bool:
    """Say whether the database takes rows as arrays."""
    return connection.vendor == "postgresql"


def _update_in_turn(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> int:
    """Run one prepared statement for row after row; return how many were written."""
    names = (*fields, model._meta.pk.name)
    columns: list[Any] = [model._meta.get_field(name) for name in names]
    quote = connection.ops.quote_name
    *changes, key = [f"{quote(column.column)} = %s" for column in columns]
    statement = f"UPDATE {quote(model._meta.db_table)} SET {', '.join(changes)} WHERE {key}"  # noqa: S608
    values = [
        [column.get_db_prep_save(getattr(row, column.attname), connection) for column in columns]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
        return cursor.rowcount


def _upsert_all(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> None:
    key, names = model._meta.pk.name, list(fields)
    _manager(model).bulk_create(
        rows, update_conflicts=True, unique_fields=[key], update_fields=names
    )


def _manager(model: type[Row]) -> Any:
    return model._base_manager
