"""Groups of orders written down plainly: what one of them does has its consequences at once.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Order groups". An answer of the market is a list of what happened; what follows from it for the
others of a group is added to it, and what follows from that.
"""

from collections.abc import Callable
from decimal import Decimal

from tests.state.plain_costs import start_behind
from tests.state.plain_terms import ZERO, PlainGroup, PlainOrder

Outcome = tuple


class Followed:
    """One round: who is over by what is told, and how large legs were before it.

    A leg that ends in a round was never told of another size in it.
    """

    def __init__(self, told: list[Outcome]) -> None:
        self.told = told
        self.over = [line[1] for line in told if is_over(line)]
        self.before: dict[PlainOrder, Decimal] = {}

    def size(self, leg: PlainOrder, by: Decimal) -> None:
        self.before.setdefault(leg, leg.quantity)
        leg.quantity += by

    def leave(self, order: PlainOrder) -> None:
        order.quantity = self.before.get(order, order.quantity)
        order.group.leave(order)


class PlainGroups:
    """remove takes an order off the market, enter works one that is new there."""

    def __init__(
        self,
        places: Callable[[], tuple[int, int]],
        remove: Callable[[PlainOrder], None],
        enter: Callable[[PlainOrder], list[Outcome]],
    ) -> None:
        self.places, self.remove, self.enter = places, remove, enter

    def follow(self, out: list[Outcome]) -> list[Outcome]:
        """Return an answer with all that follows from it."""
        out, start = list(out), 0
        while start < len(out):
            now, start = Followed(out[start:]), len(out)
            for line in now.told:
                if line[0] == "fill":
                    self._feed(line, now)
            for line in now.told:
                order, group = line[1], line[1].group
                if group is not None and order is group.entry:
                    self._after_entry(group, line, now, out)
                elif group is not None and order in group.legs:
                    self._after_leg(group, line, now, out)
            for leg in now.before:
                if leg in leg.group.legs and leg.group.is_held:
                    out += self._release(leg.group)
        return out

    def _feed(self, line: Outcome, now: Followed) -> None:
        """What an entry fills its legs may sell."""
        _, entry, quantity, price, *_ = line
        group = entry.group
        if group is None or entry is not group.entry:
            return
        group.price = price
        for leg in group.legs:
            if group.is_held or leg.leaves:
                now.size(leg, ZERO if group.is_held else quantity)
        if group.is_held:
            group.fed += quantity

    def _after_entry(self, group: PlainGroup, line: Outcome, now: Followed, out: list) -> None:
        if not is_over(line):
            return
        now.leave(line[1])
        if not any(group.wants(leg) for leg in group.legs):
            for leg in list(group.legs):
                self._end(leg, line, now, out)

    def _after_leg(self, group: PlainGroup, line: Outcome, now: Followed, out: list) -> None:
        what, order = line[:2]
        if what not in ("fill", "triggered", "canceled", "expired"):
            return
        if is_over(line):
            now.leave(order)
        for leg in [leg for leg in group.legs if leg is not order]:
            if what == "fill":
                now.size(leg, -line[2])
            if what != "fill" or not leg.leaves:
                self._end(leg, line, now, out)
        if group.entry is not None:
            self._end(group.entry, line, now, out)

    def _end(self, order: PlainOrder, cause: Outcome, now: Followed, out: list) -> None:
        now.leave(order)
        if order not in now.over:
            self.remove(order)
            out.append(("expired" if cause[0] == "expired" else "canceled", order))

    def _release(self, group: PlainGroup) -> list[Outcome]:
        """Let legs that waited begin to work, behind all who were there before."""
        group.is_held, out = False, []
        for leg in group.legs:
            leg.priority, leg.quantity = self.places(), group.fed
            if leg.type == "trailing_stop":
                start_behind(leg, group.price)
            out.append(("released", leg))
        group.fed = ZERO
        for leg in reversed(group.legs):
            out += self.enter(leg)
        return out


def is_over(line: Outcome) -> bool:
    return line[0] in ("canceled", "expired") or (line[0] == "fill" and line[-1])


def misplaced(order: PlainOrder, bid_ask_last: tuple, tick: Decimal) -> bool:
    """Say whether a leg stands where it may not: the profit above the entry, the stop below all."""
    _, ask, last = bid_ask_last
    waits = order.type in ("stop", "stop_limit", "trailing_stop")
    entry = order.stop if waits else order.limit
    if entry is None:
        entry = ask if ask is not None else last
    below = [p for p in (entry, *(() if waits else (ask, last))) if p is not None]
    for leg in order.ticket.legs:
        if leg.name == "take_profit" and entry and leg.limit < entry + tick:
            return True
        if leg.stop is not None and below and leg.stop > min(below) - tick:
            return True
    return False
