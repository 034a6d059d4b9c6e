"""What has come due: looked for by the clock, in the order in which it counts."""

from dataclasses import dataclass
from datetime import datetime

from instruments.corporate_actions import due_dividends, due_splits, splits_just_applied
from instruments.models import CorporateAction
from trades.corporate.dividends import entitle, pay
from trades.corporate.splitting import apply_split, cancel_late_orders


@dataclass(frozen=True, slots=True)
class Applied:
    """How much one look has done: splits applied, holders recorded, holders paid."""

    splits: int = 0
    entitled: int = 0
    paid: int = 0


def apply_due(now: datetime) -> Applied:
    """Apply every approved action whose day has come; another call at once finds nothing.

    Each action is a transaction of its own, so that what is done stays done. They go by their day,
    on one day dividends before splits, because they are paid on old shares.
    """
    due = [*due_dividends(now), *due_splits(now)]
    splits = entitled = paid = 0
    for action in sorted(due, key=_turn):
        if action.is_split:
            splits += apply_split(action.id, now=now)
        else:
            entitled += entitle(action.id, now=now)
            paid += pay(action.id, now=now)
    for split in splits_just_applied(now):
        cancel_late_orders(split, now=now)
    return Applied(splits, entitled, paid)


def _turn(action: CorporateAction) -> tuple[object, ...]:
    return action.effective_at, action.is_split, action.id
