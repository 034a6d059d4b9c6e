"""Corporate actions from a CSV file: all of its lines or none, and no line twice.

One header, then a line per action. external_id names the line for ever: a file may be imported
again, and a line that has been is skipped as long as it says the same.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from accounts.models import User
from bengi.money import parse_decimal
from bengi.terms import CorporateActionKind
from instruments.models import CorporateAction, Instrument
from trades.corporate.proposals import Proposal, check_proposals, check_staff, propose_all
from trades.corporate.terms import ActionTerms

COLUMNS = (
    *("external_id", "symbol", "mic", "kind", "ratio", "cash_in_lieu_price"),
    *("amount", "currency", "withholding_rate", "ex_date", "record_date", "pay_date", "note"),
)
_COMPARED = tuple(ActionTerms.__dataclass_fields__)
Value = TypeVar("Value")


@dataclass(slots=True)
class Imported:
    """What became of a file. errors: one line of text each, with the line's number."""

    actions: list[CorporateAction] = field(default_factory=list)
    skipped: int = 0
    errors: list[str] = field(default_factory=list)


def import_actions(path: Path, by: User, *, now: datetime) -> Imported:
    """Propose every action of the file that is not there yet; nothing where a line is wrong.

    Raises Forbidden unless by is of staff.
    """
    check_staff(by)
    found = Imported()
    lines = list(_lines(path, found.errors))
    fresh: dict[int, Proposal] = {}
    known = _known(lines)
    for number, proposal in _proposals(lines, found.errors):
        before = known.get(proposal.terms.external_id or "")
        if before is None:
            fresh[number] = proposal
            continue
        found.skipped += 1
        found.errors += [
            f"line {number}: {name}: it was imported as {was or 'nothing'}"
            for name, was in _differences(before, proposal)
        ]
    proposals = list(fresh.values())
    for number, errors in zip(fresh, check_proposals(proposals, now), strict=True):
        found.errors += [f"line {number}: {error.field}: {error.detail}" for error in errors]
    if not found.errors:
        found.actions = propose_all(by, proposals, now=now)
    return found


Line = tuple[int, dict[str, str]]


def _lines(path: Path, errors: list[str]) -> Iterator[Line]:
    """Yield (line number, cells by name); note what is wrong with the file's form."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            if next(rows, None) != list(COLUMNS):
                errors.append(f"line 1: the columns must be {','.join(COLUMNS)}")
                return
            for cells in rows:
                if len(cells) == len(COLUMNS):
                    yield rows.line_num, dict(zip(COLUMNS, cells, strict=True))
                elif cells:
                    words = f"{len(cells)} cells instead of {len(COLUMNS)}"
                    errors.append(f"line {rows.line_num}: {words}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        errors.append(f"{path} cannot be read: {error}")


def _known(lines: list[Line]) -> dict[str, CorporateAction]:
    ids = {cells["external_id"].strip() for _, cells in lines}
    rows = CorporateAction.objects.filter(external_id__in=ids).select_related("instrument")
    return {row.external_id or "": row for row in rows}


def _proposals(lines: list[Line], errors: list[str]) -> Iterator[tuple[int, Proposal]]:
    """Yield the lines that can be read; note of the others why not."""
    symbols = {cells["symbol"].strip().upper() for _, cells in lines}
    listed = {(i.symbol, i.mic): i for i in Instrument.objects.filter(symbol__in=symbols)}
    for number, cells in lines:
        row = _Row(number, cells, [])
        key = cells["symbol"].strip().upper(), cells["mic"].strip().upper()
        terms = row.terms()
        if key not in listed:
            row.wrong("symbol", f"there is no {key[0]} at {key[1] or 'no exchange'}")
        errors += row.errors
        if terms is not None and not row.errors:
            yield number, Proposal(listed[key], terms)


@dataclass(slots=True)
class _Row:
    """One line as it is being read."""

    number: int
    cells: Mapping[str, str]
    errors: list[str]

    def terms(self) -> ActionTerms | None:
        """Return what the line says; None, with errors noted, where it cannot be read."""
        ratio = self.read("ratio", _ratio) or (None, None)
        kind = self.read("kind", CorporateActionKind, "split, reverse_split or cash_dividend")
        ex_date = self.read("ex_date", date.fromisoformat, "a date, YYYY-MM-DD")
        if not self.text("external_id"):
            self.wrong("external_id", "it is missing; it keeps the line from counting twice")
        for name, value in (("kind", kind), ("ex_date", ex_date)):
            if value is None and not self.text(name):
                self.wrong(name, "it is missing")
        if kind is None or ex_date is None:
            return None
        return ActionTerms(
            kind=kind,
            ex_date=ex_date,
            ratio_to=ratio[0],
            ratio_from=ratio[1],
            cash_in_lieu_price=self.number_in("cash_in_lieu_price"),
            amount=self.number_in("amount"),
            currency=self.text("currency").upper(),
            withholding_rate=self.number_in("withholding_rate"),
            record_date=self.read("record_date", date.fromisoformat, "a date, YYYY-MM-DD"),
            pay_date=self.read("pay_date", date.fromisoformat, "a date, YYYY-MM-DD"),
            external_id=self.text("external_id"),
            note=self.text("note")[:200],
        )

    def text(self, name: str) -> str:
        return self.cells[name].strip()

    def number_in(self, name: str) -> Decimal | None:
        return self.read(name, parse_decimal, "a plain number of at most 8 places")

    def read(self, name: str, parse: Callable[[str], Value], form: str = "") -> Value | None:
        """Return a cell's value, None where it is empty; note where it cannot be read."""
        text = self.text(name)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError:
            self.wrong(name, f"{text!r} is not {form or 'new shares for old ones, as 7:1'}")
            return None

    def wrong(self, name: str, detail: str) -> None:
        self.errors.append(f"line {self.number}: {name}: {detail}")


def _ratio(text: str) -> tuple[int, int]:
    new, old = text.split(":")
    if not (new.isascii() and new.isdigit() and old.isascii() and old.isdigit()):
        raise ValueError("not two whole numbers")
    return int(new), int(old)


def _differences(before: CorporateAction, proposal: Proposal) -> Iterator[tuple[str, Any]]:
    """Yield what an imported action says otherwise than its line says now."""
    if before.instrument_id != proposal.instrument.id:
        yield "symbol", before.instrument.symbol
    for name in _COMPARED:
        told, was = getattr(proposal.terms, name), getattr(before, name)
        is_left_open = name == "withholding_rate" and told is None
        if told != was and not is_left_open:
            yield name, was
