"""Rows as PostgreSQL arrays: one INSERT or UPDATE that reads its rows from unnest().

A column is one parameter, an array literal built as a string: {1,"two",NULL}. The statements do not
depend on how many rows there are, so that each is planned once a session (docs/adr/0032).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.utils import CursorWrapper
from django.db.models.base import ModelState
from msgspec import Raw

from bengi.ahead import block_here
from bengi.literals import at_once

Field = models.Field
R = TypeVar("R", bound=models.Model)


def insert_values(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of values; see bulk.insert_values."""
    fields = _all_fields(model)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    literals = [array_literal(field, columns[field.attname]) for field in fields]
    _execute(_insert_statement(model, fields), literals, len(columns[names[0]]))


def insert(model: type[models.Model], rows: Collection[models.Model]) -> None:
    """Insert rows; see bulk.insert_rows."""
    fields = _all_fields(model)
    _run(_insert_statement(model, fields), rows, fields)
    _are_there(rows)


def update(model: type[models.Model], rows: Collection[models.Model], names: Sequence[str]) -> int:
    """Write the named fields of rows and return how many of them are there."""
    fields = _fields(model, (model._meta.pk.name, *names))
    return _run(_update_statement(model, fields), rows, fields)


def select(
    model: type[R],
    names: Sequence[str],
    keys: Iterable[Sequence[Any]],
    where: str = "",
    rest: str = "",
) -> list[R]:
    """Return rows by the values of columns; see bulk.read_rows. rest: what follows a condition.

    In a block of statements sent ahead the list is filled as the block ends.
    """
    fields = _fields(model, tuple(names))
    columns = zip(*keys, strict=True)
    literals = [array_literal(*each) for each in zip(fields, columns, strict=True)]
    statement = _select_statement(model, fields, where) + rest
    names = [field.attname for field in model._meta.concrete_fields]
    found: list[R] = []
    _ask(statement, literals, lambda rows: found.extend(_row(model, names, row) for row in rows))
    return found


def row_of(model: type[R], values: Sequence[Any]) -> R:
    """Return a row by the values of all its columns, in order."""
    return _row(model, [field.attname for field in model._meta.concrete_fields], values)


def id_array(ids: Iterable[UUID]) -> str:
    """Return ids as the text of an array."""
    return "{" + ",".join(each.hex for each in ids) + "}"


def ask_values(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return what a statement selects; see select()."""
    found: list[tuple[Any, ...]] = []
    _ask(statement, params, found.extend)
    return found


def _ask(statement: str, params: Sequence[Any], take: Callable[[list[Any]], None]) -> None:
    cursor = _cursor(statement)
    if (block := block_here()) is not None:
        block.asked(cursor, take)
        cursor.execute(statement, params)
    else:
        with cursor:
            cursor.execute(statement, params)
            take(cursor.fetchall())


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
def _select_statement(model: type[models.Model], fields: tuple[Field, ...], where: str) -> str:
    names = ", ".join(_quoted(field.column) for field in model._meta.concrete_fields)
    keys = ", ".join(_quoted(field.column) for field in fields)
    conditions = [f"({keys}) IN (SELECT * FROM {_unnest(fields)})"] if fields else []  # noqa: S608
    conditions += [where] if where else []
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {names} FROM {_quoted(model._meta.db_table)}{condition}"  # noqa: S608


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
    return f"unnest({', '.join(_parameter(field) for field in fields)})"


def _parameter(field: Field) -> str:
    """Return where a column's parameter stands. Documents are split, which is half the work."""
    if isinstance(field, models.JSONField):
        return f"string_to_array(%s, chr({ord(_BETWEEN_DOCUMENTS)}), 'NULL')::jsonb[]"
    return f"%s::{_array_type(field)}"


_BETWEEN_DOCUMENTS = "\x1f"
"""In JSON a control character stands escaped, so this one never stands in a document."""


def _array_type(field: Field) -> str:
    """Return a column's type as an array, without its length or scale: a cast would cut silently
    what the column refuses.
    """
    kind = re.sub(r"\(.*\)", "", str(field.db_type(connections[DEFAULT_DB_ALIAS])))
    return f"{'text' if kind == 'varchar' else kind}[]"


def _quoted(name: str | None) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name or "")


