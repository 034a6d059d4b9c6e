"""What has come due: looked for by the clock, in the order in which it counts."""

import logging
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from instruments.corporate_actions import due_dividends, due_splits, splits_just_applied
from instruments.models import CorporateAction
from trades.corporate.dividends import entitle, pay
from trades.corporate.splitting import apply_split, cancel_late_orders
from trades.setting_aside.actions import counted
from trades.setting_aside.culprits import PASSING
from trades.setting_aside.services import workable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """How much one look did: splits applied, holders recorded and paid, actions that failed."""

    splits: int = 0
    entitled: int = 0
    paid: int = 0
    failed: int = 0

    def __add__(self, other: "Applied") -> "Applied":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Applied(*(one + more for one, more in pairs))


def apply_due(now: datetime) -> Applied:
    """Apply every approved action whose day has come; another call at once finds nothing.

    Each action is a transaction of its own, so that what is done stays done. They go by their day,
    on one day dividends before splits, because they are paid on old shares. One that fails is
    counted, keeps later ones of its instrument waiting, and stops no other.
    """
    done, failed = Applied(), set[UUID]()
    for action in sorted(workable([*due_dividends(now), *due_splits(now)]), key=_turn):
        if action.instrument_id not in failed:
            try:
                done += _apply(action, now)
            except PASSING:
                raise
            except Exception:
                log.exception("the corporate action %s could not be applied", action.id)
                failed.add(action.instrument_id)
    for split in splits_just_applied(now):
        cancel_late_orders(split, now=now)
    return done + Applied(failed=len(failed))


def _apply(action: CorporateAction, now: datetime) -> Applied:
    with counted(action, now):
        if action.is_split:
            return Applied(splits=int(apply_split(action.id, now=now)))
        entitled = entitle(action.id, now=now)
        return Applied(entitled=entitled, paid=pay(action.id, now=now))


def _turn(action: CorporateAction) -> tuple[object, ...]:
    return action.effective_at, action.is_split, action.id
