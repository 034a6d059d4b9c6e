"""Corporate actions from a CSV file: all of its lines or none, and no line twice.

One header, then a line per action. external_id names the line for ever: a file may be imported
again, and a line that has been is skipped as long as it says the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.models import User
from bengi.csv_files import Line, read_lines
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
    lines = list(read_lines(path, COLUMNS, found.errors))
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


def _known(lines: list[Line]) -> dict[str, CorporateAction]:
    ids = {line.text("external_id") for line in lines}
    rows = CorporateAction.objects.filter(external_id__in=ids).select_related("instrument")
    return {row.external_id or "": row for row in rows}


def _proposals(lines: list[Line], errors: list[str]) -> Iterator[tuple[int, Proposal]]:
    """Yield the lines that can be read; note of the others why not."""
    symbols = {line.text("symbol").upper() for line in lines}
    listed = {(i.symbol, i.mic): i for i in Instrument.objects.filter(symbol__in=symbols)}
    for line in lines:
        before = len(errors)
        terms = _terms(line)
        key = line.text("symbol").upper(), line.text("mic").upper()
        if key not in listed:
            line.wrong("symbol", f"there is no {key[0]} at {key[1] or 'no exchange'}")
        if terms is not None and len(errors) == before:
            yield line.number, Proposal(listed[key], terms)


def _terms(line: Line) -> ActionTerms | None:
    """Return what the line says; None, with errors noted, where it cannot be read."""

    def day(name: str) -> date | None:
        return line.read(name, date.fromisoformat, "a date, YYYY-MM-DD")

    def number(name: str) -> Decimal | None:
        return line.read(name, parse_decimal, "a plain number of at most 8 places")

    ratio = line.read("ratio", _ratio, "new shares for old ones, as 7:1") or (None, None)
    kind = line.read("kind", CorporateActionKind, "split, reverse_split or cash_dividend")
    ex_date = day("ex_date")
    line.need("external_id", "; it keeps the line from counting twice")
    line.need("kind")
    line.need("ex_date")
    if kind is None or ex_date is None:
        return None
    return ActionTerms(
        kind=kind,
        ex_date=ex_date,
        ratio_to=ratio[0],
        ratio_from=ratio[1],
        cash_in_lieu_price=number("cash_in_lieu_price"),
        amount=number("amount"),
        currency=line.text("currency").upper(),
        withholding_rate=number("withholding_rate"),
        record_date=day("record_date"),
        pay_date=day("pay_date"),
        external_id=line.text("external_id"),
        note=line.text("note")[:200],
    )


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
