"""Apply a split, once: positions, lots, orders, cash and the stored market in one transaction.

All of it commits together or not at all, so a crash in between leaves an approved action that the
next look applies; the action's status, read under its lock, says whether it has been done. The
order of locks is action, shard, accounts by ascending id.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from bengi.crash_points import crash_point
from bengi.realtime.publish import publish
from bengi.terms import CorporateActionStatus
from instruments.adjusting import adjust_market, adopt_quotes
from instruments.corporate_actions import action_event, split_of
from instruments.models import CorporateAction
from orders.models import Order
from trades.claiming import claim
from trades.corporate.holdings import split_positions
from trades.corporate.orders import cancel_late, split_orders
from trades.corporate.rows import SplitRows, load, lock_holders, save


@transaction.atomic
def apply_split(action_id: UUID, *, now: datetime) -> bool:
    """Apply an approved split whose day has come; return whether there was anything to do.

    A number of statements that does not grow with accounts, lots or orders. A running engine of
    the shard finds that its version has moved on and builds its books anew.
    """
    action = locked(action_id)
    if action.status != CorporateActionStatus.APPROVED or not action.is_split:
        return False
    if action.effective_at is None or action.effective_at > now:
        return False
    claim(action.instrument.shard)
    lock_holders(action.instrument)
    rows = load(action, now)
    split(rows)
    adjust_market(split_of(action), action.instrument)
    action.status, action.applied_at = CorporateActionStatus.APPLIED, now
    action.save(update_fields=["status", "applied_at"])
    rows.events.append(action_event(action, "applied", now))
    heads = save(rows)
    crash_point("split.saved")
    transaction.on_commit(lambda: _tell(action, heads), robust=True)
    return True


@transaction.atomic
def cancel_late_orders(action: CorporateAction, *, now: datetime) -> int:
    """Cancel orders given before an applied split and booked after it; return how many.

    They waited for the split's own transaction, in old shares and at old prices.
    """
    late = Order.objects.filter(
        instrument_id=action.instrument_id,
        closed_at__isnull=True,
        accepted_at__lt=action.effective_at,
        updated_at__lt=action.applied_at,
    )
    if not late.exists():
        return 0
    action = locked(action.id)
    claim(action.instrument.shard)
    lock_holders(action.instrument)
    rows = load(action, now)
    canceled = cancel_late(rows)
    heads = save(rows)
    transaction.on_commit(lambda: publish(heads), robust=True)
    return canceled


def split(rows: SplitRows) -> None:
    """Work the split out in memory: orders first, because their named lots stay with them."""
    split_orders(rows)
    split_positions(rows)


def locked(action_id: UUID) -> CorporateAction:
    """Return an action, its row locked until the caller's transaction ends."""
    rows = CorporateAction.objects.select_for_update(of=("self",)).select_related("instrument")
    return rows.get(id=action_id)


def _tell(action: CorporateAction, heads: dict[UUID, int]) -> None:
    crash_point("split.committed")
    adopt_quotes([split_of(action)])
    publish(heads)
