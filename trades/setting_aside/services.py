"""Set a message aside: write down what it was, do what can be done about it, tell staff.

What becomes of it:

    tick              dropped; the third of an instrument within a minute halts the instrument
    order             closed with its group, code processing_failed: rejected, or canceled when it
                      was at work; where that fails too it stays as it is, with what it holds
    cancel, replace   stay asked for
    turn              of a session: the instrument that keeps it from being made is halted
    expiry            the order stays open; its instrument is halted, so that it fills no more
    corporate action  stays approved; a split's instrument is halted
"""

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from bengi.audit.services import note
from bengi.bus import NUDGE, get_bus
from bengi.realtime.publish import publish
from bengi.terms import (
    InstrumentStatus,
    MessageKind,
    OrderStatus,
    SetAsideOutcome,
    SetAsideStatus,
)
from instruments.halts import set_status
from instruments.models import CorporateAction, Instrument
from instruments.quotes import Tick
from orders import lifecycle
from orders.models import Order
from trades.booking import book
from trades.claiming import claim
from trades.decisions import Decision, SeenQuote
from trades.matching.outcomes import DETAILS, Canceled, Rejected
from trades.models import SetAside
from trades.setting_aside.culprits import PASSING, Unrestorable, Unturned

log = logging.getLogger(__name__)

CODE = "processing_failed"
TICKS_THAT_HALT = 3
A_WHILE = timedelta(minutes=1)
_NOTHING = SeenQuote(None, None, None)


@dataclass(frozen=True, slots=True)
class Failure:
    """What was met, how often, and since when."""

    error: str
    trace: str
    tries: int
    since: datetime

    @classmethod
    def of(cls, error: BaseException, tries: int, since: datetime) -> "Failure":
        lines = traceback.format_exception(error)
        if isinstance(error, Unrestorable | Unturned) and error.__cause__ is not None:
            error = error.__cause__
        return cls(f"{type(error).__name__}: {error}"[:300], "".join(lines)[-8000:], tries, since)


def set_tick_aside(tick: Tick, failure: Failure, *, now: datetime) -> SetAside:
    """Note a tick that is dropped; halt its instrument when it is not the first one by far."""
    what = {name: str(value) for name, value in msgspec.structs.asdict(tick).items()}
    instrument = Instrument.objects.get(id=tick.instrument_id)
    return drop_ticks(instrument, failure, what, now=now)


@transaction.atomic
def halt_for_turn(
    instruments: QuerySet[Instrument], failure: Failure, *, now: datetime
) -> list[SetAside]:
    """Halt the instruments that keep the session of an exchange from beginning or ending."""
    rows = []
    for instrument in instruments.distinct().order_by("id"):
        row = _row(MessageKind.TURN, instrument.id, instrument, failure, now)
        row.outcome = SetAsideOutcome.DROPPED
        _halt(row, now)
        rows.append(_save(row))
    return rows


@transaction.atomic
def drop_ticks(
    instrument: Instrument,
    failure: Failure,
    what: dict[str, Any],
    *,
    now: datetime,
    halts: bool = False,
) -> SetAside:
    """Note that what was heard of an instrument is dropped, and halt it when that goes on."""
    row = _row(MessageKind.TICK, instrument.id, instrument, failure, now)
    row.what, row.outcome = what, SetAsideOutcome.DROPPED
    lately = SetAside.objects.filter(
        kind=MessageKind.TICK, instrument=instrument, last_at__gt=now - A_WHILE
    )
    if halts or lately.count() + 1 >= TICKS_THAT_HALT:
        _halt(row, now)
    return _save(row)


def set_request_aside(
    kind: MessageKind, order_id: UUID, failure: Failure, *, now: datetime
) -> SetAside:
    """Note what was asked of an order and cannot be done; it stays asked for."""
    order = Order.objects.select_related("instrument").get(id=order_id)
    with transaction.atomic():
        row = _of_order(kind, order, failure, now)
        if kind == MessageKind.EXPIRY:
            _halt(row, now)
        return _save(row)


def set_order_aside(order_id: UUID, failure: Failure, *, now: datetime) -> SetAside:
    """Close an order that cannot be worked, with its group, and note it.

    It is noted first, so that it is worked no more even where closing it ends the process. Where
    closing fails it stays open with what it holds, and the row says so.
    """
    order = Order.objects.select_related("instrument").get(id=order_id)
    row = _save(_of_order(MessageKind.ORDER, order, failure, now))
    try:
        with transaction.atomic():
            heads = _close(order, now)
            row.outcome = SetAsideOutcome.CLOSED
            row.save(update_fields=["outcome"])
    except PASSING:
        raise
    except Exception:
        log.exception("order %s cannot be closed either; it keeps what it holds", order_id)
        row.outcome = SetAsideOutcome.WAITING
    else:
        publish(heads)
    return row


