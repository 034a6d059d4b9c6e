"""One of staff enters a corporate action, another approves it; until it is applied it can go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from bengi.audit.services import Note, note_all, seqs_of
from bengi.bus import NUDGE, get_bus
from bengi.errors import BengiError, Conflict, Forbidden, NotFound, Refused
from bengi.events.services import append
from bengi.terms import CorporateActionKind, CorporateActionStatus
from instruments.corporate_actions import action_event, start_of_day
from instruments.models import SPLITS, CorporateAction, Instrument
from instruments.withholding import withholding_rate
from trades.corporate.terms import ActionTerms, check_terms

_OPEN = (CorporateActionStatus.PROPOSED, CorporateActionStatus.APPROVED)
_Day = tuple[UUID, date, Decimal | None, str]
_COLUMNS = tuple(ActionTerms.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The terms of an action and whose shares it is about."""

    instrument: Instrument
    terms: ActionTerms


def propose(
    by: User, instrument: Instrument, terms: ActionTerms, *, now: datetime
) -> CorporateAction:
    """Enter an action; nothing happens before another of staff approves it.

    Raises Forbidden, Refused with all that is wrong with the terms, Conflict ex_date_has_begun for
    a split whose ex-date is not to come, and Conflict possible_duplicate.
    """
    (action,) = propose_all(by, [Proposal(instrument, terms)], now=now)
    return action


@transaction.atomic
def propose_all(by: User, proposals: Sequence[Proposal], *, now: datetime) -> list[CorporateAction]:
    """Enter actions, all of them or none; as propose(), in a fixed number of statements."""
    check_staff(by)
    errors = [error for found in check_proposals(proposals, now) for error in found]
    if errors:
        raise errors[0] if len(errors) == 1 else Refused(errors=errors)
    actions = [
        CorporateAction(
            instrument=each.instrument,
            requested_by=by.id,
            requested_at=now,
            **{name: getattr(_complete(each), name) for name in _COLUMNS},
        )
        for each in proposals
    ]
    CorporateAction.objects.bulk_create(actions)
    _log(actions, "proposed", by, now)
    return actions


def check_proposals(proposals: Sequence[Proposal], now: datetime) -> list[list[BengiError]]:
    """Return what is wrong with each proposal, in their order: two statements."""
    days, ids = _known(proposals)
    found: list[list[BengiError]] = []
    for each in proposals:
        terms = _complete(each)
        errors: list[BengiError] = [*check_terms(terms, each.instrument.quantity_step)]
        errors += [] if errors else [*_not_to_come(each, now), *_known_already(each, days, ids)]
        days.add(_day(each.instrument.id, terms))
        ids.add(terms.external_id or "")
        found.append(errors)
    return found


@transaction.atomic
def approve_action(action_id: UUID, by: User, *, now: datetime) -> CorporateAction:
    """Let an action take effect when its day comes: from here on that day's start is fixed.

    Raises Forbidden second_person_needed when by entered it, Conflict already_approved,
    corporate_action_closed, and ex_date_has_begun for a split that is too late.
    """
    check_staff(by)
    action = _locked(action_id)
    if action.status != CorporateActionStatus.PROPOSED:
        check_open(action)
        raise Conflict("already_approved", "It has been approved already.")
    if action.requested_by == by.id:
        raise Forbidden("second_person_needed", "Somebody else has to approve what you entered.")
    action.effective_at = _starts_at(action.instrument, action.ex_date)
    if action.is_split and action.effective_at <= now:
        raise _too_late(action.ex_date)
    if action.pay_date is not None:
        action.payable_at = _starts_at(action.instrument, action.pay_date)
    action.status = CorporateActionStatus.APPROVED
    action.approved_by, action.approved_at = by.id, now
    action.save()
    _log([action], "approved", by, now)
    shard = action.instrument.shard
    transaction.on_commit(lambda: get_bus().publish(NUDGE, shard), robust=True)
    return action


