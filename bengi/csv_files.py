"""Files for spreadsheets: plain CSV, in which no cell is taken for a formula; and files of staff.

What cannot be read of a file is told line by line: "line 3: name: why".
"""

import contextlib
import csv
import io
import itertools
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet begins a formula with. Source: OWASP, CSV injection."""

LINES_MAX = 5_000
"""Lines of a file that is read."""

KEPT_BYTES_MAX = 256 * 1024
"""Bytes of a written file that are kept in memory; of a longer one all is on the disk."""
BLOCK_BYTES = 64 * 1024

Value = TypeVar("Value")
_TYPE = "text/csv; charset=utf-8"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a header and one line per row, lines ended as in RFC 4180; None is an empty cell."""
    return "".join(csv_lines(columns, rows))


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what csv_text() returns, line by line: rows are taken one at a time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for cells in itertools.chain([columns], _cells(columns, rows)):
        writer.writerow(cells)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _cells(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [harmless(_written(row[name])) for name in columns]


def harmless(cell: str) -> str:
    """Return the cell so that a spreadsheet reads it as text, or as the number it is."""
    if cell.startswith(FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def csv_file(text: str, name: str) -> HttpResponse:
    """Return the text as a file to be saved as name.csv."""
    file = HttpResponse(text, content_type=_TYPE)
    _name(file, name)
    return file


class WrittenFile(FileResponse):
    """A file that has been written to its end before it is sent, by an asynchronous server too."""

    block_size = BLOCK_BYTES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks: Iterator[bytes] = iter(self)
        while block := await sync_to_async(lambda: next(blocks, b""))():
            yield block


def written(lines: Iterable[str]) -> IO[bytes]:
    """Write the lines to a file without a name, which goes when it is closed; return it.

    More than KEPT_BYTES_MAX of it are on the disk: who gives the lines says how many there are at
    most, so that there is an end to it.
    """
    file: Any = tempfile.SpooledTemporaryFile(KEPT_BYTES_MAX)  # noqa: SIM115 - it is returned
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(file.close)
        file.writelines(line.encode() for line in lines)
        file.seek(0)
        on_failure.pop_all()
    return cast(IO[bytes], file)


def csv_of_file(file: IO[bytes], name: str) -> WrittenFile:
    """Return a written file as one to be saved as name.csv.

    It may be read as slowly as somebody likes: the thread's connection to the database goes back
    before, unless a transaction of the caller's has it.
    """
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    answer = WrittenFile(file, content_type=_TYPE)
    _name(answer, name)
    return answer


def _name(file: HttpResponseBase, name: str) -> None:
    file["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    file["Vary"] = "Accept"


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@dataclass(slots=True)
class Line:
    """One line of a file as it is being read: its cells by name; errors are those of the file."""

    number: int
    cells: Mapping[str, str]
    errors: list[str]

    def text(self, name: str) -> str:
        """Return a cell without the blanks around it."""
        return self.cells[name].strip()

    def read(self, name: str, parse: Callable[[str], Value], form: str) -> Value | None:
        """Return a cell's value, None where it is empty; note where it is not of its form."""
        text = self.text(name)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError:
            self.wrong(name, f"{text!r} is not {form}")
            return None

    def need(self, name: str, why: str = "") -> None:
        """Note where a cell is empty."""
        if not self.text(name):
            self.wrong(name, f"it is missing{why}")

    def wrong(self, name: str, detail: str) -> None:
        """Note what is wrong with a cell."""
        self.errors.append(f"line {self.number}: {name}: {detail}")


def read_lines(
    path: Path, columns: Sequence[str], errors: list[str], *, more: Sequence[str] = ()
) -> Iterator[Line]:
    """Yield the lines after the header; note in errors what is wrong with the file's form.

    The columns may have more after them, all of those. Lines without a cell are passed over.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, None)
            if more and header == [*columns, *more]:
                columns = header
            if header != list(columns):
                errors.append(f"line 1: the columns must be {','.join(columns)}")
                return
            for count, cells in enumerate(rows, start=1):
                if count > LINES_MAX:
                    errors.append(f"line {rows.line_num}: more than {LINES_MAX} lines")
                    return
                if len(cells) == len(columns):
                    yield Line(rows.line_num, dict(zip(columns, cells, strict=True)), errors)
                elif cells:
                    words = f"{len(cells)} cells instead of {len(columns)}"
                    errors.append(f"line {rows.line_num}: {words}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        errors.append(f"{path} cannot be read: {error}")
