"""The rules of matching written down plainly, for one instrument: lists that are scanned.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Whom one trades with" and "Orders". Where an order stands is a word:

    asleep    a stop whose trigger has not come
    fired     a stop whose trigger came with the quote that stands
    waiting   a market order, or an ioc or fok limit, that waits for a fresh quote
    resting   on the book
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

ZERO = Decimal(0)
MANY = Decimal(10**9)
IMMEDIATE = ("ioc", "fok")
CLOSED = ("filled", "canceled", "expired", "replaced", "rejected")


@dataclass
class PlainOrder:
    """One order of the model, from its ticket to its end. number counts orders as they came."""

    number: int
    key: str
    account: str
    symbol: str
    side: str
    type: str
    tif: str
    quantity: Decimal
    limit: Decimal | None
    stop: Decimal | None
    cap: Decimal | None
    accepted_at: datetime
    updated_at: datetime
    status: str = "accepted"
    filled: Decimal = ZERO
    value: Decimal = ZERO
    reserved: Decimal = ZERO
    commission: Decimal = ZERO
    levy: Decimal = ZERO
    priority: tuple[int, int] | None = None
    triggered: bool = False
    where: str | None = None
    queue: Decimal | None = None

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def body(self) -> tuple:
        prices = (self.limit, self.stop)
        return (self.symbol, self.side, self.type, self.tif, self.quantity, *prices)


@dataclass(frozen=True)
class PlainTick:
    """What a provider says; last is None where nothing was ever traded."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal
    ask_size: Decimal
    last: Decimal | None
    low: Decimal | None
    high: Decimal | None
    as_of: datetime
    is_new_quote: bool = True
    is_new_print: bool = True

    @property
    def is_sane(self) -> bool:
        """Prices above zero, not crossed, the print inside the day's range."""
        prices = (self.bid, self.ask, self.last, self.low, self.high)
        if any(price is not None and price <= 0 for price in prices):
            return False
        if self.bid is not None and self.ask is not None and self.bid > self.ask:
            return False
        if self.is_new_print and self.last is not None:
            return self.low <= self.last <= self.high
        return True

    @property
    def has_sizes(self) -> bool:
        return self.bid_size > 0 or self.ask_size > 0

    @property
    def print(self) -> Decimal | None:
        return self.last if self.is_new_print else None

    @property
    def printed(self) -> Decimal:
        """What was traded with the print: one share, nothing told where there are no sizes."""
        return Decimal(1) if self.has_sizes and self.print is not None else ZERO

    @property
    def quote(self) -> tuple:
        """Everything that makes it another quote than the one before."""
        last = self.last if self.is_new_print else None
        sides = (self.bid, self.ask, self.bid_size, self.ask_size)
        return (*sides, last, self.as_of, self.is_new_quote)


