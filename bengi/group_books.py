"""The checks of the books that are about order groups: what legs may sell, and who holds it."""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from uuid import UUID

from django.db.models import Max

from bengi.terms import CorporateActionStatus, OrderClass
from instruments.models import SPLITS, CorporateAction
from orders.models import Order
from trades.models import Trade


class Filled:
    """What orders of groups have filled, in the shares of today.

    All that one order has filled is in the same shares: a split carries it on by another.
    """

    def __init__(self) -> None:
        trades = Trade.objects.filter(order__group_id__isnull=False).values("order_id")
        self._last = dict(trades.annotate(at=Max("executed_at")).values_list("order_id", "at"))
        applied = {"kind__in": SPLITS, "status": CorporateActionStatus.APPLIED}
        self._splits = list(CorporateAction.objects.filter(**applied))

    def of(self, order: Order) -> Fraction:
        """Return what an order has filled, and what was busted of it since."""
        filled, last = Fraction(order.worked_quantity), self._last.get(order.id)
        for action in self._splits_of(order):
            if last is not None and action.effective_at is not None and last < action.effective_at:
                filled = filled * (action.ratio_to or 1) / (action.ratio_from or 1)
        return filled

    def has_split_since(self, order: Order) -> bool:
        """Say whether a split has come after an order was given, which may have cut its size."""
        return any(
            action.applied_at is not None and order.accepted_at < action.applied_at
            for action in self._splits_of(order)
        )

    def _splits_of(self, order: Order) -> Iterator[CorporateAction]:
        return (each for each in self._splits if each.instrument_id == order.instrument_id)


def legs_sell_what_there_is() -> Iterator[str]:
    """[21] Legs sell what their entry bought, at most; what is left of it, each open leg wants.

    A pair without an entry sells what it was placed for, at most, and both legs want the same. A
    split may have cut what legs want to the step, and hides what a pair was placed for.
    What was busted since counts too: nobody buys or sells it again.
    """
    filled = Filled()
    for group_id, members in _groups().items():
        legs = [each for each in members if each.leg]
        sold = sum((filled.of(leg) for leg in legs), Fraction(0))
        wants = {Fraction(leg.leaves_quantity) for leg in legs if _is_at_work(leg)}
        if len(wants) > 1:
            yield f"group {group_id}: its legs do not want the same"
        was_split = any(map(filled.has_split_since, members))
        if members[0].order_class == OrderClass.OCO:
            placed = max(Fraction(leg.quantity) for leg in legs)
            if sold > placed and not was_split:
                yield f"group {group_id}: {sold} sold of {placed}"
            continue
        bought = sum((filled.of(each) for each in members if not each.leg), Fraction(0))
        if sold > bought:
            yield f"group {group_id}: {sold} sold of {bought}"
        for want in wants:
            if want > bought - sold or (want < bought - sold and not was_split):
                yield f"group {group_id}: its legs want {want}, {bought - sold} are left"


def legs_live_and_die_with_their_group() -> Iterator[str]:
    """[21] Legs are held while an entry has filled nothing; a take profit is never left alone.

    An entry ends when a leg has filled, fired or ended, because none is left for what it would buy.
    """
    for group_id, members in _groups().items():
        is_open = [each for each in members if each.is_open and not each.waits_to_replace]
        entries = [each for each in is_open if not each.leg]
        open_legs = [each for each in is_open if each.leg]
        has_bought = any(each.worked_quantity for each in members if not each.leg)
        for leg in open_legs:
            if leg.waits_for_entry and (has_bought or not entries):
                yield f"group {group_id}: leg {leg.id} waits for an entry that has filled or ended"
            if leg.shares_held_by_other_leg and len(open_legs) == 1:
                yield f"group {group_id}: the take profit {leg.id} has lost its stop loss"
        needed = 1 if members[0].order_class == OrderClass.OTO else 2
        busy = any(leg.worked_quantity or leg.triggered_at for leg in members if leg.leg)
        if entries and (busy or len(open_legs) != needed):
            yield f"group {group_id}: its entry is open without all its legs at rest"


def _groups() -> dict[UUID, list[Order]]:
    found: dict[UUID, list[Order]] = defaultdict(list)
    rows = Order.objects.filter(group_id__isnull=False).select_related("replaces")
    for order in rows.iterator():
        assert order.group_id is not None
        found[order.group_id].append(order)
    return found


def _is_at_work(leg: Order) -> bool:
    return leg.is_open and not leg.waits_to_replace and not leg.waits_for_entry


GROUP_CHECKS = [legs_sell_what_there_is, legs_live_and_die_with_their_group]
