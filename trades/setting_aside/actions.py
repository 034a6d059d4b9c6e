"""Corporate actions that fail: counted in the database from the first time, set aside after five.

There are few, and both the engine and the look by the clock apply them, so the count is a row.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from bengi.terms import MessageKind, SetAsideOutcome, SetAsideStatus
from instruments.models import CorporateAction
from trades.models import SetAside
from trades.setting_aside.culprits import PASSING
from trades.setting_aside.services import Failure, set_action_aside
from trades.setting_aside.trouble import TRIES

log = logging.getLogger(__name__)


@contextmanager
def counted(action: CorporateAction, now: datetime) -> Iterator[None]:
    """Count it when applying an action fails, and forget the count when it does not."""
    try:
        yield
    except PASSING:
        raise
    except Exception as error:
        count(action, error, now)
        raise
    _trying(action).delete()


@transaction.atomic
def count(action: CorporateAction, error: BaseException, now: datetime) -> SetAside:
    """Note one more failure of an action; the last one sets it aside."""
    known = _trying(action).select_for_update(of=("self",)).select_related("instrument").first()
    failure = Failure.of(error, known.tries + 1 if known else 1, known.first_at if known else now)
    row = known or new_row(action, failure, now)
    row.error, row.trace, row.tries, row.last_at = failure.error, failure.trace, failure.tries, now
    if row.tries >= TRIES:
        set_action_aside(action, row, now=now)
    else:
        row.save()
    return row


def new_row(action: CorporateAction, failure: Failure, now: datetime) -> SetAside:
    """Return the row, unsaved, of an action that has failed and is tried again."""
    return SetAside(
        shard=action.instrument.shard,
        kind=MessageKind.CORPORATE_ACTION,
        reference=action.id,
        instrument=action.instrument,
        what={"action": str(action), "ex_date": action.ex_date.isoformat()},
        error=failure.error,
        trace=failure.trace,
        tries=failure.tries,
        first_at=failure.since,
        last_at=now,
        status=SetAsideStatus.TRYING,
        outcome=SetAsideOutcome.WAITING,
    )


def _trying(action: CorporateAction) -> QuerySet[SetAside]:
    return SetAside.objects.filter(
        kind=MessageKind.CORPORATE_ACTION, reference=action.id, status=SetAsideStatus.TRYING
    )
