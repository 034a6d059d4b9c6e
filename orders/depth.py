"""The depth of a book as the ladder shows it: customers' resting orders by price, and the street.

Nobody's orders are told apart but one's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from bengi.money import ZERO, plain
from bengi.terms import OrderStatus, OrderType, Side
from instruments.models import Instrument
from instruments.quotes import Tick
from orders.book_quotes import RESTING
from orders.models import Order
from orders.rules import LASTING
from orders.sketch import Offer

LEVELS_MAX = 6
ORDERS_MAX = 500
_STANDING = [*RESTING, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE]
_SIZES = ("quantity", "filled_quantity", "busted_quantity")
_ON_THE_LADDER = Q(type=OrderType.LIMIT) | Q(type=OrderType.STOP_LIMIT, triggered_at__isnull=False)


@dataclass(frozen=True, slots=True)
class Level:
    """One price of one side: shares on display, and how many of them are the reader's own."""

    price: Decimal
    size: Decimal
    mine: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Rung:
    """A level in the ladder: with the running total from the best price on, and its share in %."""

    price: Decimal
    size: Decimal
    mine: Decimal
    total: Decimal
    share: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """asks from the farthest price to the best, then bids from the best on."""

    asks: list[Rung]
    bids: list[Rung]

    @property
    def spread(self) -> Decimal | None:
        return self.asks[-1].price - self.bids[0].price if self.asks and self.bids else None


@dataclass(frozen=True, slots=True)
class Depth:
    """Customers' resting limit orders by price, best first."""

    asks: list[Level]
    bids: list[Level]

    @property
    def facts(self) -> dict[str, Any]:
        """The levels as the script on the page reads them."""
        return {"asks": _written(self.asks), "bids": _written(self.bids)}


def depth_of(instrument: Instrument, user: User) -> Depth:
    """Return the resting limit orders of everybody, summed by price: one statement."""
    rows = (
        Order.objects.filter(
            _ON_THE_LADDER,
            instrument=instrument,
            time_in_force__in=LASTING,
            status__in=_STANDING,
            closed_at__isnull=True,
        )
        .order_by("-id")
        .values_list("side", "limit_price", *_SIZES, "account__user_id")
    )
    asks: dict[Decimal, Level] = {}
    bids: dict[Decimal, Level] = {}
    for side, price, quantity, filled, busted, owner in rows[:ORDERS_MAX]:
        assert price is not None, "a limit order names its price"
        levels = bids if side == Side.BUY else asks
        _add(levels, price, quantity - filled - busted, owner == user.id)
    return Depth(_best(asks.values(), Side.SELL), _best(bids.values(), Side.BUY))


def offers_to(
    side: Side,
    instrument: Instrument,
    account_id: UUID,
    tick: Tick | None,
    *,
    is_extended: bool = False,
) -> list[Offer]:
    """Return what an order of side would meet, best first and in the order it would: one statement.

    At one price resting orders come before the street, earlier ones before later ones. is_extended:
    only orders with extended_hours are there.
    """
    is_buy = side is Side.BUY
    rows = (
        Order.objects.filter(
            _ON_THE_LADDER,
            instrument=instrument,
            side=Side.SELL if is_buy else Side.BUY,
            time_in_force__in=LASTING,
            status__in=_STANDING,
            closed_at__isnull=True,
        )
        .filter(extended_hours__in=[True] if is_extended else [True, False])
        .order_by("limit_price" if is_buy else "-limit_price", "priority")
        .values_list("limit_price", *_SIZES, "account_id")
    )
    found = [
        Offer(price, quantity - filled - busted, is_own=owner == account_id)
        for price, quantity, filled, busted, owner in rows[:ORDERS_MAX]
        if price is not None
    ]
    if tick is not None and instrument.has_feed:
        price, size = (tick.ask, tick.ask_size) if is_buy else (tick.bid, tick.bid_size)
        if price is not None and size:
            found.append(Offer(price, size, is_street=True))
    return sorted(found, key=lambda offer: offer.price, reverse=not is_buy)


def ladder_of(depth: Depth, tick: Tick | None) -> Ladder:
    """Return depth with the street's quote standing in it, ready to be drawn."""
    asks, bids = depth.asks, depth.bids
    if tick is not None:
        asks = _with_street(asks, Side.SELL, tick.ask, tick.ask_size)
        bids = _with_street(bids, Side.BUY, tick.bid, tick.bid_size)
    most = max((sum((level.size for level in side), ZERO) for side in (asks, bids)), default=ZERO)
    return Ladder(asks=_rungs(asks, most)[::-1], bids=_rungs(bids, most))


def _add(levels: dict[Decimal, Level], price: Decimal, size: Decimal, is_mine: bool) -> None:
    before = levels.get(price, Level(price, ZERO))
    mine = before.mine + (size if is_mine else ZERO)
    levels[price] = Level(price, before.size + size, mine)


def _best(levels: Iterable[Level], side: Side) -> list[Level]:
    ordered = sorted(levels, key=lambda level: level.price, reverse=side is Side.BUY)
    return ordered[:LEVELS_MAX]


def _with_street(
    levels: list[Level], side: Side, price: Decimal | None, size: Decimal
) -> list[Level]:
    if price is None or not size:
        return levels
    merged = {level.price: level for level in levels}
    _add(merged, price, size, is_mine=False)
    return _best(merged.values(), side)


def _rungs(levels: list[Level], most: Decimal) -> list[Rung]:
    rungs, total = [], ZERO
    for level in levels:
        total += level.size
        share = int(total * 100 / most) if most else 0
        rungs.append(Rung(level.price, level.size, level.mine, total, share))
    return rungs


def _written(levels: list[Level]) -> list[dict[str, str]]:
    return [
        {"price": plain(level.price), "size": plain(level.size), "mine": plain(level.mine)}
        for level in levels
    ]