class PlainMarket:
    """Answers with what happened, in order: ("fill", order, quantity, price), ("rested", order),
    ("triggered", order), ("canceled", order), ("expired", order)."""

    def __init__(self, max_age: timedelta, has_feed: bool) -> None:
        self.max_age = max_age
        self.has_feed = has_feed
        self.orders: list[PlainOrder] = []
        self.tick: PlainTick | None = None
        self.taken = {"buy": ZERO, "sell": ZERO}
        self.printed_left = ZERO
        self.is_live = False

    # --- what happens

    def submit(self, order: PlainOrder, now: datetime) -> list[tuple]:
        if order.type == "stop" and not order.triggered:
            return self.put(order, "asleep")
        self.look_at_the_clock(now)
        if self.has_feed and not self.is_live and not may_rest(order):
            return self.put(order, "waiting")
        return self.work(order)

    def restore(self, order: PlainOrder) -> None:
        order.queue = None
        if order.type == "stop" and not order.triggered:
            self.put(order, "asleep")
        else:
            self.put(order, "resting" if may_rest(order) else "waiting")

    def remove(self, order: PlainOrder) -> None:
        self.orders = [other for other in self.orders if other is not order]
        order.where = None

    def hear(self, tick: PlainTick, now: datetime) -> list[tuple]:
        """Fill whom the quote meets, then wake the stops its print triggers."""
        known = self.tick
        if not self.has_feed:
            return []
        if known is not None and (tick.as_of < known.as_of or tick.quote == known.quote):
            return []
        if known is None or (tick.is_new_quote and tick.has_sizes) or not known.has_sizes:
            self.taken = {"buy": ZERO, "sell": ZERO}
        self.tick, self.is_live = tick, True
        self.printed_left = tick.printed
        self.look_at_the_clock(now)
        if not self.is_live:
            return []
        if tick.is_new_quote:
            for order in self.orders:
                order.where = "waiting" if order.where == "fired" else order.where
        out = self.work_waiting(lambda order: order.limit is None)
        out += self.meet_resting("buy") + self.meet_resting("sell")
        out += self.work_waiting(lambda order: order.limit is not None)
        if tick.is_new_print and tick.last is not None:
            out += self.wake(tick.last)
        return out

    # --- a quote's work

    def work_waiting(self, is_wanted) -> list[tuple]:
        out = []
        queue = [o for o in self.orders if o.where == "waiting" and is_wanted(o)]
        for order in sorted(queue, key=lambda o: o.priority):
            if order.where == "waiting":
                self.remove(order)
                out += [line for line in self.work(order) if line[0] != "rested"]
        return out

    def meet_resting(self, side: str) -> list[tuple]:
        out = []
        resting = [o for o in self.orders if o.where == "resting" and o.side == side]
        for order in sorted(resting, key=lambda o: (-worth(side, o.limit), o.priority)):
            price, most = self.met(order)
            quantity = min(order.leaves, self.left(side), most)
            if quantity > 0:
                self.taken[side] += quantity
                if most < MANY:
                    self.printed_left -= quantity
                out.append(self.fill(order, quantity, price))
        return out

    def met(self, order: PlainOrder) -> tuple[Decimal, Decimal]:
        """Return (price, how much at most): what is quoted, or what a print has left to give.

        Through the limit, or at it when those who were ahead in the queue have traded.
        """
        side, limit, last, printed = order.side, order.limit, self.tick.print, self.tick.printed
        offer = self.tick.ask if side == "buy" else self.tick.bid
        by_quote = offer is not None and is_good(side, limit, offer)
        if any(p not in (None, limit) and is_good(side, limit, p) for p in (offer, last)):
            order.queue = ZERO
            if by_quote:
                return offer, MANY
            return limit, self.printed_left if printed else MANY
        self.join(order)
        ahead = order.queue or ZERO
        if last == limit:
            order.queue = max(ZERO, ahead - printed)
        if by_quote and not order.queue:
            return limit, MANY
        if last == limit and printed:
            return limit, self.printed_left - ahead
        return limit, MANY if last == limit and not ahead else ZERO

    def join(self, order: PlainOrder) -> None:
        """Stand behind what is displayed at its price; where the market has left it, first."""
        if not self.is_live or self.tick is None:
            return
        own = self.tick.bid if order.side == "buy" else self.tick.ask
        if own == order.limit and order.queue is None and self.tick.has_sizes:
            order.queue = self.tick.bid_size if order.side == "buy" else self.tick.ask_size
        elif own not in (None, order.limit) and is_good(order.side, order.limit, own):
            order.queue = ZERO

    def wake(self, last: Decimal) -> list[tuple]:
        asleep = [o for o in self.orders if o.where == "asleep"]
        buys = [o for o in asleep if o.side == "buy" and last >= o.stop]
        sells = [o for o in asleep if o.side == "sell" and last <= o.stop]
        woken = sorted(buys, key=lambda o: (o.stop, o.priority))
        woken += sorted(sells, key=lambda o: (-o.stop, o.priority))
        for order in woken:
            order.where, order.triggered = "fired", True
        return [("triggered", order) for order in woken]

    # --- one order

    def work(self, order: PlainOrder) -> list[tuple]:
        plan, met_itself = self.plan(order)
        is_whole = sum((quantity for _, quantity, _ in plan), ZERO) == order.leaves
        if order.tif == "fok" and not is_whole:
            return [("canceled", order)]
        out = []
        for other, quantity, price in plan:
            out.append(self.fill(order, quantity, price))
            if other is None:
                self.taken[order.side] += quantity
            else:
                out.append(self.fill(other, quantity, price))
        if is_whole:
            return out
        if met_itself or order.tif == "ioc" or (order.limit is None and not self.has_feed):
            return [*out, ("canceled", order)]
        return out + self.put(order, "waiting" if order.limit is None else "resting")

    def plan(self, order: PlainOrder) -> tuple[list[tuple], bool]:
        """Return ([(other order or None for the street, quantity, price)], met itself)."""
        leaves = {other.number: other.leaves for other in self.orders}
        street, wanted, found = self.left(order.side), order.leaves, []
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
        side, bound = order.side, order.limit if order.limit is not None else order.cap
        others = [o for o in self.orders if o.side != side and leaves[o.number]]
        offers = [(worth(side, o.limit), 0, o.priority, o) for o in others if o.where == "resting"]
        price = self.street_price(side)
        if price is not None and street:
            offers.append((worth(side, price), 1, (0, 0), None))
        reach = None if bound is None else worth(side, bound)
        offers = sorted((o for o in offers if reach is None or o[0] <= reach), key=lambda o: o[:3])
        if order.limit is not None and self.is_live:
            price = abs(offers[0][0]) if offers else order.limit
            for other in sorted(others, key=lambda o: o.priority):
                is_market = other.where == "waiting" and other.limit is None
                if is_market and (other.cap is None or is_good(other.side, other.cap, price)):
                    return price, other
        return (abs(offers[0][0]), offers[0][3]) if offers else None

    # --- small things

    def look_at_the_clock(self, now: datetime) -> None:
        if self.tick is None or now - self.tick.as_of > self.max_age:
            self.is_live = False

    def street_price(self, side: str) -> Decimal | None:
        if self.tick is None or not self.is_live or not self.left(side):
            return None
        return self.tick.ask if side == "buy" else self.tick.bid

    def left(self, side: str) -> Decimal:
        if self.tick is None:
            return ZERO
        shown = self.tick.ask_size if side == "buy" else self.tick.bid_size
        return max(ZERO, shown - self.taken[side])

    def put(self, order: PlainOrder, where: str) -> list[tuple]:
        order.where = where
        if where == "resting":
            self.join(order)
        self.orders.append(order)
        return [("rested", order)]

    def fill(self, order: PlainOrder, quantity: Decimal, price: Decimal) -> tuple:
        order.filled += quantity
        order.value += quantity * price
        if not order.leaves:
            self.remove(order)
        return ("fill", order, quantity, price)


def may_rest(order: PlainOrder) -> bool:
    """Say whether an order can stand on the book."""
    return order.limit is not None and order.tif not in IMMEDIATE


def is_good(side: str, bound: Decimal, price: Decimal) -> bool:
    """Say whether price is as good as bound for an order of side."""
    return price <= bound if side == "buy" else price >= bound


def worth(side: str, price: Decimal) -> Decimal:
    """Return price so that less is better for an order of side."""
    return price if side == "buy" else -price
