"""The checks of the books that are about order groups: what legs may sell, and who holds it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from bengi.money import ZERO, plain
from bengi.terms import CorporateActionStatus, OrderClass
from instruments.models import SPLITS, CorporateAction
from orders.models import Order


def legs_sell_what_there_is() -> Iterator[str]:
    """[21] Legs sell what their entry bought, at most; what is left of it, each open leg wants.

    A pair without an entry sells what it was placed for, at most, and both legs want the same. Over
    a split what was bought is in old shares; then only what the legs want is compared.
    """
    split_at = _newest_splits()
    for group_id, members in _groups().items():
        bought = sum((each.filled_quantity for each in members if not each.leg), ZERO)
        legs = [each for each in members if each.leg]
        sold = sum((leg.filled_quantity for leg in legs), ZERO)
        if members[0].order_class == OrderClass.OCO:
            bought = max(leg.quantity for leg in legs)
        first = min(members, key=lambda each: each.accepted_at)
        effective_at = split_at.get(first.instrument_id)
        was_split = effective_at is not None and first.accepted_at < effective_at
        if sold > bought and not was_split:
            yield f"group {group_id}: {plain(sold)} sold of {plain(bought)}"
        at_work = [leg for leg in legs if _is_at_work(leg)]
        wants = {leg.leaves_quantity for leg in at_work}
        if members[0].order_class != OrderClass.OCO and not was_split:
            wants |= {bought - sold} if at_work else set()
        if len(wants) > 1:
            listed = ", ".join(sorted(map(plain, wants)))
            yield f"group {group_id}: what its legs want and what is left differ: {listed}"


def legs_live_and_die_with_their_group() -> Iterator[str]:
    """[21] Legs are held while an entry has filled nothing; a take profit is never left alone.

    An entry ends when a leg has filled, fired or ended, because none is left for what it would buy.
    """
    for group_id, members in _groups().items():
        is_open = [each for each in members if each.is_open and not each.waits_to_replace]
        entries = [each for each in is_open if not each.leg]
        open_legs = [each for each in is_open if each.leg]
        bought = sum((each.filled_quantity for each in members if not each.leg), ZERO)
        for leg in open_legs:
            if leg.waits_for_entry and (bought or not entries):
                yield f"group {group_id}: leg {leg.id} waits for an entry that has filled or ended"
            if leg.shares_held_by_other_leg and len(open_legs) == 1:
                yield f"group {group_id}: the take profit {leg.id} has lost its stop loss"
        needed = 1 if members[0].order_class == OrderClass.OTO else 2
        busy = any(leg.filled_quantity or leg.triggered_at for leg in members if leg.leg)
        if entries and (busy or len(open_legs) != needed):
            yield f"group {group_id}: its entry is open without all its legs at rest"


def _groups() -> dict[UUID, list[Order]]:
    found: dict[UUID, list[Order]] = defaultdict(list)
    rows = Order.objects.filter(group_id__isnull=False).select_related("replaces")
    for order in rows.iterator():
        assert order.group_id is not None
        found[order.group_id].append(order)
    return found


def _newest_splits() -> dict[UUID, datetime]:
    """Return when the newest applied split of an instrument counted from."""
    applied = CorporateAction.objects.filter(kind__in=SPLITS, status=CorporateActionStatus.APPLIED)
    rows = applied.order_by("effective_at").values_list("instrument_id", "effective_at")
    return {instrument_id: at for instrument_id, at in rows if at is not None}


def _is_at_work(leg: Order) -> bool:
    return leg.is_open and not leg.waits_to_replace and not leg.waits_for_entry


GROUP_CHECKS = [legs_sell_what_there_is, legs_live_and_die_with_their_group]
