"""Groups on their way between the rows and the matcher: who belongs to whom, and who waits."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bengi.terms import Leg
from orders.models import Order
from trades.matching.fixed import to_fixed
from trades.matching.market import Market
from trades.matching.outcomes import Outcome, Replaced, Resized
from trades.matching.working import WorkingOrder

Member = tuple[Order, WorkingOrder]


@dataclass(slots=True)
class Batch:
    """What a batch has decided so far: which orders are over, and who stands in whose place.

    The requests of a batch were read before it; this is what they do not know yet.
    """

    over: set[str] = field(default_factory=set)
    heirs: dict[str, Order] = field(default_factory=dict)

    def left_of(self, members: Iterable[Order]) -> list[Order]:
        """Return the members of a group as they are by now."""
        found = [self.heirs.get(str(order.id), order) for order in members]
        return [order for order in found if str(order.id) not in self.over]


def members_of(orders: Iterable[Order]) -> dict[UUID, list[Order]]:
    """Return, by group, the open orders of the groups of orders; one statement, or none.

    Those that wait to replace another are no members yet.
    """
    groups = {order.group_id for order in orders if order.group_id is not None}
    found: dict[UUID, list[Order]] = defaultdict(list)
    if groups:
        rows = Order.objects.filter(group_id__in=groups, closed_at__isnull=True)
        for order in rows.select_related("instrument", "replaces").order_by("id"):
            if order.group_id is not None and not order.waits_to_replace:
                found[order.group_id].append(order)
    return found


def join(market: Market, members: Sequence[Member]) -> dict[str, WorkingOrder]:
    """Let the market know a group; return its orders by id.

    Legs whose entry has filled nothing want nothing yet.
    """
    entry = next((order for order, _ in members if not order.leg), None)
    legs = sorted((m for m in members if m[0].leg), key=lambda m: m[0].leg == Leg.STOP_LOSS)
    for order, working in legs:
        if order.waits_for_entry:
            working.leaves = 0
    if legs:
        market.groups.join(None if entry is None else str(entry.id), [leg for _, leg in legs])
    return {working.id: working for _, working in members}


def replaced_unseen(old: Order, new: Order, members: Iterable[Order]) -> list[Outcome]:
    """Return what comes of replacing an order whose group is not at work yet.

    The legs that wait for an entry are for all it wants.
    """
    outcomes: list[Outcome] = [Replaced(str(old.id), str(new.id))]
    if not old.leg and new.quantity != old.quantity:
        waiting = [order for order in members if order.waits_for_entry]
        size = to_fixed(new.quantity)
        outcomes += [Resized(str(order.id), size, "entry_replaced") for order in waiting]
    return outcomes
