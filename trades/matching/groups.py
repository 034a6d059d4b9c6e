"""Order groups: entries whose fills feed their legs, and pairs of which one leg cancels the other.

What happens to one order of a group has its consequences at once, in the same answer, so that
nobody can trade in between. In a pair both legs want the same: what the entry has filled less what
legs have filled. docs/trading-rules.md, "Order groups"; docs/adr/0014-groups-in-the-matcher.md.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from bengi.terms import OrderType
from trades.matching.outcomes import (
    Canceled,
    Expired,
    Fill,
    Outcome,
    Released,
    Resized,
    Triggered,
    canceled,
    is_over,
)
from trades.matching.trails import start_behind
from trades.matching.working import WorkingOrder


class Group(msgspec.Struct):
    """What is open of a group. entry: the id of an order still to fill, None without one.

    legs: the limit first, the stop last. is_held: nothing of the entry has filled, so they wait.
    price: the entry's last fill, where a trailing leg starts.
    """

    entry: str | None
    legs: list[WorkingOrder]
    is_held: bool
    price: int = 0


class News(msgspec.Struct):
    """A part of an answer: where to append, who is over by it, what legs wanted before it."""

    out: list[Outcome]
    over: set[str]
    sized: dict[str, tuple[WorkingOrder, int]] = {}

    def size(self, leg: WorkingOrder, by: int) -> None:
        """Let a leg want more, or less."""
        self.sized.setdefault(leg.id, (leg, leg.leaves))
        leg.leaves += by


class Groups:
    """The groups of one market. of: order id -> group, for every open order of one.

    places gives the priorities of legs that begin to work. withdraw takes an order off the market,
    enter works one that is new there and returns what came of it.
    """

    __slots__ = ("_enter", "_places", "_withdraw", "of")

    def __init__(
        self,
        places: Iterator[int],
        *,
        withdraw: Callable[[str], bool],
        enter: Callable[[WorkingOrder], list[Outcome]],
    ) -> None:
        self.of: dict[str, Group] = {}
        self._places = places
        self._withdraw = withdraw
        self._enter = enter

    def join(self, entry_id: str | None, legs: Sequence[WorkingOrder]) -> None:
        """Let an entry and its legs hang together, or without an entry two legs, the stop last.

        Legs without leaves are held until the entry fills; nobody may submit them.
        """
        is_held = not any(leg.leaves for leg in legs)
        assert entry_id is not None or not is_held
        group = Group(entry_id, list(legs), is_held)
        self.of |= {leg.id: group for leg in legs}
        if entry_id is not None:
            self.of[entry_id] = group

    def pass_on(self, order_id: str, order: WorkingOrder) -> None:
        """Let order take another's place in its group; without a group nothing happens."""
        group = self.of.pop(order_id, None)
        if group is None:
            return
        self.of[order.id] = group
        if group.entry == order_id:
            group.entry = order.id
        else:
            group.legs = [order if leg.id == order_id else leg for leg in group.legs]

    def is_held(self, order_id: str) -> bool:
        """Say whether an order is a leg that waits for its entry."""
        group = self.of.get(order_id)
        return group is not None and group.is_held and group.entry != order_id

    def held_legs(self, entry_id: str) -> list[str]:
        """Return the legs that wait for the first fill of an entry."""
        group = self.of.get(entry_id)
        waits = group is not None and group.is_held and group.entry == entry_id
        return [leg.id for leg in group.legs] if group and waits else []

    def settle(self, out: list[Outcome]) -> None:
        """Append to an answer what follows from it, and what follows from that."""
        start = 0
        while start < len(out):
            told, start = out[start:], len(out)
            news = News(out, {outcome.order_id for outcome in told if is_over(outcome)})
            for outcome in told:
                if isinstance(outcome, Fill):
                    self._feed(outcome, news)
            for outcome in told:
                group = self.of.get(outcome.order_id)
                if group is None:
                    continue
                if outcome.order_id == group.entry:
                    self._after_entry(group, outcome, news)
                else:
                    self._after_leg(group, outcome, news)
            self._tell(news)

    def _feed(self, fill: Fill, news: News) -> None:
        """Let the legs want what their entry has filled; before their own fills are counted."""
        group = self.of.get(fill.order_id)
        if group is None or group.entry != fill.order_id:
            return
        group.price = fill.price
        for leg in group.legs:
            if leg.leaves or group.is_held:  # else it has filled in this very answer, and is over
                news.size(leg, fill.quantity)

    def _after_entry(self, group: Group, outcome: Outcome, news: News) -> None:
        """An entry that ends takes its legs along if there is nothing for them to do."""
        if not is_over(outcome):
            return
        self._leave(group, outcome.order_id)
        if not any(leg.leaves for leg in group.legs):
            for leg in tuple(group.legs):
                self._end(group, leg.id, outcome, "entry_ended", news)

    def _after_leg(self, group: Group, outcome: Outcome, news: News) -> None:
        """What a leg does shrinks or ends the other one, and ends the entry."""
        codes = _CODES.get(type(outcome))
        if codes is None:
            return
        if is_over(outcome):
            self._leave(group, outcome.order_id)
        for leg in tuple(group.legs):
            if leg.id == outcome.order_id:
                continue
            if isinstance(outcome, Fill):
                news.size(leg, -outcome.quantity)
                assert leg.leaves >= 0, "both legs want the same"
            if not isinstance(outcome, Fill) or not leg.leaves:
                self._end(group, leg.id, outcome, codes[0], news)
        if group.entry is not None:
            self._end(group, group.entry, outcome, codes[1], news)

    def _end(self, group: Group, order_id: str, cause: Outcome, code: str, news: News) -> None:
        """End an order because another has ended: by the same time, or canceled."""
        self._leave(group, order_id)
        if order_id in news.over:
            return
        self._withdraw(order_id)
        is_time = isinstance(cause, Expired)
        news.out.append(Expired(order_id) if is_time else canceled(order_id, code))

    def _leave(self, group: Group, order_id: str) -> None:
        del self.of[order_id]
        if group.entry == order_id:
            group.entry = None
        else:
            group.legs = [leg for leg in group.legs if leg.id != order_id]

    def _tell(self, news: News) -> None:
        """Say what legs want now that are still open; those that were held begin to work."""
        open_ = [(leg, was) for leg, was in news.sized.values() if leg.id in self.of]
        for leg, was in open_:
            if leg.leaves != was and not self.of[leg.id].is_held:
                code = "entry_filled" if leg.leaves > was else "other_leg_filled"
                news.out.append(Resized(leg.id, leg.leaves, code))
        for leg, _ in open_:
            if self.of[leg.id].is_held:
                self._release(self.of[leg.id], news.out)

    def _release(self, group: Group, out: list[Outcome]) -> None:
        """Put held legs to work: the stop first, which sleeps, so that the pair is complete."""
        group.is_held = False
        for leg in group.legs:
            leg.priority = next(self._places)
            if leg.type is OrderType.TRAILING_STOP:
                start_behind(leg, group.price)
            out.append(Released(leg.id, leg.leaves, leg.priority, leg.mark, leg.stop))
        for leg in reversed(group.legs):
            out += self._enter(leg)


_CODES = {
    Fill: ("other_leg_filled", "exit_began"),
    Triggered: ("other_leg_fired", "exit_began"),
    Canceled: ("other_leg_ended", "legs_ended"),
    Expired: ("other_leg_ended", "legs_ended"),
}
"""What a leg's outcome means, for the other leg and for what is left of the entry."""
