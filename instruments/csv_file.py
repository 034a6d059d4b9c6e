"""Instruments from a CSV file: all of its lines or none.

One header, then a line per instrument; the column of sectors may be absent. A symbol that its
exchange has already is corrected, where the line says otherwise; its currency cannot be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from bengi.csv_files import Line, read_lines
from bengi.money import MINOR_UNITS, parse_decimal
from bengi.terms import InstrumentType, Sector
from instruments.calendar import MICS
from instruments.listing import CORRECTABLE, LABELS, TERMS, list_instruments
from instruments.models import Instrument

COLUMNS = (
    *("symbol", "name", "mic", "type", "currency"),
    *("tick_size", "quantity_step", "exchange_step", "has_feed"),
)
MORE = ("sector",)
"""Columns that a file may have after those."""
Key = tuple[str, str]
Correct = Callable[..., Any]
"""trades.listings.correct_instruments(), which knows what stands on an instrument."""
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,15}")


@dataclass(slots=True)
class Imported:
    """What became of a file. errors: one line of text each, with the line's number."""

    listed: int = 0
    corrected: int = 0
    unchanged: int = 0
    errors: list[str] = field(default_factory=list)


@transaction.atomic
def import_file(
    path: Path,
    *,
    correct: Correct,
    by: AbstractBaseUser | None,
    now: datetime,
    is_dry_run: bool = False,
) -> Imported:
    """List and correct the file's instruments; nothing where a line is wrong, or on a dry run.

    correct: does the corrections, or raises why not. Raises Forbidden, and what correct() does. A
    fixed number of statements.
    """
    found = Imported()
    wanted = _read(path, found.errors)
    rows = Instrument.objects.filter(symbol__in={symbol for symbol, _ in wanted})
    known = {(row.symbol, row.mic): row for row in rows}
    fresh, changes = [], {}
    for key, (number, values) in wanted.items():
        row = known.get(key)
        if row is None:
            fresh.append(values)
        elif row.currency != values["currency"]:
            found.errors.append(f"line {number}: currency: it is {row.currency} for good")
        else:
            told = {name: values[name] for name in (*CORRECTABLE, *LABELS) if name in values}
            if any(getattr(row, name) != value for name, value in told.items()):
                changes[row.id] = told
    if found.errors:
        return found
    found.listed, found.corrected = len(fresh), len(changes)
    found.unchanged = len(wanted) - len(fresh) - len(changes)
    if not is_dry_run:
        if fresh:
            list_instruments(fresh, by=by, now=now)
        if changes:
            correct(changes, by=by, now=now)
    return found


def _read(path: Path, errors: list[str]) -> dict[Key, tuple[int, dict[str, Any]]]:
    """Return (line number, values) by symbol and exchange; note what is wrong with the others."""
    wanted: dict[Key, tuple[int, dict[str, Any]]] = {}
    for line in read_lines(path, COLUMNS, errors, more=MORE):
        values = _values(line)
        if values is None:
            continue
        key = values["symbol"], values["mic"]
        if key in wanted:
            line.wrong("symbol", f"line {wanted[key][0]} has it already")
        wanted.setdefault(key, (line.number, values))
    return wanted


def _values(line: Line) -> dict[str, Any] | None:
    """Return what the line says; None, with errors noted, where it cannot be read."""
    before = len(line.errors)
    for name in COLUMNS:
        if name != "exchange_step":
            line.need(name)
    read: dict[str, Any] = {
        "symbol": line.read("symbol", _symbol, "1 to 16 letters, digits, dots and hyphens"),
        "name": line.read("name", _name, "a name of at most 120 characters"),
        "mic": line.read("mic", _one_of(MICS), f"one of {', '.join(MICS)}"),
        "type": line.read("type", InstrumentType, f"one of {', '.join(InstrumentType)}"),
        "currency": line.read("currency", _one_of(MINOR_UNITS), "a currency that is known"),
        "tick_size": line.read("tick_size", _step, "a number above zero"),
        "quantity_step": line.read("quantity_step", _step, "a number above zero"),
        "exchange_step": line.read("exchange_step", _step, "a number above zero"),
        "has_feed": line.read("has_feed", _yes_or_no, "yes or no"),
    }
    assert tuple(sorted(read)) == tuple(sorted(TERMS))
    if "sector" in line.cells:
        known = f"empty or one of {', '.join(Sector)}"
        read["sector"] = line.read("sector", lambda text: Sector(text.lower()), known) or ""
    step, finer = read["exchange_step"], read["quantity_step"]
    if step is not None and finer is not None and step < finer:
        line.wrong("exchange_step", "it is finer than quantity_step")
    return read if len(line.errors) == before else None


def _symbol(text: str) -> str:
    if not _SYMBOL.fullmatch(text.upper()):
        raise ValueError("no symbol")
    return text.upper()


def _name(text: str) -> str:
    if len(text) > 120:
        raise ValueError("too long")
    return text


def _one_of(known: Any) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.upper() not in known:
            raise ValueError("not known")
        return text.upper()

    return parse


def _step(text: str) -> Decimal:
    step = parse_decimal(text)
    if not step:
        raise ValueError("zero")
    return step


def _yes_or_no(text: str) -> bool:
    if text.lower() not in {"yes", "no"}:
        raise ValueError("neither")
    return text.lower() == "yes"
