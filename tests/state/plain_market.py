"""The rules of matching written down plainly, for one instrument: lists that are scanned.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Whom one trades with" and "Orders". Where an order stands is a word:

    asleep    a stop whose trigger has not come
    fired     a stop whose trigger came with the quote that stands, or an order for the opening:
              the next new quote works it
    waiting   for a quote that is fresh: a market order, a limit that may not rest, that has just
              fired or was on its way
    closing   an order for the close
    resting   on the book
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tests.state.plain_costs import trailing_stop
from tests.state.plain_groups import PlainGroups
from tests.state.plain_terms import ZERO, PlainOrder, PlainTick, is_good, worth

MANY = Decimal(10**9)


class PlainMarket:
    """Answers with what happened: ("fill", order, quantity, price, match, is over),
    ("rested", order), ("trailed", order), ("triggered", order), ("canceled", order).

    taken is what was had of the quote's sizes, printed_left what is left of the newest print; age
    is how old the quote was found at most, None where there is none to trade on. known is the last
    word there was, whatever it is good for. is_away: the exchange is not in its session.
    """

    def __init__(self, has_feed: bool, places: Callable[[], tuple[int, int]]) -> None:
        self.has_feed = has_feed
        self.groups = PlainGroups(places, self.remove, self.enter)
        self.orders: list[PlainOrder] = []
        self.tick: PlainTick | None = None
        self.known: PlainTick | None = None
        self.is_away = False
        self.taken = {"buy": ZERO, "sell": ZERO}
        self.printed_left = ZERO
        self.age: timedelta | None = None

    # --- what happens

    def submit(self, order: PlainOrder, now: datetime) -> list[tuple]:
        if order.is_asleep:
            return self.put(order, "asleep")
        if order.tif in ("opg", "cls"):
            return self.put(order, "closing" if order.tif == "cls" else "fired")
        self.look_at_the_clock(now)
        return self.enter(order)

    def enter(self, order: PlainOrder) -> list[tuple]:
        """Let a stop fall asleep, and any other wait for a quote that it needs, or trade."""
        if order.is_asleep:
            return self.put(order, "asleep")
        must_be_quoted = not order.may_rest or order.starts_at > order.accepted_at
        if self.has_feed and must_be_quoted and not self.serves(order):
            return self.put(order, "waiting")
        return self.work(order)

    def restore(self, order: PlainOrder) -> None:
        """Put an order back; one that has fired or was on its way needs the next quote."""
        was_away = order.triggered or (self.has_feed and order.starts_at > order.accepted_at)
        order.queue = None
        if order.is_asleep:
            self.put(order, "asleep")
        elif order.tif == "cls":
            self.put(order, "closing")
        else:
            self.put(order, "resting" if order.may_rest and not was_away else "waiting")

    def close(self, order: PlainOrder, at: datetime) -> list[tuple]:
        """Work an order for the close on the last quote, if that is fresh."""
        self.remove(order)
        self.look_at_the_clock(at)
        return self.work(order) if self.serves(order) else [("canceled", order)]

    def take_place(self, old: PlainOrder, new: PlainOrder) -> None:
        """Let an order that wants less stand where the one stood that it replaces."""
        self.remove(old)
        new.where, new.queue = "resting", old.queue
        self.orders.append(new)

    def remove(self, order: PlainOrder) -> None:
        self.orders = [other for other in self.orders if other is not order]
        order.where = None

    def hear(self, tick: PlainTick, now: datetime) -> list[tuple]:
        """Fill whom the quote meets, then wake the stops its print triggers."""
        known = self.known
        if not self.has_feed:
            return []
        if known is not None and (tick.as_of < known.as_of or tick.quote == known.quote):
            return []
        if known is None or (tick.is_new_quote and tick.has_sizes) or not known.has_sizes:
            self.taken = {"buy": ZERO, "sell": ZERO}
        self.known = tick
        if self.is_away:
            return []
        self.tick, self.age, self.printed_left = tick, timedelta(0), tick.printed
        self.look_at_the_clock(now)
        for order in self.orders:
            if order.where == "fired" and tick.is_new_quote and self.serves(order):
                order.where = "waiting"
        out = self.work_waiting(lambda order: order.limit is None)
        out += self.meet_resting("buy") + self.meet_resting("sell")
        out += self.work_waiting(lambda order: order.limit is not None)
        return out if tick.print is None else out + self.wake(tick.print)

    def turn(self, is_away: bool) -> None:
        """Let the session begin or end: nobody has quoted yet in what comes then."""
        if self.is_away != is_away:
            self.is_away, self.tick, self.age = is_away, None, None

    def fall_silent(self) -> None:
        """What the market said is no good any more."""
        self.age = None

    # --- a quote's work

    def work_waiting(self, is_wanted) -> list[tuple]:
        out = []
        queue = [o for o in self.orders if o.where == "waiting" and is_wanted(o)]
        for order in sorted(queue, key=lambda o: o.priority):
            if order.where == "waiting" and self.serves(order):
                self.remove(order)
                out += [line for line in self.work(order) if line[0] != "rested"]
        return out

    def meet_resting(self, side: str) -> list[tuple]:
        out = []
        resting = [o for o in self.orders if o.where == "resting" and o.side == side]
        for order in sorted(resting, key=lambda o: (-worth(side, o.limit), o.priority)):
            if not self.serves(order):
                continue
            price, most = self.met(order)
            quantity = min(order.leaves, self.left(order), most)
            if quantity > 0:
                self.give(order, quantity)
                if most < MANY:
                    self.printed_left -= quantity
                out.append(self.fill(order, quantity, price))
        return out

    def met(self, order: PlainOrder) -> tuple[Decimal, Decimal]:
        """Return (price, how much at most) that a resting order is met at: by quote or print.

        The market goes through its limit, or comes to it and no further: what that is worth is the
        profile's word. What was ahead in the queue is counted down by the prints.
        """
        limit, last, printed = order.limit, self.tick.print, self.tick.printed
        offer = self.quoted(order)
        at = [price for price in (offer, last) if price is not None]
        at = [price for price in at if is_good(order.side, limit, price)]
        ahead = ZERO
        if order.profile.touch != "fills":
            if any(price != limit for price in at):
                order.queue = ZERO
            elif order.profile.touch == "never":
                return limit, ZERO
            else:
                self.join(order)
                ahead = order.queue or ZERO
                if last == limit:
                    order.queue = max(ZERO, ahead - printed)
        if offer in at and not order.queue:
            return offer, MANY
        if last not in at:
            return limit, ZERO
        if order.profile.is_unlimited or not printed:
            return limit, ZERO if ahead else MANY
        return limit, self.printed_left - ahead

    def join(self, order: PlainOrder) -> None:
        """Stand behind what is displayed at its price; where the market has left it, first."""
        if order.profile.touch != "queue" or self.tick is None or not self.serves(order):
            return
        own = self.tick.bid if order.side == "buy" else self.tick.ask
        if own == order.limit and order.queue is None and self.tick.has_sizes:
            order.queue = self.tick.bid_size if order.side == "buy" else self.tick.ask_size
        elif own not in (None, order.limit) and is_good(order.side, order.limit, own):
            order.queue = ZERO

    def wake(self, last: Decimal) -> list[tuple]:
        """Let trailing stops follow a print, then fire the stops that it reaches."""
        asleep = [o for o in self.orders if o.where == "asleep" and self.serves(o)]
        asleep.sort(key=lambda o: o.priority)
        trailing = [o for o in asleep if o.mark is not None]
        moved = [o for o in trailing if (last > o.mark if o.side == "sell" else last < o.mark)]
        for order in moved:
            order.mark = last
            order.stop = stop_behind(order)
        buys = [o for o in asleep if o.side == "buy" and last >= o.stop]
        sells = [o for o in asleep if o.side == "sell" and last <= o.stop]
        woken = sorted(buys, key=lambda o: (o.stop, o.priority))
        woken += sorted(sells, key=lambda o: (-o.stop, o.priority))
        for order in woken:
            order.where, order.triggered = "fired", True
        return [("trailed", order) for order in moved] + [("triggered", o) for o in woken]

    # --- one order

    def work(self, order: PlainOrder) -> list[tuple]:
        plan, met_itself = self.plan(order)
        is_whole = sum((quantity for _, quantity, _ in plan), ZERO) == order.leaves
        if order.tif == "fok" and not is_whole:
            return [("canceled", order)]
        out = []
        for other, quantity, price in plan:
            match = object() if other else None
            out.append(self.fill(order, quantity, price, match))
            if other is None:
                self.give(order, quantity)
            else:
                out.append(self.fill(other, quantity, price, match))
        if is_whole:
            return out
        has_one_look = order.tif in ("ioc", "opg", "cls")
        if met_itself or has_one_look or (order.limit is None and not self.has_feed):
            return [*out, ("canceled", order)]
        return out + self.put(order, "waiting" if order.limit is None else "resting")

    def plan(self, order: PlainOrder) -> tuple[list[tuple], bool]:
        """Return ([(other order or None for the street, quantity, price)], met itself)."""
        leaves = {other.number: other.leaves for other in self.orders}
        street, wanted, found = self.left(order), order.leaves, []
        while wanted:
            offer = self.best_offer(order, leaves, street)
            if offer is None:
                return found, False
            price, other = offer
            if other is not None and other.account == order.account:
                return found, True
            quantity = min(wanted, street if other is None else leaves[other.number])
            wanted -= quantity
            if other is None:
                street -= quantity
            else:
                leaves[other.number] -= quantity
            found.append((other, quantity, price))
        return found, False

    def best_offer(self, order: PlainOrder, leaves: dict, street: Decimal):
        """Return (price, other order or None for the street) that order would trade with next.

        At one price market orders that wait come before the book, the book before the street.
        """
        side, bound = order.side, order.bound
        others = [o for o in self.orders if o.side != side and leaves[o.number]]
        offers = [(worth(side, o.limit), 0, o.priority, o) for o in others if o.where == "resting"]
        price = self.quoted(order)
        if price is not None and street:
            offers.append((worth(side, price), 1, (0, 0), None))
        reach = None if bound is None else worth(side, bound)
        offers = sorted((o for o in offers if reach is None or o[0] <= reach), key=lambda o: o[:3])
        if order.limit is not None:
            price = abs(offers[0][0]) if offers else order.limit
            for other in sorted(others, key=lambda o: o.priority):
                is_market = other.where == "waiting" and other.limit is None
                if is_market and self.serves(other) and is_good(other.side, other.cap, price):
                    return price, other
        return (abs(offers[0][0]), offers[0][3]) if offers else None

    # --- small things

    def look_at_the_clock(self, now: datetime) -> None:
        """Notice how old the quote is; it does not get younger when the clock is set back."""
        if self.tick is not None and self.age is not None:
            self.age = max(self.age, now - self.tick.as_of)

    def serves(self, order: PlainOrder) -> bool:
        """Say whether the quote is young enough for an order, and later than it arrived."""
        if self.tick is None or self.age is None or self.age > order.profile.max_age:
            return False
        return order.profile.latency == timedelta(0) or self.tick.as_of >= order.starts_at

    def quoted(self, order: PlainOrder) -> Decimal | None:
        """Return the price that the market quotes to an order, whatever is left at it."""
        if not self.serves(order):
            return None
        return self.tick.ask if order.side == "buy" else self.tick.bid

    def left(self, order: PlainOrder) -> Decimal:
        """Return how much the market has left for an order."""
        if order.profile.is_unlimited:
            return MANY
        if self.tick is None:
            return ZERO
        shown = self.tick.ask_size if order.side == "buy" else self.tick.bid_size
        return max(ZERO, shown - self.taken[order.side])

    def give(self, order: PlainOrder, quantity: Decimal) -> None:
        """Count what an order has of the market's sizes; without limits it costs nobody any."""
        if not order.profile.is_unlimited:
            self.taken[order.side] += quantity

    def put(self, order: PlainOrder, where: str) -> list[tuple]:
        order.where = where
        if where == "resting":
            self.join(order)
        self.orders.append(order)
        return [("rested", order)]

    def fill(
        self, order: PlainOrder, quantity: Decimal, price: Decimal, match: object = None
    ) -> tuple:
        order.filled += quantity
        order.value += quantity * price
        if not order.leaves:
            self.remove(order)
        return ("fill", order, quantity, price, match, not order.leaves)


def stop_behind(order: PlainOrder) -> Decimal:
    """Return where a trailing stop stands behind its mark."""
    ticket = order.ticket
    return trailing_stop(order.side, order.mark, ticket.trail, ticket.trail_percent)
