"""What a split does to an open order: more shares, lower prices, on the tick away from harm. Pure.

Sizes go down to the step. A price that bounds what is paid or got is never worse than before: a
buy's limit goes down to the tick, a sell's up. A stop is never nearer to the market than before: a
sell's goes down, a buy's up, and a trail grows. Sources: FINRA Rule 5330(a), which lowers open buy
orders and sell stops to the next quotation below and rounds sizes down; it leaves sell orders and
buy stops to the member, and here they are the mirror of the others. A reverse split cancels every
open order, as brokers do under that rule.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from accounts.commission import CommissionSchedule
from bengi.money import QUANTUM, ZERO, ceil_to, floor_to
from bengi.terms import Side
from instruments.splits import Ratio
from orders.rules import reservation
from orders.trailing import stop_behind
from portfolios.lots import Pick

Way = Callable[[Fraction, Decimal], Decimal]


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What of an order a split changes: quantity is what it still wants, picks what of that."""

    side: Side
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    protection_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    high_water_mark: Decimal | None = None
    picks: tuple[Pick, ...] = ()


def split_terms(
    terms: OrderTerms, ratio: Ratio, *, tick_size: Decimal, quantity_step: Decimal
) -> OrderTerms | None:
    """Return the terms in new shares; None where they cannot be kept on this tick and step.

    That is a price that would fall to nothing, or a buy stop above the most that may be paid.
    """
    assert not ratio.is_reverse, "a reverse split cancels orders"
    buys = terms.side is Side.BUY
    nearer, away = (floor_to, ceil_to) if buys else (ceil_to, floor_to)

    def price(old: Decimal | None, way: Way, unit: Decimal = tick_size) -> Decimal | None:
        return None if old is None else way(ratio.price(old), unit)

    picks = [Pick(p.lot_id, floor_to(ratio.shares(p.quantity), quantity_step)) for p in terms.picks]
    kept = tuple(pick for pick in picks if pick.quantity)
    found = replace(
        terms,
        quantity=floor_to(ratio.shares(terms.quantity), quantity_step),
        limit_price=price(terms.limit_price, nearer),
        stop_price=price(terms.stop_price, away),
        protection_price=price(terms.protection_price, floor_to),
        trail_price=price(terms.trail_price, ceil_to),
        high_water_mark=price(terms.high_water_mark, away, QUANTUM),
        picks=kept,
    )
    if terms.picks:  # named lots add up to the order
        found = replace(found, quantity=sum((pick.quantity for pick in kept), ZERO))
    if found.high_water_mark is not None:
        found = replace(found, stop_price=_behind_mark(found, tick_size))
    return found if _can_stand(found) else None


def affordable_quantity(
    schedule: CommissionSchedule,
    price: Decimal,
    quantity: Decimal,
    currency: str,
    *,
    cash: Decimal,
    quantity_step: Decimal,
) -> Decimal:
    """Return the most of quantity, in whole steps, whose reservation at price is within cash."""
    low, high = 0, int(quantity / quantity_step)
    while low < high:
        middle = (low + high + 1) // 2
        needed = reservation(schedule, price, middle * quantity_step, currency)
        low, high = (middle, high) if needed <= cash else (low, middle - 1)
    return low * quantity_step


def _behind_mark(terms: OrderTerms, tick_size: Decimal) -> Decimal:
    assert terms.high_water_mark is not None
    return stop_behind(
        terms.side,
        terms.high_water_mark,
        trail_price=terms.trail_price,
        trail_percent=terms.trail_percent,
        tick_size=tick_size,
    )


def _can_stand(terms: OrderTerms) -> bool:
    prices = (terms.limit_price, terms.stop_price, terms.protection_price)
    if not terms.quantity or any(price is not None and price <= 0 for price in prices):
        return False
    stop, most = terms.stop_price, terms.protection_price
    return stop is None or most is None or stop <= most
