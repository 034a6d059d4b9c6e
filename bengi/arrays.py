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

from bengi.ahead import ask, block_here
from bengi.fields import ExactField, ValueField, exact
from bengi.literals import at_once

Field = models.Field
R = TypeVar("R", bound=models.Model)


def insert_values(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of values; see bulk.insert_values."""
    statement, columns = _insertion(model)
    values = dict(zip(names, zip(*rows, strict=True), strict=True))
    _execute(statement, [column.literal(values[name]) for name, column in columns])


def insert(model: type[models.Model], rows: Collection[models.Model]) -> None:
    """Insert rows; see bulk.insert_rows."""
    statement, columns = _insertion(model)
    _execute(statement, _literals(rows, columns))
    _are_there(rows)


def update(model: type[models.Model], rows: Collection[models.Model], names: Sequence[str]) -> None:
    """Write the named fields of rows, each of which is there: else an assertion fails."""
    statement, columns = _changing(model, tuple(names))
    _execute(statement, _literals(rows, columns), model, len(rows))


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
    literals = [_column(field).literal(each) for field, each in zip(fields, columns, strict=True)]
    statement = _select_statement(model, fields, where) + rest
    found: list[R] = []
    ask(_cursor(statement), statement, literals, lambda rows: found.extend(rows_of(model, rows)))
    return found


def ask_values(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return what a statement selects; see select()."""
    found: list[tuple[Any, ...]] = []
    ask(_cursor(statement), statement, params, found.extend)
    return found


def rows_of(model: type[R], found: Iterable[Sequence[Any]]) -> list[R]:
    """Return rows that were read in binary, all columns_of() them, as Model.from_db does, without
    asking each field about each value.
    """
    names = [field.attname for field in model._meta.concrete_fields]
    rows = []
    for values in found:
        row = model.__new__(model)
        row.__dict__.update(zip(names, values, strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        rows.append(row)
    return rows


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
def _insertion(model: type[models.Model]) -> tuple[str, tuple[tuple[str, "_Column"], ...]]:
    """Return what inserts rows: the statement, and by attribute how its parameters are written."""
    fields = _all_fields(model)
    return _insert_statement(model, fields), _columns(fields)


@cache
def _changing(
    model: type[models.Model], names: tuple[str, ...]
) -> tuple[str, tuple[tuple[str, "_Column"], ...]]:
    """Return what updates rows by their keys, as _insertion() does."""
    fields = _fields(model, (model._meta.pk.name, *names))
    return _update_statement(model, fields), _columns(fields)


def _columns(fields: Iterable[Field]) -> tuple[tuple[str, "_Column"], ...]:
    return tuple((field.attname, _column(field)) for field in fields)


@cache
def columns_of(model: type[models.Model]) -> str:
    """Return a model's columns as a statement selects them, in the order of its fields."""
    table = _quoted(model._meta.db_table)
    return ", ".join(f"{table}.{_quoted(f.column)}" for f in model._meta.concrete_fields)


def _listed(fields: Iterable[Field]) -> str:
    return ", ".join(_quoted(field.column) for field in fields)


def _insert_statement(model: type[models.Model], fields: tuple[Field, ...]) -> str:
    table = _quoted(model._meta.db_table)
    return f"INSERT INTO {table} ({_listed(fields)}) SELECT * FROM {_unnest(fields)}"  # noqa: S608


@cache
def _select_statement(model: type[models.Model], fields: tuple[Field, ...], where: str) -> str:
    names, keys = columns_of(model), _listed(fields)
    conditions = [f"({keys}) IN (SELECT * FROM {_unnest(fields)})"] if fields else []  # noqa: S608
    conditions += [where] if where else []
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {names} FROM {_quoted(model._meta.db_table)}{condition}"  # noqa: S608


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


class _Column:
    """How a column's values become the text of an array, each converted by its field."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._kind, self._write = _as_it_is(field)
        self._known: dict[tuple[type, Any], str] = {}

    def literal(self, values: Sequence[Any]) -> str:
        """Return the values as one parameter."""
        if isinstance(self._field, models.JSONField):
            return _BETWEEN_DOCUMENTS.join(map(_document, values))
        if (text := at_once(self._field, values)) is not None:
            return text
        kind, write, known = self._kind, self._write, self._known
        elements = []
        for value in values:
            if value is None:
                elements.append("NULL")
            elif type(value) is kind:
                elements.append(write(value))
            else:
                written = known.get((type(value), value))
                elements.append(self._converted(value) if written is None else written)
        return "{" + ",".join(elements) + "}"

    def _converted(self, value: Any) -> str:
        """Return a value's text, and keep it: a status, a price, a moment comes again and again."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        text = _element(self._field, value, connections[DEFAULT_DB_ALIAS])
        self._known[type(value), value] = text
        return text


_column = cache(_Column)
KNOWN_MAX = 2_000
"""Texts that a column keeps."""


def array_of(values: Iterable[UUID | str]) -> str:
    """Return values that no field has to convert as the text of an array; the driver takes longer
    to make one of a list than PostgreSQL to read it.
    """
    return "{" + ",".join([_ELEMENTS[type(value)](value) for value in values]) + "}"


def _element(field: Field, value: Any, database: Any) -> str:
    prepared = field.get_db_prep_save(value, database)
    kind = type(prepared)
    for base in kind.__mro__:
        if base in _ELEMENTS:
            return _ELEMENTS[base](prepared)
    raise TypeError(f"{field}: a {kind.__name__} has no place in an array")


@cache
def _as_it_is(field: Field) -> tuple[type, Callable[[Any], str]]:
    """Return the type whose values need no more of the field's conversion than their text."""
    target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, ExactField) and not isinstance(target, ValueField):
        return Decimal, _decimal
    kind = _LEFT_ALONE.get(type(target), _Nothing)
    return kind, _ELEMENTS.get(kind, str)


def _decimal(value: Decimal) -> str:
    return str(exact(value))


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _document(value: Any) -> str:
    """Return a document; a Raw one is encoded already. It may be null, which is not NULL."""
    if value is None:
        return "NULL"
    return bytes(value if isinstance(value, Raw) else msgspec.json.encode(value)).decode()


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


def _literals(rows: Iterable[models.Model], columns: Iterable[tuple[str, _Column]]) -> list[str]:
    """Return a parameter per column."""
    values = [vars(row) for row in rows]
    return [column.literal(list(map(itemgetter(name), values))) for name, column in columns]


def _execute(
    statement: str,
    literals: Sequence[str],
    of: type[models.Model] | None = None,
    count: int = 0,
) -> None:
    cursor = _cursor(statement)
    if (block := block_here()) is not None:
        block.wrote(cursor, count if of else None, f"rows of {of.__name__}" if of else "")
        cursor.execute(statement, literals)
        return
    with cursor:
        cursor.execute(statement, literals)
        written = cursor.rowcount
    if of is not None:
        assert written == count, f"{written} of {count} rows of {of.__name__} are there"


def _cursor(statement: str) -> CursorWrapper:
    """Return a cursor for a statement, which counts as a query of the connection's."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    if connection.queries_logged:  # the ORM's own way would show the values, or nothing at all
        connection.queries_log.append({"sql": statement, "time": "0.000"})
    bound: Any = _Bound(connection.connection)
    return connection.make_cursor(bound)


def _are_there(rows: Iterable[models.Model]) -> None:
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