def set_action_aside(action: CorporateAction, row: SetAside, *, now: datetime) -> None:
    """Note that a corporate action is tried no more; a split's instrument is halted.

    Its price would be of new shares and its holdings of old ones. A dividend's holders are those of
    its ex-date whenever it is applied, so trading goes on.
    """
    row.status = SetAsideStatus.SET_ASIDE
    if action.is_split:
        _halt(row, now)
    _save(row)


@transaction.atomic
def release(row_id: UUID, by: User, *, now: datetime) -> SetAside:
    """Let what was set aside be tried again, by its engine's next look; said again, nothing.

    A tick is gone, and an order that was closed stays so. A halt stays until staff lift it.
    """
    row = SetAside.objects.select_for_update(of=("self",)).get(id=row_id)
    if row.status != SetAsideStatus.SET_ASIDE or row.outcome != SetAsideOutcome.WAITING:
        return row
    row.status, row.released_by, row.released_at = SetAsideStatus.RELEASED, by, now
    row.save(update_fields=["status", "released_by", "released_at"])
    details = {"kind": str(row.kind), "reference": str(row.reference), "error": row.error}
    note("set_aside.released", by=by, now=now, target=f"set aside {row.id}", details=details)
    transaction.on_commit(lambda: get_bus().publish(NUDGE, row.shard), robust=True)
    return row


def _close(order: Order, now: datetime) -> dict[UUID, int]:
    """Reject an order and what is open of its group; cancel what has been at work."""
    claim(order.instrument.shard)
    members = [order]
    if order.group_id is not None:
        rows = Order.objects.filter(group_id=order.group_id, closed_at__isnull=True)
        members = [each for each in rows.order_by("id") if not each.waits_to_replace]
    return book([_ended(each, now) for each in members if each.is_open])


def _ended(order: Order, now: datetime) -> Decision:
    order_id = str(order.id)
    is_new = lifecycle.may(OrderStatus(order.status), OrderStatus.REJECTED)
    outcome = (Rejected if is_new else Canceled)(order_id, CODE, DETAILS[CODE])
    at = max(now, order.updated_at)
    return Decision(account_id=order.account_id, outcome=outcome, decided_at=at, seen=_NOTHING)


def _of_order(kind: MessageKind, order: Order, failure: Failure, now: datetime) -> SetAside:
    row = _row(kind, order.id, order.instrument, failure, now)
    row.order = order
    row.what = {"order": str(order), "client_order_id": order.client_order_id}
    return row


def _row(
    kind: MessageKind, reference: UUID, instrument: Instrument, failure: Failure, now: datetime
) -> SetAside:
    return SetAside(
        shard=instrument.shard,
        kind=kind,
        reference=reference,
        instrument=instrument,
        error=failure.error,
        trace=failure.trace,
        tries=failure.tries,
        first_at=failure.since,
        last_at=now,
        status=SetAsideStatus.SET_ASIDE,
        outcome=SetAsideOutcome.WAITING,
    )


def _halt(row: SetAside, now: datetime) -> None:
    instrument = Instrument.objects.get(id=row.instrument_id)
    if instrument.status == InstrumentStatus.ACTIVE:
        reason = f"A {row.get_kind_display()} failed {row.tries} times: {row.error}"[:300]
        set_status(instrument.id, InstrumentStatus.HALTED, by="engine", now=now, reason=reason)
        row.has_halted = True


def _save(row: SetAside) -> SetAside:
    row.save()
    log.error(
        "set aside: kind=%s reference=%s symbol=%s shard=%s tries=%s halted=%s error=%s",
        *(row.kind, row.reference, row.instrument.symbol, row.shard, row.tries),
        *(row.has_halted, row.error),
    )
    return row


def read_set_aside(shard_id: int) -> set[tuple[str, str]]:
    """Return the keys of a shard's messages that are worked no more."""
    waiting = {"status": SetAsideStatus.SET_ASIDE, "outcome": SetAsideOutcome.WAITING}
    rows = SetAside.objects.filter(shard=shard_id, **waiting)
    return {(kind, str(reference)) for kind, reference in rows.values_list("kind", "reference")}


def workable(actions: Sequence[CorporateAction]) -> list[CorporateAction]:
    """Return the actions without those set aside and those of the same instruments after them."""
    if not actions:
        return []
    rows = SetAside.objects.filter(
        kind=MessageKind.CORPORATE_ACTION, status=SetAsideStatus.SET_ASIDE
    )
    waiting = set(rows.values_list("instrument_id", flat=True))
    return [action for action in actions if action.instrument_id not in waiting]
