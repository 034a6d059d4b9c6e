"""Instruments are listed and corrected by staff, each time with an event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from bengi.access import require
from bengi.audit.services import Note, note_all, seqs_of
from bengi.errors import Conflict, Malformed, NotFound
from bengi.events.services import NewEvent, append
from bengi.money import plain
from instruments.models import Instrument
from instruments.services import shard_of

FIXED = ("symbol", "mic", "currency")
"""For good: orders, bars and money hang on them."""
CORRECTABLE = ("name", "type", "tick_size", "quantity_step", "exchange_step", "has_feed")
TERMS = (*FIXED, *CORRECTABLE)
LABELS = ("sector",)
"""What may be said of an instrument and need not: nothing is traded by it."""
GRID = ("tick_size", "quantity_step", "exchange_step")
"""What orders at work and holdings stand on."""

Values = Mapping[str, Any]


def list_instrument(values: Values, *, by: AbstractBaseUser | None, now: datetime) -> Instrument:
    """Add an instrument, active. values: every one of TERMS, and LABELS where they are known.

    Raises Forbidden, Malformed for steps that do not fit each other, and Conflict already_listed
    where its exchange has the symbol already.
    """
    (made,) = list_instruments([values], by=by, now=now)
    return made


@transaction.atomic
def list_instruments(
    values: Sequence[Values], *, by: AbstractBaseUser | None, now: datetime
) -> list[Instrument]:
    """Add instruments, all or none; as list_instrument(), in a fixed number of statements."""
    require(by, "instruments.add_instrument")
    rows = [
        Instrument(
            **{name: each[name] for name in TERMS},
            **{name: each[name] for name in LABELS if name in each},
            shard=shard_of(each["symbol"], each["mic"]),
        )
        for each in values
    ]
    for row in rows:
        _check_steps(row)
    try:
        with transaction.atomic():
            Instrument.objects.bulk_create(rows)
    except IntegrityError as error:
        detail = "Its exchange has an instrument of that symbol already."
        raise Conflict("already_listed", detail, field="symbol") from error
    _log(rows, "instrument.listed", by, now)
    return rows


@transaction.atomic
def correct_instruments(
    changes: Mapping[UUID, Values], *, by: AbstractBaseUser | None, now: datetime
) -> list[Instrument]:
    """Correct instruments and return those that were otherwise; a fixed number of statements.

    changes: some of CORRECTABLE and LABELS each. Counts for orders that come in from now on. The
    caller has seen to it that nothing stands on the grid that does not fit the new one
    (trades/listings.py). Raises Forbidden, NotFound, and Malformed for steps that do not fit each
    other.
    """
    require(by, "instruments.change_instrument")
    rows = Instrument.objects.select_for_update(no_key=True).filter(id__in=changes).order_by("id")
    found = {row.id: row for row in rows}
    if found.keys() != changes.keys():
        raise NotFound
    changed = []
    for key, values in changes.items():
        assert set(values) <= {*CORRECTABLE, *LABELS}
        row = found[key]
        if any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            _check_steps(row)
            changed.append(row)
    if changed:
        Instrument.objects.bulk_update(changed, [*CORRECTABLE, *LABELS])
        _log(changed, "instrument.corrected", by, now)
    return changed


def instrument_payload(row: Instrument) -> dict[str, Any]:
    """Return an instrument's terms as the event log carries them, with the labels it has."""
    told = {name: getattr(row, name) for name in (*TERMS, *LABELS)}
    told = {name: value for name, value in told.items() if name in TERMS or value}
    plains = {k: plain(v) if isinstance(v, Decimal) else v for k, v in told.items()}
    return plains | {"type": str(row.type)}


def _log(
    rows: Sequence[Instrument], event: str, by: AbstractBaseUser | None, now: datetime
) -> None:
    """Tell the instruments' streams and the audit log."""
    events = [
        NewEvent(
            row.id,
            event,
            {
                "instrument_id": str(row.id),
                "status": str(row.status),
                "terms": instrument_payload(row),
            },
            now,
            subject=row.id,
        )
        for row in rows
    ]
    notes = [
        Note(event, f"instrument {row.id}", instrument_payload(row), seq)
        for row, seq in zip(rows, seqs_of(events, append(events)), strict=True)
    ]
    note_all(notes, by=by, now=now)


def _check_steps(row: Instrument) -> None:
    exchange_step: Decimal | None = row.exchange_step
    if exchange_step is not None and exchange_step % row.quantity_step:
        detail = "The exchange's step is a multiple of the quantity step, or absent."
        raise Malformed("invalid_field", detail, field="exchange_step")
