"""Instruments are halted, set going again and delisted by staff; the engine heeds it at once."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from bengi.access import require
from bengi.audit.services import Doer, head_of, name_of, note
from bengi.bus import NUDGE, get_bus
from bengi.errors import Conflict, Malformed, NotFound
from bengi.events.services import NewEvent, append
from bengi.terms import InstrumentStatus
from instruments.models import Instrument

_EVENTS = {
    InstrumentStatus.ACTIVE: "instrument.resumed",
    InstrumentStatus.HALTED: "instrument.halted",
    InstrumentStatus.DELISTED: "instrument.delisted",
}


HALT = "instruments.halt_instrument"
DELIST = "instruments.change_instrument"


@transaction.atomic
def change_status(
    instrument_id: UUID,
    status: InstrumentStatus,
    *,
    by: AbstractBaseUser | None,
    reason: str,
    now: datetime,
) -> bool:
    """Let staff halt, resume or delist an instrument, for a reason; False where it is so already.

    Delisted it stays. Raises Forbidden, Malformed without a reason, NotFound, and Conflict
    instrument_delisted.
    """
    require(by, DELIST if status == InstrumentStatus.DELISTED else HALT)
    if not reason.strip():
        raise Malformed("invalid_field", "Say why.", field="reason")
    instrument = Instrument.objects.select_for_update().filter(id=instrument_id).first()
    if instrument is None:
        raise NotFound
    if instrument.status == status:
        return False
    if instrument.status == InstrumentStatus.DELISTED:
        raise Conflict("instrument_delisted", f"{instrument.symbol} is delisted for good.")
    set_status(instrument_id, status, by=by, now=now, reason=reason.strip())
    return True


@transaction.atomic
def set_status(
    instrument_id: UUID, status: InstrumentStatus, *, by: Doer, now: datetime, reason: str = ""
) -> Instrument:
    """Say whether an instrument may be traded; said again it changes nothing.

    Appends an event to the instrument's stream and nudges its shard: while it is not active nobody
    may order it and nothing of it fills, not even what the engine has in hand. Open orders stay,
    and may be canceled. by: who says so, and reason: why, for the log.
    """
    instrument = Instrument.objects.select_for_update().get(id=instrument_id)
    if instrument.status == status:
        return instrument
    instrument.status = status
    instrument.save(update_fields=["status"])
    payload = {"instrument_id": str(instrument_id), "status": str(status), "by": name_of(by)}
    payload |= {"reason": reason} if reason else {}
    event = _EVENTS[InstrumentStatus(status)]
    heads = append([NewEvent(instrument_id, event, payload, now, subject=instrument_id)])
    if not isinstance(by, str):
        note(
            event,
            by=by,
            now=now,
            target=f"instrument {instrument_id}",
            details={"symbol": instrument.symbol, "mic": instrument.mic, "reason": reason},
            event=head_of(heads, instrument_id),
        )
    shard = instrument.shard
    transaction.on_commit(lambda: get_bus().publish(NUDGE, shard), robust=True)
    return instrument
