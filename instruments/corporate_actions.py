"""Corporate actions as they are read and told: when they count, which are due, how they look."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from bengi.bulk import has_arrays
from bengi.compiled import MOMENT, Compiled
from bengi.events.services import NewEvent
from bengi.money import plain_or_none
from bengi.realtime.protocol import moment
from bengi.terms import CorporateActionKind, CorporateActionStatus
from instruments.calendar import Mode, zone_of
from instruments.models import SPLITS, CorporateAction, Instrument
from instruments.splits import Split

A_WHILE = timedelta(hours=1)
_KNOWN = [CorporateActionStatus.APPROVED, CorporateActionStatus.APPLIED]
_PUBLIC = [*_KNOWN, CorporateActionStatus.PAID]


def start_of_day(mic: str, day: date, mode: Mode) -> datetime:
    """Return when a day begins where the exchange is: before whatever trades on it."""
    return datetime.combine(day, time(), zone_of(mic, mode)).astimezone(UTC)


def actions_of(instrument: Instrument) -> QuerySet[CorporateAction]:
    """Return the instrument's actions that two of staff have agreed on, with the instrument."""
    found = CorporateAction.objects.filter(instrument=instrument, status__in=_PUBLIC)
    return found.select_related("instrument")


def due_splits(now: datetime, shard_id: int | None = None) -> list[CorporateAction]:
    """Return the approved splits that should have been applied by now, oldest first."""
    if has_arrays() and not _is_any_due(shard_id).ask(now):
        return []
    return list(_due_splits(now, shard_id))


def _due_splits(now: datetime, shard_id: int | None) -> QuerySet[CorporateAction]:
    due = CorporateAction.objects.filter(
        status=CorporateActionStatus.APPROVED, kind__in=SPLITS, effective_at__lte=now
    )
    if shard_id is not None:
        due = due.filter(instrument__shard=shard_id)
    return due.order_by("effective_at", "id")


@lru_cache(maxsize=64)
def _is_any_due(shard_id: int | None) -> Compiled:
    """An engine looks at every turn, and hardly ever is there one."""
    return Compiled(_due_splits(MOMENT, shard_id).values_list("id")[:1])


def due_dividends(now: datetime) -> list[CorporateAction]:
    """Return the dividends whose ex-date or pay date has come, oldest first."""
    is_ex = Q(status=CorporateActionStatus.APPROVED, effective_at__lte=now)
    is_payable = Q(status=CorporateActionStatus.APPLIED, payable_at__lte=now)
    dividends = CorporateAction.objects.filter(kind=CorporateActionKind.CASH_DIVIDEND)
    return list(dividends.filter(is_ex | is_payable).order_by("effective_at", "id"))


def splits_known(
    since: datetime | None = None, instrument_ids: Iterable[UUID | str] | None = None
) -> list[Split]:
    """Return the splits, approved or applied, that count from since on; oldest first."""
    found = CorporateAction.objects.filter(kind__in=SPLITS, status__in=_KNOWN)
    if since is not None:
        found = found.filter(effective_at__gte=since)
    if instrument_ids is not None:
        found = found.filter(instrument_id__in=set(instrument_ids))
    return [split_of(action) for action in found.order_by("effective_at", "id")]


def applied_splits(instrument_ids: Iterable[UUID | str], since: datetime) -> list[Split]:
    """Return the splits after since that have been applied to what is stored of the market.

    Their rows are locked: while the caller's transaction lasts, no other is being applied.
    """
    rows = CorporateAction.objects.select_for_update().filter(
        kind__in=SPLITS,
        status__in=_KNOWN,
        instrument_id__in=set(instrument_ids),
        effective_at__gt=since,
    )
    found = [split_of(action) for action in rows.order_by("effective_at", "id")]
    return [split for split in found if split.is_applied]


def splits_just_applied(now: datetime) -> list[CorporateAction]:
    """Return the splits of the last hour; what was on its way then may have come since."""
    rows = CorporateAction.objects.filter(
        kind__in=SPLITS, status=CorporateActionStatus.APPLIED, applied_at__gt=now - A_WHILE
    )
    return list(rows.order_by("effective_at", "id"))


def newest_splits(shard_id: int, now: datetime) -> dict[str, datetime]:
    """Return since when each instrument of a shard that was split of late is in new shares."""
    rows = CorporateAction.objects.filter(
        kind__in=SPLITS,
        status=CorporateActionStatus.APPLIED,
        instrument__shard=shard_id,
        effective_at__gt=now - timedelta(days=7),
    )
    found = rows.order_by("effective_at").values_list("instrument_id", "effective_at")
    return {str(instrument_id): at for instrument_id, at in found if at is not None}


def split_of(action: CorporateAction) -> Split:
    """Return an approved split as plain values."""
    assert action.effective_at is not None, "approval fixes when an action counts"
    return Split(
        instrument_id=str(action.instrument_id),
        ratio=action.ratio,
        ex_date=action.ex_date,
        effective_at=action.effective_at,
        is_applied=action.status == CorporateActionStatus.APPLIED,
    )


def action_payload(action: CorporateAction) -> dict[str, Any]:
    """Return the whole action as the event log carries it."""
    return {
        "id": str(action.id),
        "instrument_id": str(action.instrument_id),
        **_terms(action),
        "external_id": action.external_id,
        "note": action.note,
        "status": str(action.status),
        "requested_by": str(action.requested_by),
        "requested_at": moment(action.requested_at),
        "approved_by": str(action.approved_by) if action.approved_by else None,
        "approved_at": _moment(action.approved_at),
        **_moments(action),
    }


def action_shape(action: CorporateAction) -> dict[str, Any]:
    """Return an agreed action as everybody sees it: not who asked for it, and not why."""
    return {
        "id": str(action.id),
        "symbol": action.instrument.symbol,
        **_terms(action),
        "status": str(action.status),
        **_moments(action),
    }


def action_event(action: CorporateAction, what: str, now: datetime) -> NewEvent:
    """Return the event that tells, on the instrument's stream, what has become of an action."""
    payload = {"action": action_payload(action)}
    stream = action.instrument_id
    return NewEvent(stream, f"corporate_action.{what}", payload, now, subject=action.id)


def _terms(action: CorporateAction) -> dict[str, Any]:
    return {
        "kind": str(action.kind),
        "ratio_to": action.ratio_to,
        "ratio_from": action.ratio_from,
        "cash_in_lieu_price": plain_or_none(action.cash_in_lieu_price),
        "amount": plain_or_none(action.amount),
        "currency": action.currency,
        "withholding_rate": plain_or_none(action.withholding_rate),
        "ex_date": action.ex_date.isoformat(),
        "record_date": action.record_date.isoformat() if action.record_date else None,
        "pay_date": action.pay_date.isoformat() if action.pay_date else None,
    }


def _moments(action: CorporateAction) -> dict[str, Any]:
    return {
        "effective_at": _moment(action.effective_at),
        "payable_at": _moment(action.payable_at),
        "applied_at": _moment(action.applied_at),
        "paid_at": _moment(action.paid_at),
    }


def _moment(value: datetime | None) -> str | None:
    return moment(value) if value else None