@transaction.atomic
def cancel_action(action_id: UUID, by: User, *, now: datetime) -> CorporateAction:
    """Take back an action that has not been applied. Raises Conflict corporate_action_closed."""
    check_staff(by)
    action = _locked(action_id)
    check_open(action)
    action.status = CorporateActionStatus.CANCELED
    action.save(update_fields=["status"])
    _log([action], "canceled", by, now)
    return action


def _log(actions: Sequence[CorporateAction], deed: str, by: User, now: datetime) -> None:
    """Tell the instruments' streams and the audit log."""
    events = [action_event(action, deed, now) for action in actions]
    seqs = seqs_of(events, append(events))
    note_all(
        [
            Note(
                f"corporate_action.{deed}",
                f"corporate action {action.id}",
                {"symbol": action.instrument.symbol, "terms": str(action)},
                seq,
            )
            for action, seq in zip(actions, seqs, strict=True)
        ],
        by=by,
        now=now,
    )


def _complete(proposal: Proposal) -> ActionTerms:
    """Return the terms with what was left to the instrument: its country's withholding rate."""
    terms = proposal.terms
    if terms.kind is not CorporateActionKind.CASH_DIVIDEND or terms.withholding_rate is not None:
        return terms
    return replace(terms, withholding_rate=withholding_rate(proposal.instrument.mic))


def _known(proposals: Sequence[Proposal]) -> tuple[set[_Day], set[str]]:
    """Return what there is on the proposals' days, and which of their external ids there are."""
    rows = CorporateAction.objects.filter(
        instrument_id__in={each.instrument.id for each in proposals},
        ex_date__in={each.terms.ex_date for each in proposals},
    ).exclude(status=CorporateActionStatus.CANCELED)
    named = CorporateAction.objects.filter(
        external_id__in={each.terms.external_id for each in proposals}
    )
    ids = set(named.values_list("external_id", flat=True))
    return {_day(row.instrument_id, row) for row in rows}, {each for each in ids if each}


def _day(instrument_id: UUID, terms: ActionTerms | CorporateAction) -> _Day:
    """Return what happens once: one split a day, any number of different dividends."""
    if terms.kind in SPLITS:
        return instrument_id, terms.ex_date, None, ""
    return instrument_id, terms.ex_date, terms.amount, terms.currency


def _known_already(proposal: Proposal, days: set[_Day], ids: set[str]) -> Iterator[BengiError]:
    terms, symbol = proposal.terms, proposal.instrument.symbol
    if terms.external_id in ids:
        detail = f"{terms.external_id} has been entered already."
        yield Conflict("possible_duplicate", detail, field="external_id")
    elif _day(proposal.instrument.id, terms) in days:
        detail = f"{symbol} has the same {terms.kind.replace('_', ' ')} on {terms.ex_date} already."
        yield Conflict("possible_duplicate", detail, field="ex_date")


def _not_to_come(proposal: Proposal, now: datetime) -> Iterator[BengiError]:
    """A split that comes late would multiply shares that were bought at the new price."""
    terms = proposal.terms
    if terms.kind in SPLITS and _starts_at(proposal.instrument, terms.ex_date) <= now:
        yield _too_late(terms.ex_date)


def _too_late(ex_date: date) -> Conflict:
    detail = f"{ex_date} has begun; shares may have been traded at the new price."
    return Conflict("ex_date_has_begun", detail, field="ex_date")


def check_staff(by: User) -> None:
    """Raise Forbidden unless by is of staff."""
    if not by.is_staff:
        raise Forbidden("forbidden", "Only staff enter corporate actions.")


def check_open(action: CorporateAction) -> None:
    """Raise Conflict corporate_action_closed for what has been applied or canceled."""
    if action.status not in _OPEN:
        detail = f"The action is {action.status} already."
        raise Conflict("corporate_action_closed", detail, action_status=str(action.status))


def _starts_at(instrument: Instrument, day: date) -> datetime:
    return start_of_day(instrument.mic, day, settings.MARKET_HOURS)


def _locked(action_id: UUID) -> CorporateAction:
    rows = CorporateAction.objects.select_for_update(of=("self",)).select_related("instrument")
    action = rows.filter(id=action_id).first()
    if action is None:
        raise NotFound
    return action
