"""One of staff enters a corporate action, another approves it; until it is applied it can go."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from bengi.bus import NUDGE, get_bus
from bengi.errors import Conflict, Forbidden, NotFound, Refused
from bengi.events.services import append
from bengi.terms import CorporateActionKind, CorporateActionStatus
from instruments.corporate_actions import action_event, start_of_day
from instruments.models import SPLITS, CorporateAction, Instrument
from instruments.withholding import withholding_rate
from trades.corporate.terms import ActionTerms, check_terms

_OPEN = (CorporateActionStatus.PROPOSED, CorporateActionStatus.APPROVED)
_COLUMNS = tuple(ActionTerms.__dataclass_fields__)


@transaction.atomic
def propose(
    by: User, instrument: Instrument, terms: ActionTerms, *, now: datetime
) -> CorporateAction:
    """Enter an action; nothing happens before another of staff approves it.

    Raises Forbidden, Refused with all that is wrong with the terms, Conflict ex_date_has_begun for
    a split whose ex-date is not to come, and Conflict possible_duplicate.
    """
    _check_staff(by)
    terms = with_defaults(terms, instrument)
    errors = check_terms(terms, instrument.quantity_step)
    if errors:
        raise errors[0] if len(errors) == 1 else Refused(errors=errors)
    action = CorporateAction(
        instrument=instrument,
        requested_by=by.id,
        requested_at=now,
        **{name: getattr(terms, name) for name in _COLUMNS},
    )
    _check_to_come(action, now)
    check_new(action)
    action.save(force_insert=True)
    append([action_event(action, "proposed", now)])
    return action


@transaction.atomic
def approve_action(action_id: UUID, by: User, *, now: datetime) -> CorporateAction:
    """Let an action take effect when its day comes: from here on that day's start is fixed.

    Raises Forbidden second_person_needed when by entered it, Conflict already_approved,
    corporate_action_closed, and ex_date_has_begun for a split that is too late.
    """
    _check_staff(by)
    action = _locked(action_id)
    if action.status != CorporateActionStatus.PROPOSED:
        _check_open(action)
        raise Conflict("already_approved", "It has been approved already.")
    if action.requested_by == by.id:
        raise Forbidden("second_person_needed", "Somebody else has to approve what you entered.")
    _check_to_come(action, now)
    action.status = CorporateActionStatus.APPROVED
    action.approved_by, action.approved_at = by.id, now
    action.effective_at = _starts_at(action)
    if action.pay_date is not None:
        mic = action.instrument.mic
        action.payable_at = start_of_day(mic, action.pay_date, settings.MARKET_HOURS)
    action.save()
    append([action_event(action, "approved", now)])
    shard = action.instrument.shard
    transaction.on_commit(lambda: get_bus().publish(NUDGE, shard), robust=True)
    return action


@transaction.atomic
def cancel_action(action_id: UUID, by: User, *, now: datetime) -> CorporateAction:
    """Take back an action that has not been applied. Raises Conflict corporate_action_closed."""
    _check_staff(by)
    action = _locked(action_id)
    _check_open(action)
    action.status = CorporateActionStatus.CANCELED
    action.save(update_fields=["status"])
    append([action_event(action, "canceled", now)])
    return action


def with_defaults(terms: ActionTerms, instrument: Instrument) -> ActionTerms:
    """Return the terms with what was left to the instrument: its country's withholding rate."""
    if terms.kind is not CorporateActionKind.CASH_DIVIDEND or terms.withholding_rate is not None:
        return terms
    return replace(terms, withholding_rate=withholding_rate(instrument.mic))


def check_new(action: CorporateAction) -> None:
    """Raise Conflict possible_duplicate when the same has been entered before."""
    known = action.external_id and CorporateAction.objects.filter(external_id=action.external_id)
    if known:
        detail = f"{action.external_id} has been entered already."
        raise Conflict("possible_duplicate", detail, field="external_id")
    same = CorporateAction.objects.filter(
        instrument_id=action.instrument_id, ex_date=action.ex_date
    ).exclude(status=CorporateActionStatus.CANCELED)
    if action.is_split:
        same = same.filter(kind__in=SPLITS)
    else:
        same = same.filter(kind=action.kind, amount=action.amount, currency=action.currency)
    if same.exists():
        detail = f"{action.instrument.symbol} has a {action.kind.replace('_', ' ')} on that day."
        raise Conflict("possible_duplicate", detail, field="ex_date")


def _check_staff(by: User) -> None:
    if not by.is_staff:
        raise Forbidden("forbidden", "Only staff enter corporate actions.")


def _check_open(action: CorporateAction) -> None:
    if action.status not in _OPEN:
        detail = f"The action is {action.status} already."
        raise Conflict("corporate_action_closed", detail, action_status=str(action.status))


def _check_to_come(action: CorporateAction, now: datetime) -> None:
    """A split that comes late would multiply shares that were bought at the new price."""
    if action.is_split and _starts_at(action) <= now:
        detail = f"{action.ex_date} has begun; shares may have been traded at the new price."
        raise Conflict("ex_date_has_begun", detail, field="ex_date")


def _starts_at(action: CorporateAction) -> datetime:
    return start_of_day(action.instrument.mic, action.ex_date, settings.MARKET_HOURS)


def _locked(action_id: UUID) -> CorporateAction:
    rows = CorporateAction.objects.select_for_update(of=("self",)).select_related("instrument")
    action = rows.filter(id=action_id).first()
    if action is None:
        raise NotFound
    return action
