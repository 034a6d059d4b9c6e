"""The words of the model: what a trader asks for, an order, and what the market says.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Optional

ZERO = Decimal(0)
CENT = Decimal("0.01")
TICK_SIZE = Decimal("0.01")

STOPS = ("stop", "stop_limit", "trailing_stop")
LASTING = ("day", "gtc", "gtd")
"""Times in force of orders that may wait for a price; ioc, fok, opg and cls have one look."""

AT_A_MOMENT = ("opg", "cls")
BY_SESSION = ("day", "opg", "cls")
CLOSED = ("filled", "canceled", "expired", "replaced", "rejected")
ASKED = ("pending_cancel", "pending_replace")


@dataclass(frozen=True)
class PlainProfile:
    """How the street trades with an order.

    touch says when a resting limit fills that the market comes to and no further: "fills", after
    the "queue" ahead of it, or "never".
    """

    name: str
    max_age: timedelta
    touch: str
    latency: timedelta = timedelta(0)
    is_unlimited: bool = False


INSTANT = PlainProfile("instant", timedelta(seconds=60), "fills", is_unlimited=True)
REALISTIC = PlainProfile("realistic", timedelta(seconds=15), "queue")
HARSH = PlainProfile("harsh", timedelta(seconds=5), "never", timedelta(milliseconds=250))
PROFILES = {profile.name: profile for profile in (INSTANT, REALISTIC, HARSH)}


@dataclass(frozen=True)
class LegTerms:
    """What a leg of a group is asked to be: a take profit, or a stop loss of one of three kinds."""

    name: str
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None

    @property
    def type(self) -> str:
        if self.name == "take_profit":
            return "limit"
        if self.trail is not None:
            return "trailing_stop"
        return "stop" if self.limit is None else "stop_limit"


@dataclass(frozen=True)
class Ticket:
    """What a trader asks for. trail is a price, trail_percent a part of the best print.

    is_meant: though it looks like an order of a moment ago. kind: that of the group, with its legs
    beside the order itself: "bracket", "oto" or "oco".
    """

    account: str
    key: str
    symbol: str
    side: str
    type: str
    tif: str
    quantity: Decimal
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    trail_percent: Decimal | None = None
    expires_at: datetime | None = None
    is_meant: bool = True
    kind: str = ""
    legs: tuple[LegTerms, ...] = ()

    @property
    def looks(self) -> tuple:
        """What makes two orders the same to the eye."""
        prices = (self.limit, self.stop, self.trail, self.trail_percent)
        return (self.account, self.symbol, self.side, self.type, *prices)

    @property
    def body(self) -> tuple:
        """What is asked for under a key: asked for again, it must be the same."""
        return (*self.looks, self.quantity, self.tif, self.expires_at, self.kind, self.legs)


@dataclass(eq=False)
class PlainOrder:
    """One order, from its ticket to its end. number counts orders as they came.

    stop and mark are where the engine has a trailing stop and its best print, written is what the
    books say of them, up to a second ago. fees are pinned, and so is the profile; sold is
    [(day, quantity, value)]; queue is what is ahead of it at its price, None where nobody knows.
    body is what was asked for, whatever has become of it. since: nothing happens to it before, as
    the engine knows it. leg is its part in its group.
    """

    number: int
    ticket: Ticket
    quantity: Decimal
    stop: Decimal | None
    mark: Decimal | None
    cap: Decimal | None
    fees: tuple
    profile: PlainProfile
    accepted_at: datetime
    updated_at: datetime
    replaces: Optional["PlainOrder"] = None
    replaced_by: str | None = None
    status: str = "accepted"
    filled: Decimal = ZERO
    busted: Decimal = ZERO
    value: Decimal = ZERO
    reserved: Decimal = ZERO
    commission: Decimal = ZERO
    levy: Decimal = ZERO
    priority: tuple[int, int] | None = None
    triggered: bool = False
    where: str | None = None
    queue: Decimal | None = None
    body: tuple | None = None
    since: datetime | None = None
    leg: str = ""
    group: Optional["PlainGroup"] = None

    def __post_init__(self) -> None:
        ticket = self.ticket
        self.body = self.body or ticket.body
        self.account, self.key, self.symbol = ticket.account, ticket.key, ticket.symbol
        self.side, self.type, self.tif = ticket.side, ticket.type, ticket.tif
        self.limit = ticket.limit
        self.written = (self.mark, self.stop)
        self.sold: list[tuple] = []

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED

    @property
    def waits_to_replace(self) -> bool:
        return self.status == "held" and self.replaces is not None

    @property
    def waits_for_entry(self) -> bool:
        """A leg whose entry has filled nothing yet."""
        return self.group is not None and self.group.is_held and self.leg != ""

    @property
    def is_asleep(self) -> bool:
        return self.type in STOPS and not self.triggered

    @property
    def may_rest(self) -> bool:
        """Say whether it can stand on the book."""
        return self.limit is not None and self.tif in LASTING

    @property
    def starts_at(self) -> datetime:
        """When it arrives at the market."""
        return self.accepted_at + self.profile.latency

    @property
    def bound(self) -> Decimal | None:
        """The worst price it may trade at; None is any."""
        return self.limit if self.limit is not None else self.cap

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.worked

    @property
    def worked(self) -> Decimal:
        """What is not worked any more: filled, whether or not that was taken back later."""
        return self.filled + self.busted

    @property
    def held_shares(self) -> Decimal:
        """What an open sell holds; one that waits to replace another, those it adds to it."""
        if self.side == "buy" or not self.is_open or self.waits_for_entry:
            return ZERO
        if self.leg == "take_profit" and self.group.kind != "oto":
            return ZERO  # the stop loss holds the shares that either may sell
        if self.status == "held":
            return max(ZERO, self.quantity - self.replaces.quantity)
        return self.leaves


@dataclass(eq=False)
class PlainGroup:
    """What is open of a group: the order that is still to fill, if any, and the legs, stop last.

    is_held: nothing of the entry has filled, so the legs wait; fed is what it has filled by now,
    in this very answer, price at what. key is that of the order it was placed with.
    """

    kind: str
    key: str
    entry: PlainOrder | None
    legs: list[PlainOrder]
    is_held: bool
    fed: Decimal = ZERO
    price: Decimal = ZERO

    def wants(self, leg: PlainOrder) -> Decimal:
        return self.fed if self.is_held else leg.leaves

    @property
    def members(self) -> list[PlainOrder]:
        return [*self.legs, *([self.entry] if self.entry else [])]

    def pass_on(self, old: PlainOrder, new: PlainOrder) -> None:
        """Let an order stand where another one stood."""
        self.entry = new if self.entry is old else self.entry
        self.legs = [new if leg is old else leg for leg in self.legs]

    def leave(self, order: PlainOrder) -> None:
        if order is self.entry:
            self.entry = None
        self.legs = [leg for leg in self.legs if leg is not order]


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
        sides = (self.bid, self.ask, self.bid_size, self.ask_size)
        return (*sides, self.print, self.as_of, self.is_new_quote)


def is_good(side: str, bound: Decimal | None, price: Decimal) -> bool:
    """Say whether price is as good as bound for an order of side."""
    if bound is None:
        return True
    return price <= bound if side == "buy" else price >= bound


def worth(side: str, price: Decimal) -> Decimal:
    """Return price so that less is better for an order of side."""
    return price if side == "buy" else -price
