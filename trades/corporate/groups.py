"""What a split does to groups beyond their single orders: who ends, and is sized, with whom."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from bengi.terms import OrderStatus
from orders.models import Order


def ended_with(orders: Iterable[Order]) -> list[Order]:
    """Return the open orders of groups that others among orders have just been canceled of.

    As ever a leg takes the whole group along, an entry those of its legs that wait for it.
    """
    found = []
    for members in _groups(orders).values():
        gone = [each for each in members if each.status == OrderStatus.CANCELED]
        lost_leg, lost_entry = any(o.leg for o in gone), any(not o.leg for o in gone)
        left = [each for each in members if each.is_open and not each.waits_to_replace]
        found += [o for o in left if lost_leg or (lost_entry and o.waits_for_entry)]
    return found


def sized_by_entry(orders: Iterable[Order]) -> list[Order]:
    """Let legs that wait be for what their entry wants by now; return those that were not."""
    found = []
    for members in _groups(orders).values():
        entries = [each for each in members if each.is_open and not each.leg]
        for leg in [each for each in members if each.is_open and each.waits_for_entry]:
            if entries and leg.quantity != entries[0].quantity:
                leg.quantity = entries[0].quantity
                found.append(leg)
    return found


def _groups(orders: Iterable[Order]) -> dict[UUID, list[Order]]:
    found: dict[UUID, list[Order]] = defaultdict(list)
    for order in orders:
        if order.group_id is not None:
            found[order.group_id].append(order)
    return found
