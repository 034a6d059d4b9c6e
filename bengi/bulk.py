"""Many rows in one statement: how the write paths reach the database.

On PostgreSQL the rows travel as arrays, one per column (bengi/arrays.py); elsewhere in the ORM's
own statements. Rows have their ids, and hold values, no expressions; each value goes through its
field's conversion.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection, models

Row = models.Model
R = TypeVar("R", bound=models.Model)


def insert_rows(model: type[Row], rows: Collection[Row]) -> None:
    """Insert rows. On PostgreSQL one statement, and nothing is read back.

    Raises IntegrityError when one of them is there already; then none has been written.
    """
    if not rows:
        return
    if has_arrays():
        from bengi.arrays import insert  # noqa: PLC0415 - it asks has_arrays()

        insert(model, rows)
    else:
        _manager(model).bulk_create(rows)


def insert_values(model: type[Row], names: Sequence[str], rows: Collection[Sequence[Any]]) -> None:
    """Insert rows of values in the order of names, which are those of all its columns.

    For rows that nobody looks at again: a model's instance costs more than its place in the table.
    """
    if not rows:
        return
    if has_arrays():
        from bengi.arrays import insert_values  # noqa: PLC0415 - it asks has_arrays()

        insert_values(model, names, rows)
    else:
        made = [model(**dict(zip(names, values, strict=True))) for values in rows]
        _manager(model).bulk_create(made)


def update_rows(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> None:
    """Write the named fields of rows, each of which is there: one statement.

    rows: each once. One that is not there fails an assertion.
    """
    if not rows:
        return
    if has_arrays():
        from bengi.arrays import update  # noqa: PLC0415 - it asks has_arrays()

        update(model, rows, fields)
        return
    written = _update_in_turn(model, rows, fields)
    assert written == len(rows), f"{written} of {len(rows)} rows of {model.__name__} are there"


def save_rows(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> None:
    """Insert the rows that are new, and write the named fields of those that were read.

    On PostgreSQL a statement for each kind, elsewhere one that takes both.
    """
    if not rows:
        return
    if has_arrays():
        known = [row for row in rows if not row._state.adding]
        insert_rows(model, [row for row in rows if row._state.adding])
        update_rows(model, known, fields)
    else:
        _upsert(model, rows, fields)


def read_rows(
    model: type[R],
    by: str | tuple[str, ...] = (),
    keys: Iterable[Any] = (),
    *,
    where: str = "",
) -> list[R]:
    """Return the rows that have one of the keys, in no order; without by, all rows there are.

    by: a column, or several, of which each key then holds a value. where: a condition that is
    written the same for every database.
    """
    names = (by,) if isinstance(by, str) else by
    wanted = {(key,) for key in keys} if isinstance(by, str) else set(keys)
    if names and not wanted:
        return []
    if has_arrays():
        from bengi.arrays import select  # noqa: PLC0415 - it asks has_arrays()

        return select(model, names, wanted, where)
    columns = dict(zip(names, zip(*wanted, strict=True), strict=True)) if names else {}
    found = _manager(model).filter(**{f"{name}__in": set(each) for name, each in columns.items()})
    found = found.extra(where=[where]) if where else found  # noqa: S610 - a constant
    if not names:
        return list(found)
    return [row for row in found if tuple(getattr(row, name) for name in names) in wanted]


def lead(rows: Iterable[Row], name: str, related: Iterable[Row]) -> None:
    """Let a foreign key of rows lead to the related ones, which have been read."""
    found, attribute = {row.pk: row for row in related}, f"{name}_id"
    for row in rows:
        row._state.fields_cache[name] = found.get(vars(row)[attribute])


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


def _upsert(model: type[Row], rows: Collection[Row], fields: Sequence[str]) -> None:
    key, names = model._meta.pk.name, list(fields)
    _manager(model).bulk_create(
        rows, update_conflicts=True, unique_fields=[key], update_fields=names
    )


def _manager(model: type[Row]) -> Any:
    return model._base_manager
