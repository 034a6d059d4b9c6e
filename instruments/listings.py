"""Staff list instruments and correct them; every change is told in the instrument's stream."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from bengi.audit.services import head_of, name_of, note
from bengi.errors import Conflict, Malformed
from bengi.events.services import NewEvent, append
from bengi.money import MINOR_UNITS, plain
from bengi.terms import InstrumentStatus
from instruments.calendar import MICS
from instruments.halts import set_status
from instruments.models import Instrument

TOLD = ("symbol", "name", "mic", "type", "currency", "has_feed")
GRID = ("tick_size", "quantity_step", "exchange_step")
"""What orders at work and holdings stand on."""


@transaction.atomic
def list_instrument(values: dict[str, Any], *, by: AbstractBaseUser, now: datetime) -> Instrument:
    """Add an instrument; appends instrument.listed.

    Raises Malformed for steps that do not fit each other, Conflict already_listed for a symbol that
    its exchange has.
    """
    assert values["mic"] in MICS
    assert values["currency"] in MINOR_UNITS
    row = Instrument(**values | {"symbol": values["symbol"].upper()})
    _check_steps(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        detail = f"{row.mic} has {row.symbol} already."
        raise Conflict("already_listed", detail, field="symbol") from error
    _tell(row, "instrument.listed", by, now)
    return row


@transaction.atomic
def change_listing(
    instrument: Instrument,
    values: dict[str, Any],
    *,
    status: InstrumentStatus,
    by: AbstractBaseUser,
    now: datetime,
    reason: str = "",
) -> Instrument:
    """Make an instrument's name and grid those of values, and its status what is wanted.

    Appends instrument.changed, and what set_status() appends; said again it changes nothing. The
    caller has seen to it that nothing stands on the grid that does not fit the new one. Raises
    Conflict instrument_delisted where it is to be traded again after that.
    """
    assert set(values) == {"name", *GRID}
    row = Instrument.objects.select_for_update().get(id=instrument.id)
    if row.status == InstrumentStatus.DELISTED != status:
        raise Conflict("instrument_delisted", f"{row.symbol} is delisted for good.")
    changes = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changes.items():
        setattr(row, name, value)
    _check_steps(row)
    if changes:
        row.save(update_fields=list(changes))
        _tell(row, "instrument.changed", by, now)
    return set_status(row.id, status, by=by, now=now, reason=reason)


def listing_payload(row: Instrument) -> dict[str, Any]:
    """Return an instrument as the event log carries it, but for its status."""
    grid = {name: getattr(row, name) for name in GRID}
    return {
        **{name: getattr(row, name) for name in TOLD},
        **{name: None if value is None else plain(value) for name, value in grid.items()},
    }


def _tell(row: Instrument, event: str, by: AbstractBaseUser, now: datetime) -> None:
    listing = listing_payload(row)
    payload = {
        "instrument_id": str(row.id),
        "status": str(row.status),
        "listing": listing,
        "by": name_of(by),
    }
    heads = append([NewEvent(row.id, event, payload, now, subject=row.id)])
    target = f"instrument {row.id}"
    note(event, by=by, now=now, target=target, details=listing, event=head_of(heads, row.id))


def _check_steps(row: Instrument) -> None:
    exchange_step: Decimal | None = row.exchange_step
    if exchange_step is not None and exchange_step % row.quantity_step:
        detail = "The exchange's step is a multiple of the quantity step, or absent."
        raise Malformed("invalid_field", detail, field="exchange_step")
