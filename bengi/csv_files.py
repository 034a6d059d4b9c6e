"""Files for spreadsheets: plain CSV, in which no cell is taken for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet begins a formula with. Source: OWASP, CSV injection."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a header and one line per row, lines ended as in RFC 4180; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(_written(row[name])) for name in columns])
    return text.getvalue()


def harmless(cell: str) -> str:
    """Return the cell so that a spreadsheet reads it as text, or as the number it is."""
    if cell.startswith(FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def csv_file(text: str, name: str) -> HttpResponse:
    """Return the text as a file to be saved as name.csv."""
    file = HttpResponse(text, content_type="text/csv; charset=utf-8")
    file["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    file["Vary"] = "Accept"
    return file


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
