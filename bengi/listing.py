"""Lists as their readers want them: in an order they choose, in pages, or as one CSV file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from rest_framework.response import Response

from bengi.csv_files import csv_file, csv_text
from bengi.errors import Malformed
from bengi.inputs import ApiRequest, WordField
from bengi.pagination import PageInput, page
from bengi.sentences import sentence

Row = TypeVar("Row", bound=Model)
Shape = dict[str, Any]

FILE_ROWS_MAX = 10_000


class OrderingField(WordField):
    """The name of an order, with - in front the other way round; its value is the columns.

    orders: the columns of each, unique together and never null, so that a cursor stays good while
    rows are added. A row whose columns change between two pages may come twice, or not at all.
    """

    def __init__(self, orders: Mapping[str, Sequence[str]], *, default: str) -> None:
        words = [sign + name for name in orders for sign in ("", "-")]
        self.orders, self.default_word = orders, default
        super().__init__(words, default=self._columns(default))

    def to_internal_value(self, data: Any) -> Any:
        return self._columns(super().to_internal_value(data))

    def _columns(self, word: str) -> tuple[str, ...]:
        sign = "-" if word.startswith("-") else ""
        return tuple(sign + column for column in self.orders[word.lstrip("-")])


class FileInput(PageInput):
    """A list that can be had as a file: all of it then, so that limit and cursor have no place."""

    format = WordField(("json", "csv"), default=None)


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a list looks as a file: its name, its columns, and the lines that one shape makes."""

    name: str
    columns: Sequence[str]
    lines: Callable[[Shape], Iterable[Shape]] = lambda shape: (shape,)

    def answer(self, shapes: Iterable[Shape]) -> HttpResponse:
        """Return the file of some shapes."""
        lines = [line for shape in shapes for line in self.lines(shape)]
        return csv_file(csv_text(self.columns, lines), self.name)


def answer(
    request: ApiRequest,
    rows: QuerySet[Row],
    query: Mapping[str, Any],
    *,
    shape: Callable[[Row], Shape],
    form: CsvForm | None = None,
) -> Response | HttpResponse:
    """Return the page of rows that query asks for, or all of them as a file.

    query holds what a PageInput or FileInput with an ordering has read. Raises Malformed for a
    cursor of another list or order, and for a file of more than FILE_ROWS_MAX rows.
    """
    by = query["ordering"]
    if form is not None and wants_csv(request, query):
        return form.answer(shape(row) for row in _all_of(request, rows.order_by(*by)))
    limit, cursor = query["limit"], query["cursor"]
    return Response(page(rows, by=by, limit=limit, cursor=cursor, shape=shape))


def in_days(rows: QuerySet[Row], column: str, query: Mapping[str, Any]) -> QuerySet[Row]:
    """Return the rows whose column, a time, is in the days that a DaysInput has read."""
    if query["from"] is not None:
        rows = rows.filter(**{f"{column}__gte": midnight(query["from"])})
    if query["to"] is not None:
        rows = rows.filter(**{f"{column}__lt": midnight(query["to"] + timedelta(days=1))})
    return rows


def midnight(day: date) -> datetime:
    """Return when a day begins in UTC."""
    return datetime.combine(day, time(), UTC)


def wants_csv(request: ApiRequest, query: Mapping[str, Any]) -> bool:
    """Say whether a file is wanted: format says so, or, without it, the first type of Accept."""
    if query["format"] is not None:
        return bool(query["format"] == "csv")
    ranges = [part.split(";") for part in request.headers.get("Accept", "").split(",")]
    types = [kind.strip().lower() for kind, *parameters in ranges if not _is_refused(parameters)]
    return next((kind for kind in types if kind in _KNOWN), "") == "text/csv"


_KNOWN = frozenset({"text/csv", "application/json", "*/*"})


def _is_refused(parameters: Sequence[str]) -> bool:
    """Say whether a range of Accept is one that is not wanted at all: its q is 0."""
    return any(each.strip().lower().rstrip(".0") == "q=" for each in parameters)


def _all_of(request: ApiRequest, rows: QuerySet[Row]) -> list[Row]:
    for name in ("limit", "cursor"):
        if name in request.query_params:
            raise Malformed("invalid_parameter", "A file has no pages.", field=name)
    found = list(rows[: FILE_ROWS_MAX + 1])
    if len(found) > FILE_ROWS_MAX:
        detail = sentence("More than {most} rows; ask for fewer.", most=FILE_ROWS_MAX)
        raise Malformed("invalid_parameter", detail, field="format", limit=FILE_ROWS_MAX)
    return found
