"""Rows as PostgreSQL arrays: one INSERT or UPDATE that reads its rows from unnest().

A column is one parameter, an array literal built as a string: {1,"two",NULL}. The statements do not
depend on how many rows there are, so that each is planned once a session (docs/adr/0032).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from django.db import connection, models
from psycopg.types.json import Json, Jsonb

Field = models.Field


def insert(model: type[models.Model], rows: Collection[models.Model]) -> None:
    """Insert rows; see bulk.insert_rows."""
    fields = _all_fields(model)
    _run(_insert_statement(model, fields), rows, fields)
    _are_there(rows)


def update(model: type[models.Model], rows: Collection[models.Model], names: Sequence[str]) -> int:
    """Write the named fields of rows and return how many of them are there."""
    fields = _fields(model, (model._meta.pk.name, *names))
    return _run(_update_statement(model, fields), rows, fields)


def upsert(model: type[models.Model], rows: Collection[models.Model], names: Sequence[str]) -> None:
    """Insert rows, or write the named fields of those that are there; see bulk.upsert_rows."""
    fields = _all_fields(model)
    statement = _insert_statement(model, fields) + _on_conflict(model, tuple(names))
    _run(statement, rows, fields)
    _are_there(rows)


@cache
def _all_fields(model: type[models.Model]) -> tuple[Field, ...]:
    """Return every field of a model; none of them may want to know of being saved."""
    fields: tuple[Any, ...] = tuple(model._meta.concrete_fields)
    assert not any(getattr(each, "auto_now_add", False) for each in fields), model
    assert not any(getattr(each, "auto_now", False) for each in fields), model
    return fields


@cache
def _fields(model: type[models.Model], names: tuple[str, ...]) -> tuple[Field, ...]:
    found: list[Any] = [model._meta.get_field(name) for name in names]
    return tuple(found)


@cache
def _insert_statement(model: type[models.Model], fields: tuple[Field, ...]) -> str:
    names = ", ".join(_quoted(field.column) for field in fields)
    table = _quoted(model._meta.db_table)
    return f"INSERT INTO {table} ({names}) SELECT * FROM {_unnest(fields)}"  # noqa: S608


@cache
def _on_conflict(model: type[models.Model], names: tuple[str, ...]) -> str:
    columns = [_quoted(field.column) for field in _fields(model, names)]
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
    return f" ON CONFLICT ({_quoted(model._meta.pk.column)}) DO UPDATE SET {changes}"


@cache
def _update_statement(model: type[models.Model], fields: tuple[Field, ...]) -> str:
    """Return an update whose first field is the key. Nothing else stands in its WHERE: a plan that
    took another condition for the narrower one would read the table for a few rows.
    """
    table, columns = _quoted(model._meta.db_table), [_quoted(field.column) for field in fields]
    changes = ", ".join(f"{column} = x.{column}" for column in columns[1:])
    rows = f"{_unnest(fields)} AS x ({', '.join(columns)})"
    return f"UPDATE {table} AS t SET {changes} FROM {rows} WHERE t.{columns[0]} = x.{columns[0]}"  # noqa: S608


def _unnest(fields: Iterable[Field]) -> str:
    return f"unnest({', '.join(f'%s::{_array_type(field)}' for field in fields)})"


def _array_type(field: Field) -> str:
    """Return a column's type as an array, without its length or scale: a cast would cut silently
    what the column refuses.
    """
    kind = re.sub(r"\(.*\)", "", str(field.db_type(connection)))
    return f"{'text' if kind == 'varchar' else kind}[]"


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")


# -- values ------------------------------------------------------------------------------------


def array_literal(field: Field, values: Iterable[Any]) -> str:
    """Return one column's values, converted by its field, as the text of an array."""
    known, elements = dict[Any, str](), []
    is_repeated = not isinstance(field, models.JSONField)
    for value in values:
        if value is None:
            elements.append("NULL")
        elif is_repeated:
            if (text := known.get(value)) is None:
                text = known[value] = _element(field, value)
            elements.append(text)
        else:
            elements.append(_element(field, value))
    return "{" + ",".join(elements) + "}"


def _element(field: Field, value: Any) -> str:
    prepared = field.get_db_prep_save(value, connection)
    kind = type(prepared)
    for base in kind.__mro__:
        if base in _ELEMENTS:
            return _ELEMENTS[base](prepared)
    raise TypeError(f"{field}: a {kind.__name__} has no place in an array")


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json(value: Json) -> str:
    return _text(msgspec.json.encode(value.obj).decode())


_ELEMENTS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    UUID: lambda value: value.hex,
    bool: lambda value: "t" if value else "f",
    int: str,
    Decimal: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
    Jsonb: _json,
}


# -- the connection ----------------------------------------------------------------------------


class _Bound(psycopg.Cursor[Any]):
    """A cursor whose statements are planned once a session: parameters travel beside them."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_Bound":
        return super().execute(query, params, **{"prepare": True, **options})


def _run(statement: str, rows: Collection[models.Model], fields: Sequence[Field]) -> int:
    """Execute a statement with a parameter per field; return the number of rows it wrote."""
    literals = [
        array_literal(field, [getattr(row, field.attname) for row in rows]) for field in fields
    ]
    connection.ensure_connection()
    if connection.queries_logged:  # the ORM's own way would show the values, or nothing at all
        connection.queries_log.append({"sql": statement, "time": "0.000"})
    bound: Any = _Bound(connection.connection)
    with connection.make_cursor(bound) as cursor:
        cursor.execute(statement, literals)
        return cursor.rowcount


def _are_there(rows: Iterable[models.Model]) -> None:
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
