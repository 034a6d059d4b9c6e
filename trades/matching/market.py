"""One instrument's market: its book, its stops, its waiting orders, and the street.

Rules (docs/trading-rules.md). Best price wins; at the same price customers come before the street
and earlier orders before later ones. Customers match at the resting order's price, the street
trades at its own. What is taken of the street's size is gone for everybody until a new quote.
An order never trades with its own account: the one being worked is canceled. What the street offers
an order is its realism profile's word; what customers offer each other is the same in all of them.
What follows from an outcome for other orders of its group (groups.py) is part of the same answer.
Outside of the session only orders with extended_hours are there; nothing prints for the stops.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, count

from bengi.terms import Side, TimeInForce
from instruments.realism import Profile
from trades.matching.aside import Aside, dismiss, readmit, uncross
from trades.matching.book import Book
from trades.matching.groups import Groups
from trades.matching.outcomes import (
    Expired,
    Outcome,
    Rested,
    Triggered,
    canceled,
    match_fills,
    street_fill,
    trailed,
)
from trades.matching.resting import join_queue, meet
from trades.matching.street import Street
from trades.matching.triggers import TriggerBook
from trades.matching.waiting import WaitingRoom, by_priority
from trades.matching.whole import why_not_whole
from trades.matching.working import StreetQuote, WorkingOrder, is_within, opposite

_BUY, _SELL, _CLS = Side.BUY, Side.SELL, TimeInForce.CLS
_AT_A_MOMENT = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_REMAINDERS = {TimeInForce.OPG: "opg_remainder", TimeInForce.CLS: "cls_remainder"}


class Market:
    """Matches the orders of one instrument. Pure: no clock, no I/O, same input, same answer.

    has_feed False: there is no street, quotes are ignored, and customers trade among themselves.
    tick and step are what prices and quantities are multiples of. groups knows which orders hang
    together; places gives the priorities of its legs as they begin. It begins in a session.
    """

    __slots__ = (
        *("_aside", "_book", "_street", "_triggers", "_waiting"),
        *("groups", "has_feed", "instrument_id", "tick"),
    )

    def __init__(
        self,
        instrument_id: str,
        has_feed: bool = True,
        *,
        tick: int = 1,
        step: int = 1,
        places: Iterator[int] | None = None,
    ) -> None:
        self.instrument_id = instrument_id
        self.has_feed = has_feed
        self.tick = tick
        self._book = Book()
        self._triggers = TriggerBook()
        self._waiting = WaitingRoom()
        self._aside: Aside | None = None
        self._street = Street(tick, step)
        self.groups = Groups(places or count(1), withdraw=self._remove, enter=self._enter)

    # --- what happens to it

    def submit(self, order: WorkingOrder, now: datetime) -> list[Outcome]:
        """Work a new order. The last outcome says where it ended, unless its fills used it up.

        The market owns the order from here on. Orders come with rising priority.
        """
        assert order.leaves > 0
        assert self.find(order.id) is None
        assert order.extended_hours or not self.is_extended
        if order.is_dormant:
            return self._enter(order)
        if order.time_in_force in _AT_A_MOMENT:
            room = self._waiting.closing if order.time_in_force is _CLS else self._waiting.fired
            room[order.id] = order
            return [Rested(order.id)]
        self._street.look_at_clock(now)
        return self.settle(self._enter(order))

    def settle(self, out: list[Outcome]) -> list[Outcome]:
        """Add to outcomes, and return with them, what follows for the other orders of groups."""
        if out and self.groups.of:
            self.groups.settle(out)
        return out

    def restore(self, order: WorkingOrder) -> None:
        """Put an open order back where it was, without matching. Call in order of priority.

        A stop limit that has fired, or an order that was on its way, may not have met the book yet:
        it waits for the next quote, which works it and puts it at its place.
        """
        aside = None if order.extended_hours else self._aside
        waiting = aside.waiting if aside else self._waiting
        if order.is_dormant:
            self._triggers.add(order)
        elif order.time_in_force is _CLS:
            waiting.closing[order.id] = order
        elif order.triggered or self._was_on_its_way(order) or not self._may_rest(order):
            waiting.add(order)
        elif aside:
            aside.resting[order.id] = order
        else:
            self._put(order)

    def cancel(self, order_id: str, code: str = "user") -> list[Outcome]:
        """Cancel an open order, on request unless code says why; empty when it is not open here."""
        is_here = self._remove(order_id) or self.groups.is_held(order_id)
        return self.settle([canceled(order_id, code)]) if is_here else []

    def close(self, order_id: str, now: datetime) -> list[Outcome]:
        """Work an order for the close on the last quote, if that is fresh, and cancel its rest."""
        waiting = self._aside.waiting if self._aside else self._waiting
        order = waiting.closing.pop(order_id, None)
        if order is None:
            return []
        self._street.look_at_clock(now)
        if self._aside or not self._street.serves(order):
            return [canceled(order_id, "cls_remainder")]
        return self.settle(self._decide(order))

    def swap(self, order_id: str, order: WorkingOrder) -> list[Outcome]:
        """Put an order in the place of a resting one that wants less and is else the same.

        It keeps the priority. Empty when nothing rests under order_id.
        """
        resting = self._aside.resting if self._aside else {}
        old = self._book.cancel(order_id) or resting.pop(order_id, None)
        if old is None:
            return []
        assert (order.limit, order.side) == (old.limit, old.side)
        assert 0 < order.leaves <= old.leaves
        order.priority, order.queue_ahead = old.priority, old.queue_ahead
        if self.is_extended and not order.extended_hours:
            resting[order.id] = order
        else:
            self._book.insert(order)
        return [Rested(order.id)]

    def expire(self, which: Iterable[str] | Callable[[WorkingOrder], bool]) -> list[Outcome]:
        """Expire the open orders named by id, or all that which() picks, by priority."""
        if callable(which):
            which = [order.id for order in self.open_orders() if which(order)]
        gone = [each for each in which if self._remove(each) or self.groups.is_held(each)]
        return self.settle([Expired(order_id) for order_id in gone])

    def on_quote(self, quote: StreetQuote, now: datetime) -> list[Outcome]:
        """Hear the market: fill everybody against the quote, then fire the stops on its print.

        Market orders come first, then resting limits by price and time, then limits that waited
        for this: ioc, fok, stop limits that have fired and what was on its way. Trailing stops
        follow the print before stops fire on it, and neither do outside of the session. Old news
        changes no order, and a quote too old for an order's profile does not change that one.
        """
        if not self.has_feed or not self._street.hear(quote):
            return []
        self._street.look_at_clock(now)
        out: list[Outcome] = []
        somebody_waits = bool(self._waiting)
        if somebody_waits:
            if quote.is_new:
                self._waiting.admit_fired(self._street.serves)
            self._work_waiting(self._waiting.all_markets(), out)
        bid, ask = self._book.best(_BUY), self._book.best(_SELL)
        if bid is not None and bid >= self._street.lowest:
            self._fill_resting(_BUY, self._street.lowest, out)
        if ask is not None and ask <= self._street.highest:
            self._fill_resting(_SELL, self._street.highest, out)
        if somebody_waits:
            self._work_waiting(self._waiting.all_limits(), out)
        last, stops = quote.last, self._triggers
        if last is not None and self._aside is None:
            if not stops.trails.falls_at <= last <= stops.trails.rises_at:
                out += (trailed(order) for order in stops.trail(last, self._street.serves))
            if not stops.sell_at < last < stops.buy_at:
                self._fire(last, out)
        return self.settle(out)

    def fall_silent(self) -> None:
        """Forget the market's quote: the street offers nothing until the market speaks again."""
        self._street.fall_silent()

    def leave_session(self) -> None:
        """Go on with orders that have extended_hours alone; the others keep their places.

        The session's last quote is none of theirs: nobody has quoted yet.
        """
        if self._aside is not None:
            return
        self._book, self._aside = dismiss(self._book, self._waiting)
        self._street.begin_anew()

    def enter_session(self) -> list[Outcome]:
        """Let everybody work again, and trade what meets then.

        Nobody has quoted yet in the session.
        """
        if self._aside is not None:
            self._book = readmit(self._book, self._waiting, self._aside)
            self._aside = None
            self._street.begin_anew()
        return self.settle(uncross(self._book))

    # --- what can be seen of it

    @property
    def is_extended(self) -> bool:
        """Only orders with extended_hours are at work."""
        return self._aside is not None

    @property
    def quote(self) -> StreetQuote | None:
        """The newest quote heard, with the sizes it was displayed with."""
        return self._street.quote

    def view(self, profile: Profile) -> StreetQuote | None:
        """Return the newest quote as the orders of a profile see it."""
        return self._street.view(profile)

    def shown(self, quote: StreetQuote, profile: Profile) -> StreetQuote:
        """Return a quote heard before as the orders of a profile saw it."""
        return self._street.shown(quote, profile)

    def open_orders(self) -> list[WorkingOrder]:
        """Return every open order, by priority."""
        return sorted(self._everybody(), key=by_priority)

    def find(self, order_id: str) -> WorkingOrder | None:
        """Return an order at work; None when it is not at work here, as a leg that is held."""
        book, stops, waiting = self._book, self._triggers, self._waiting
        found = book.get(order_id) or stops.get(order_id) or waiting.get(order_id)
        return found or (self._aside.get(order_id) if self._aside else None)

    def best(self, side: Side) -> int | None:
        """Return the best resting customer price of a side."""
        return self._book.best(side)

    def levels(self, side: Side, count: int) -> list[tuple[int, int]]:
        """Return up to count (price, quantity) of resting customer orders, best price first."""
        depth = zip(range(count), self._book.walk(side), strict=False)
        return [(price, sum(order.leaves for order in queue)) for _, (price, queue) in depth]

    # --- one order

    def _enter(self, order: WorkingOrder) -> list[Outcome]:
        """Let a stop fall asleep, and any other decide now if the market does not have to speak."""
        if order.is_dormant:
            self._triggers.add(order)
        elif self._has_to_wait(order):
            self._waiting.add(order)
        else:
            return self._decide(order)
        return [Rested(order.id)]

    def _decide(self, order: WorkingOrder) -> list[Outcome]:
        """Work an order that may trade now and put its rest where it belongs.

        Returns its fills and, if the order is live after them, Rested; or what ended it.
        """
        out: list[Outcome] = []
        if order.time_in_force is TimeInForce.FOK:
            reason = why_not_whole(order, self._book, self._street, self._waiting_for)
            if reason is not None:
                return [canceled(order.id, reason)]
        met_itself = self._take(order, out)
        if order.leaves == 0:
            return out
        reason = "self_trade" if met_itself else self._why_not_live(order)
        if reason is not None:
            out.append(canceled(order.id, reason))
            return out
        self._put(order)
        out.append(Rested(order.id))
        return out

    def _put(self, order: WorkingOrder) -> None:
        """Rest a limit order on the book, let any other wait for the next quote.

        A stop limit came to the engine long before it comes to the book, and keeps that place; so
        does an order that was on its way.
        """
        if not self._may_rest(order):
            self._waiting.add(order)
            return
        join_queue(order, self._street)
        if order.triggered or self._was_on_its_way(order):
            self._book.insert(order)
        else:
            self._book.add(order)

    def _take(self, order: WorkingOrder, out: list[Outcome]) -> bool:
        """Trade with everybody in reach, best price first. True: it met its own account."""
        while order.leaves:
            price = self._best_against(order)
            if price is None or not is_within(price, order.bound, order.side):
                return self._take_waiting(order, order.limit, out)
            if order.budget is not None:
                wanted = order.wants(price)
                if not wanted:
                    return False
                order.leaves = wanted
            if self._take_waiting(order, price, out) or self._take_book(order, price, out):
                return True
            is_offered = order.leaves and self._street.offer(order) == price
            if is_offered and not self._take_street(order, price, out):
                return False
        return False

    def _best_against(self, order: WorkingOrder) -> int | None:
        """Return the best price anybody on the other side offers: a resting order or the street."""
        book = self._book.best(opposite(order.side))
        street = self._street.offer(order)
        if book is None or street is None:
            return street if book is None else book
        return min(book, street) if order.side is Side.BUY else max(book, street)

    def _take_book(self, order: WorkingOrder, price: int, out: list[Outcome]) -> bool:
        """Trade with the resting orders at price. True: the next one is of the same account."""
        for maker, quantity in self._book.take(order.side, order.leaves, price, order.account_id):
            order.count(quantity, price)
            out += match_fills(order, maker, quantity, price)
        return order.leaves > 0 and self._book.best(opposite(order.side)) == price

    def _take_street(self, order: WorkingOrder, price: int, out: list[Outcome]) -> bool:
        """Trade with the street, which moves its price by what is taken where it shows no size.

        False: a budget buys nothing at the price that leaves.
        """
        if order.budget is not None:
            more = min(order.leaves, self._street.left(order))
            wanted = order.wants(self._street.price_after_impact(order, price, more))
            if not wanted:
                return False
            order.leaves = wanted
        quantity = self._street.give(order)
        price = self._street.price_after_impact(order, price)
        order.spend(quantity, price)
        out.append(street_fill(order, quantity, price))
        return True

    def _take_waiting(self, order: WorkingOrder, price: int | None, out: list[Outcome]) -> bool:
        """Trade a limit order with the market orders that wait for one, at price.

        They stand ahead of every limit: at the best price somebody else offers the order, else at
        the order's own limit. True: the next one is of the same account.
        """
        if price is None:
            return False
        met_itself, used_up = False, []
        for maker in self._waiting_for(order, price):
            if not order.leaves:
                break
            quantity = min(order.leaves, maker.wants(price))
            if not quantity:
                continue
            if maker.account_id == order.account_id:
                met_itself = True
                break
            order.count(quantity, price)
            maker.count(quantity, price)
            if not maker.leaves:
                used_up.append(maker.id)
            out += match_fills(order, maker, quantity, price)
        for order_id in used_up:
            self._waiting.cancel(order_id)
        return met_itself

    def _waiting_for(self, order: WorkingOrder, price: int) -> Iterator[WorkingOrder]:
        """Yield the market orders that may trade with order at price, by priority.

        Two market orders name no price, and while the quote is stale for one it sits still.
        """
        if order.limit is None:
            return iter(())
        takers = self._waiting.takers(opposite(order.side), price)
        return (maker for maker in takers if self._street.serves(maker))

    def _was_on_its_way(self, order: WorkingOrder) -> bool:
        return self.has_feed and order.starts_at is not None

    def _has_to_wait(self, order: WorkingOrder) -> bool:
        """Say whether an order that comes has to wait for the market's next word.

        What may rest does not need one, unless it is still on its way.
        """
        if not self.has_feed or self._street.serves(order):
            return False
        return self._was_on_its_way(order) or not self._may_rest(order)

    def _may_rest(self, order: WorkingOrder) -> bool:
        return order.limit is not None and not order.is_immediate

    def _why_not_live(self, order: WorkingOrder) -> str | None:
        """Return the reason why what is left of an order cannot stay; None when it can."""
        if order.is_immediate:
            return _REMAINDERS.get(order.time_in_force, "ioc_remainder")
        if order.limit is None and not self.has_feed:
            return "market_remainder"
        return None

    # --- everybody

    def _work_waiting(self, queue: Iterable[WorkingOrder], out: list[Outcome]) -> None:
        """Work those who wait; of one that goes on waiting there is nothing new to tell."""
        for order in queue:
            if self._street.serves(order):
                self._waiting.cancel(order.id)
                out += (each for each in self._decide(order) if not isinstance(each, Rested))

    def _fill_resting(self, side: Side, reach: int, out: list[Outcome]) -> None:
        """Fill the resting orders of a side that the street meets, by price and then by time.

        reach: those that are not as good as this it does not meet.
        """
        for order in self._book.reached(side, reach):
            quantity, price = meet(order, self._street)
            if not order.leaves:
                self._book.cancel(order.id)
            if quantity:
                out.append(street_fill(order, quantity, price))

    def _fire(self, last: int, out: list[Outcome]) -> None:
        """Wake the stops that a print at last triggers; the next new quote works them."""
        for order in self._triggers.fire(last):
            if not self._street.serves(order):
                self._triggers.add(order)
                continue
            order.triggered = True
            self._waiting.fired[order.id] = order
            out.append(Triggered(order.id, last))

    def _remove(self, order_id: str) -> bool:
        rooms = (self._book, self._triggers, self._waiting, self._aside)
        return any(room.cancel(order_id) is not None for room in rooms if room is not None)

    def _everybody(self) -> Iterator[WorkingOrder]:
        return chain(self._book, self._triggers, self._waiting, self._aside or ())