# -- values ------------------------------------------------------------------------------------


def array_literal(field: Field, values: Sequence[Any]) -> str:
    """Return one column's values, converted by its field, as the text of an array."""
    if isinstance(field, models.JSONField):
        return _BETWEEN_DOCUMENTS.join(_document(field, value) for value in values)
    if (text := at_once(field, values)) is not None:
        return text
    kind, write = _as_it_is(field)
    database = connections[DEFAULT_DB_ALIAS]
    known, elements = dict[Any, str](), []
    for value in values:
        if value is None:
            elements.append("NULL")
        elif type(value) is kind:
            elements.append(write(value))
        else:
            if (text := known.get(value)) is None:
                text = known[value] = _element(field, value, database)
            elements.append(text)
    return "{" + ",".join(elements) + "}"


def _element(field: Field, value: Any, database: Any) -> str:
    prepared = field.get_db_prep_save(value, database)
    kind = type(prepared)
    for base in kind.__mro__:
        if base in _ELEMENTS:
            return _ELEMENTS[base](prepared)
    raise TypeError(f"{field}: a {kind.__name__} has no place in an array")


@cache
def _as_it_is(field: Field) -> tuple[type, Callable[[Any], str]]:
    """Return the type whose values the field's conversion leaves as they are, and their text."""
    target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
    kind = _LEFT_ALONE.get(type(target), _Nothing)
    return kind, _ELEMENTS.get(kind, str)


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _document(field: Field, value: Any) -> str:
    """Return a document; a Raw one is encoded already. It may be null, which is not NULL."""
    if value is None:
        return "NULL"
    if not isinstance(value, Raw):
        value = field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])
        value = msgspec.json.encode(value.obj)
    return bytes(value).decode()


_ELEMENTS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    UUID: lambda value: value.hex,
    bool: lambda value: "t" if value else "f",
    int: str,
    Decimal: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
}


class _Nothing:
    """What no value is."""


_LEFT_ALONE: Mapping[type[Field], type] = {
    models.UUIDField: UUID,
    models.CharField: str,
    models.TextField: str,
    models.BigIntegerField: int,
    models.PositiveSmallIntegerField: int,
    models.BooleanField: bool,
}


# -- the connection ----------------------------------------------------------------------------


class _Bound(psycopg.Cursor[Any]):
    """A cursor whose statements are planned once a session: parameters travel beside them."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "_Bound":
        return super().execute(query, params, **{"prepare": True, "binary": True, **options})


def _run(statement: str, rows: Collection[models.Model], fields: Sequence[Field]) -> int:
    """Execute a statement with a parameter per field; return the number of rows it wrote."""
    values = [vars(row) for row in rows]
    literals = [array_literal(each, list(map(itemgetter(each.attname), values))) for each in fields]
    return _execute(statement, literals, len(rows))


def _execute(statement: str, literals: Sequence[str], count: int) -> int:
    """Execute a statement that is to write count rows; return how many, count where it may wait."""
    if (block := block_here()) is not None:
        waiting = _cursor(statement)
        block.wrote(waiting, count, statement)
        waiting.execute(statement, literals)
        return count
    with _cursor(statement) as cursor:
        cursor.execute(statement, literals)
        return cursor.rowcount


def _cursor(statement: str) -> CursorWrapper:
    """Return a cursor for a statement, which counts as a query of the connection's."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    if connection.queries_logged:  # the ORM's own way would show the values, or nothing at all
        connection.queries_log.append({"sql": statement, "time": "0.000"})
    bound: Any = _Bound(connection.connection)
    return connection.make_cursor(bound)


def _row(model: type[R], names: Sequence[str], values: Sequence[Any]) -> R:
    """Return a row that was read, as Model.from_db does, without asking each field about it."""
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=True))
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def _are_there(rows: Iterable[models.Model]) -> None:
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
