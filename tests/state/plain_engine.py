"""The engine written down plainly: what is waiting is worked in the order in which it happened.

Part of the model: nothing of the project is imported here. docs/trading-rules.md and
docs/trading.md are the sources. What it knows of the market is its memory's alone.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

from tests.state.plain_calendar import PlainCalendar
from tests.state.plain_costs import worst_cost
from tests.state.plain_issuers import PlainIssuers
from tests.state.plain_market import PlainMarket, stop_behind
from tests.state.plain_terms import AT_A_MOMENT, PlainOrder, PlainTick

MOVES_WRITTEN_EVERY = timedelta(seconds=1)
A_MOMENT = timedelta(microseconds=1)

EXPIRE_AT_THE_CLOSE, EXPIRE, TURN, CANCEL, REPLACE, SUBMIT_AT_THE_TURN, TICK, SUBMIT = range(8)
"""What comes first of things that happen at the same moment."""

Work = tuple[datetime, int, Callable[[], None]]


class PlainEngine:
    """moved: trailing stops whose newest move is not in the books yet; written_at: when one was.

    unseen: what the market said of instruments that nobody has an order for.
    """

    def __init__(self, broker: PlainIssuers) -> None:
        self.broker = broker
        self.queue: list[PlainTick] = []
        self.batches = 0
        self.places = count()
        self.forget()

    def forget(self) -> None:
        """Lose all memory; the orders stand in the books, trailing stops where they last stood."""
        self.markets: dict[str, PlainMarket] = {}
        self.unseen: dict[str, PlainTick] = {}
        self.moved: dict[int, PlainOrder] = {}
        self.written_at: dict[int, datetime] = {}
        self.day: PlainDay | None = None
        self.halted: set[str] = set()
        for order in self.broker.orders.values():
            order.mark, order.stop = order.written
            order.since = None

    def restart(self) -> None:
        self.forget()
        seen = [o for o in self.broker.orders.values() if o.is_open and o.priority is not None]
        for order in sorted(seen, key=lambda o: o.priority):
            order.since = order.updated_at
            self.market(order.symbol).restore(order)

    def drain(self, now: datetime) -> None:
        """Work everything that is waiting, and a split when what came before it is done."""
        for split in self.broker.due_splits(now):
            self._batch(min(now, split.at - A_MOMENT), split.at)
            self.forget()
            self.broker.apply_split(split, now)
            self.restart()
        self._batch(now)
        self.broker.pay_dividends(now)

    def _batch(self, now: datetime, before: datetime | None = None) -> None:
        """Work what is waiting; of what happened before a moment alone, if one is named."""
        self.batches += 1
        if self.day is None:
            self.day = PlainDay(self.broker.calendar, now)
            self._turn_markets()
        self._silence_what_is_halted()
        work: list[Work] = [
            (tick.as_of, TICK, lambda tick=tick: self._hear(tick, now))
            for tick in self._take(before)
        ]
        work += [(at, TURN, lambda at=at: self._turn(at)) for at in self.day.due(now)]
        for order in self.broker.orders.values():
            work += self._work_of(order, now)
        work = [item for item in work if before is None or item[0] < before]
        self.places = count()
        for _, _, do in sorted(work, key=lambda item: item[:2]):
            do()
        self._write_moves(now)

    def _take(self, before: datetime | None) -> list[PlainTick]:
        """Take ticks out of the queue, up to the first that is not of before a moment."""
        taken = []
        while self.queue and (before is None or self.queue[0].as_of < before):
            taken.append(self.queue.pop(0))
        return taken

    def market(self, symbol: str) -> PlainMarket:
        if symbol not in self.markets:
            has_feed = self.broker.instruments[symbol].has_feed
            market = PlainMarket(has_feed, self._place)
            market.turn(self._is_outside(symbol))
            tick = self.unseen.pop(symbol, None)
            if tick is not None and self._hears(symbol, tick.as_of):
                market.hear(tick, tick.as_of)
            self.markets[symbol] = market
        return self.markets[symbol]

    def _silence_what_is_halted(self) -> None:
        """What the market said before a halt is no good after it."""
        halted = {symbol for symbol, each in self.broker.instruments.items() if each.is_halted}
        for symbol in halted - self.halted:
            self.unseen.pop(symbol, None)
            if symbol in self.markets:
                self.markets[symbol].fall_silent()
        if self.halted - halted:
            self.day.is_due_again = True
        self.halted = halted

    def _turn(self, at: datetime) -> None:
        """Let New York's session begin or end in its markets."""
        self.day.is_outside = not self.broker.calendar.is_open("new york", at)
        self._turn_markets()

    def _turn_markets(self) -> None:
        for symbol, market in self.markets.items():
            if self._is_outside(symbol) or symbol not in self.halted:
                market.turn(self._is_outside(symbol))

    def _is_outside(self, symbol: str) -> bool:
        is_of_new_york = symbol in self.broker.of_new_york
        return is_of_new_york and self.day is not None and self.day.is_outside

    def _hears(self, symbol: str, at: datetime) -> bool:
        """Say whether what was said at a moment is of the part of the day that there is."""
        if self._is_outside(symbol):
            return self.broker.calendar.is_extended(at)
        return self.broker.is_open(symbol, at)

    def _since(self, order: PlainOrder) -> datetime:
        """Return when an order comes; one that waited for a session comes as it begins."""
        if order.symbol not in self.broker.of_new_york:
            return order.accepted_at
        return max(order.accepted_at, self.day.since)

    # --- what there is to do

    def _work_of(self, order: PlainOrder, now: datetime) -> Iterator[Work]:
        is_over = self._is_over(order, now)
        if order.status == "pending_cancel":
            yield order.updated_at, CANCEL, lambda: self._cancel(order, now)
        elif order.waits_to_replace and order.replaces.status == "pending_replace":
            yield self._since(order), REPLACE, lambda: self._take_over(order, now)
        elif order.status != "accepted" or order.leg == "stop_loss":
            pass
        elif self.broker.is_trading(order.symbol, now) or is_over:
            since = self._since(order)
            is_at_the_turn = since == self.day.since and order.symbol in self.broker.of_new_york
            rank = SUBMIT_AT_THE_TURN if is_at_the_turn else SUBMIT
            yield since, rank, lambda: self._submit(order, now)
        if order.is_open and order.priority is not None and is_over:
            ends_at = self.broker.ends_at(order)
            rank = EXPIRE_AT_THE_CLOSE if order.tif == "cls" else EXPIRE
            yield ends_at, rank, lambda: self._expire(order, ends_at)

    def _is_over(self, order: PlainOrder, now: datetime) -> bool:
        ends_at = self.broker.ends_at(order)
        return ends_at is not None and ends_at <= now

    def _hear(self, tick: PlainTick, now: datetime) -> None:
        split_at = self.broker.split_at(tick.symbol)
        is_of_old_shares = split_at is not None and tick.as_of < split_at
        is_halted = tick.symbol in self.halted
        if is_of_old_shares or is_halted or not self._hears(tick.symbol, tick.as_of):
            return
        market = self.markets.get(tick.symbol)
        if market is not None:
            self._book(market.hear(tick, now), tick.as_of)
            return
        known = self.unseen.get(tick.symbol)
        if known is None or tick.as_of >= known.as_of:
            self.unseen[tick.symbol] = tick

    def _place(self) -> tuple[int, int]:
        """Return a place in the queue behind all that have come."""
        return self.batches, next(self.places)

    def _submit(self, order: PlainOrder, now: datetime) -> None:
        """Work a new order; with an oco both, the stop before its take profit."""
        if not order.is_open:
            return
        is_over = self._is_over(order, now)
        if order.leg and order.leg == "take_profit" and not is_over:
            for stop in [leg for leg in order.group.legs if leg is not order]:
                stop.priority = self._place()
                self._book(self.market(order.symbol).submit(stop, now), now)
        order.priority = self._place()
        if is_over:
            self._book([("canceled" if order.tif in AT_A_MOMENT else "expired", order)], now)
        else:
            self._book(self.market(order.symbol).submit(order, now), now)

    def _cancel(self, order: PlainOrder, now: datetime) -> None:
        if order.is_open:
            self.market(order.symbol).remove(order)
            self._book([("canceled", order)], now)

    def _expire(self, order: PlainOrder, at: datetime) -> None:
        """End an order whose time is over; one for the close is worked the moment before."""
        market = self.market(order.symbol)
        if not order.is_open:
            return
        if order.tif == "cls" and order.where == "closing":
            self._book(market.close(order, at - A_MOMENT), at - A_MOMENT)
            return
        market.remove(order)
        self._book([("canceled" if order.tif in AT_A_MOMENT else "expired", order)], at)

    # --- replace

    def _take_over(self, new: PlainOrder, now: datetime) -> None:
        """Let an order take the place of another one, unless there is nothing left to take."""
        old = new.replaces
        if not old.is_open:
            return
        old.updated_at = max(old.updated_at, now)
        if new.quantity <= old.worked or old.triggered:
            seen = "accepted" if old.priority is None else "new"
            old.status = "partially_filled" if old.worked else seen
            self.broker.close(new, "rejected")
            return
        is_over = self._is_over(new, now)
        keeps_place = old.where == "resting" and only_wants_less(old, new) and not is_over
        mark = new.mark if old.where is None else old.mark
        market = self.market(old.symbol)
        if keeps_place:
            market.take_place(old, new)
            new.priority = old.priority
        else:
            market.remove(old)
        self._hand_over(old, new)
        new.updated_at = max(new.updated_at, now)
        if keeps_place:
            new.status = "new"
        elif self.broker.is_trading(new.symbol, now) and not self._is_outside(new.symbol):
            if new.mark is not None:
                new.mark = mark
                new.stop = stop_behind(new)
                new.written = (new.mark, new.stop)
            self._submit(new, now)

    def _hand_over(self, old: PlainOrder, new: PlainOrder) -> None:
        new.quantity -= old.worked
        new.status = "accepted"
        self.broker.close(old, "replaced")
        self._forget_moves(old)
        old.replaced_by = new.key
        if new.side == "buy":
            new.reserved = worst_cost(new)

    # --- what becomes of it

    def _book(self, outcomes: list[tuple], at: datetime) -> None:
        """Write down what happened; nothing happens to an order before it was last decided on."""
        if any(order.group for _, order, *_ in outcomes):
            outcomes = self.market(outcomes[0][1].symbol).groups.follow(outcomes)
        told = [order for what, order, *_ in outcomes if what != "trailed"]
        at = max([at, *(order.since or order.updated_at for order in told)])
        for order in told:
            order.since = at
        for what, order, *numbers in outcomes:
            order.updated_at = max(order.updated_at, at)
            if what == "fill":
                self.broker.book(order, *numbers[:3], at)
            elif what in ("canceled", "expired"):
                self.broker.close(order, what)
            elif what == "trailed":
                self.moved[order.number] = order
            else:
                self._say(what, order)
            if not order.is_open:
                self._forget_moves(order)

    def _say(self, what: str, order: PlainOrder) -> None:
        """Say where an order stands that goes on: "rested", "released" or "triggered"."""
        if what == "rested":
            order.status = "new" if order.status == "accepted" else order.status
            return
        order.written = (order.mark, order.stop)
        if what == "triggered":
            self._forget_moves(order)
        elif order.status == "held":
            order.status = "accepted"

    def _write_moves(self, now: datetime) -> None:
        """Write down where trailing stops have moved to, each at most once a second."""
        for number, order in list(self.moved.items()):
            written_at = self.written_at.get(number)
            if written_at is None or now - written_at >= MOVES_WRITTEN_EVERY:
                order.written = (order.mark, order.stop)
                self.written_at[number] = now
                del self.moved[number]

    def _forget_moves(self, order: PlainOrder) -> None:
        self.moved.pop(order.number, None)
        self.written_at.pop(order.number, None)


class PlainDay:
    """Where New York is in its day, as an engine knows it. since: from when on it has been there.

    An engine that begins lets every market turn at once.
    """

    def __init__(self, calendar: PlainCalendar, now: datetime) -> None:
        self.calendar = calendar
        self.is_outside = not calendar.is_open("new york", now)
        self.since, self.next = calendar.last_turn(now), calendar.next_turn(now)
        self.is_due_again = True

    def due(self, now: datetime) -> list[datetime]:
        """Take out the moments up to now at which New York turns."""
        found = [now] if self.is_due_again else []
        self.is_due_again = False
        while self.next <= now:
            self.since = self.next
            found.append(self.next)
            self.next = self.calendar.next_turn(self.next)
        return found


def only_wants_less(old: PlainOrder, new: PlainOrder) -> bool:
    """Say whether a limit order is the one it replaces but for a smaller quantity."""
    same = (old.limit, old.tif, old.ticket.expires_at) == (
        new.limit,
        new.tif,
        new.ticket.expires_at,
    )
    return same and new.quantity <= old.quantity
