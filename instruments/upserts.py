"""Quotes and bars written in sets: one statement each, the same on SQLite and PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from instruments.bars import NUMBERS, BarValue
from instruments.models import Bar, Quote
from instruments.quotes import Tick

_QUOTE_FIELDS = (
    *("bid", "ask", "bid_size", "ask_size", "last", "day_open", "day_high", "day_low"),
    *("day_volume", "previous_close", "as_of", "source"),
)
_BAR_KEY = ("instrument", "interval", "starts_at")
_BAR_FIELDS = (*_BAR_KEY, *NUMBERS)


def upsert_quotes(ticks: Sequence[Tick]) -> None:
    """Store each instrument's tick as its quote, unless the table holds a newer as_of."""
    columns = _columns(Quote, ("instrument", *_QUOTE_FIELDS))
    table = _name(Quote._meta.db_table)
    assignments = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    newer = f"excluded.{_name('as_of')} >= {table}.{_name('as_of')}"
    _insert(
        Quote,
        ("instrument", *_QUOTE_FIELDS),
        [_quote_row(tick) for tick in ticks],
        f"ON CONFLICT ({columns[0]}) DO UPDATE SET {assignments} WHERE {newer}",
    )


def grow_bars(bars: Sequence[BarValue]) -> None:
    """Add each bar to the stored one of its interval: open stays, high and low widen, volume adds.

    So a bar begun before a restart is continued, whoever began it.
    """
    table = _name(Bar._meta.db_table)
    high, low, close, volume = _columns(Bar, ("high", "low", "close", "volume"))
    _insert(
        Bar,
        _BAR_FIELDS,
        [_bar_row(bar) for bar in bars],
        f"ON CONFLICT ({', '.join(_columns(Bar, _BAR_KEY))}) DO UPDATE SET "
        f"{high} = CASE WHEN excluded.{high} > {table}.{high} "
        f"THEN excluded.{high} ELSE {table}.{high} END, "
        f"{low} = CASE WHEN excluded.{low} < {table}.{low} "
        f"THEN excluded.{low} ELSE {table}.{low} END, "
        f"{close} = excluded.{close}, {volume} = {table}.{volume} + excluded.{volume}",
    )


def insert_bars(bars: Sequence[BarValue]) -> None:
    """Store past bars; where a bar stands already, it stays as it is."""
    key = ", ".join(_columns(Bar, _BAR_KEY))
    _insert(Bar, _BAR_FIELDS, [_bar_row(bar) for bar in bars], f"ON CONFLICT ({key}) DO NOTHING")


def overwrite_bars(bars: Sequence[BarValue]) -> None:
    """Store bars over those that stand at their places."""
    values = _columns(Bar, NUMBERS)
    assignments = ", ".join(f"{column} = excluded.{column}" for column in values)
    key = ", ".join(_columns(Bar, _BAR_KEY))
    _insert(
        Bar,
        _BAR_FIELDS,
        [_bar_row(bar) for bar in bars],
        f"ON CONFLICT ({key}) DO UPDATE SET {assignments}",
    )


def _insert(
    model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]], conflict: str
) -> None:
    if not rows:
        return
    sql = (
        f"INSERT INTO {_name(model._meta.db_table)} ({', '.join(_columns(model, names))}) "  # noqa: S608 - names from models only
        f"VALUES ({', '.join(['%s'] * len(names))}) {conflict}"
    )
    columns = [
        _prepared(field, column)
        for field, column in zip(_fields(model, names), zip(*rows, strict=True), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, list(zip(*columns, strict=True)))


def _prepared(field: Any, column: Sequence[Any]) -> list[Any]:
    """Return a column's values as the database takes them; equal values are converted once."""
    known = {value: field.get_db_prep_save(value, connection) for value in set(column)}
    return [known[value] for value in column]


def _quote_row(tick: Tick) -> tuple[Any, ...]:
    return (
        *(tick.instrument_id, tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.last),
        *(tick.day_open, tick.day_high, tick.day_low, tick.volume, tick.previous_close),
        *(tick.as_of, tick.source),
    )


def _bar_row(bar: BarValue) -> tuple[Any, ...]:
    return (
        *(bar.instrument_id, bar.interval, bar.starts_at),
        *(bar.open, bar.high, bar.low, bar.close, bar.volume),
    )


def _columns(model: type[models.Model], names: Sequence[str]) -> list[str]:
    return [_name(str(field.column)) for field in _fields(model, names)]


def _fields(model: type[models.Model], names: Sequence[str]) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


def _name(identifier: str) -> str:
    return connection.ops.quote_name(identifier)
