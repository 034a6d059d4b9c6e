"""Splits and dividends written down plainly: what they do to holdings, orders and prices.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Corporate actions".
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from tests.state.plain_books import PlainAccount
from tests.state.plain_costs import to_cents, trailing_stop, worst_cost
from tests.state.plain_terms import TICK_SIZE, ZERO, PlainOrder, PlainTick

SMALLEST = Decimal("1e-8")
PRICES = ("bid", "ask", "last", "low", "high")


@dataclass(eq=False)
class PlainAction:
    """What two of staff have agreed on: a split of new for old shares, or a dividend.

    at is when its ex-date begins, pays_at when its pay date does. worth is what staff say that a
    new share is worth where fractions are paid. entitled: {who: (gross, tax)}.
    """

    symbol: str
    day: date
    at: datetime
    new: int = 1
    old: int = 1
    worth: Decimal | None = None
    amount: Decimal | None = None
    tax: Decimal = ZERO
    pay_day: date | None = None
    pays_at: datetime | None = None
    status: str = "agreed"
    entitled: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    @property
    def is_split(self) -> bool:
        return self.amount is None

    @property
    def is_reverse(self) -> bool:
        return self.new < self.old

    @property
    def once(self) -> tuple:
        """What there can be one of: a split of a day, a dividend of an amount."""
        return (self.symbol, self.day, self.amount)

    def shares(self, quantity: Decimal) -> Fraction:
        return Fraction(quantity) * self.new / self.old

    def price(self, price: Decimal) -> Fraction:
        return Fraction(price) * self.old / self.new

    def payment(self, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Return what so many shares bring and what of that is kept as a tax, each on a cent."""
        gross = to_cents(quantity * self.amount)
        return gross, to_cents(gross * self.tax)


def on(unit: Decimal, exact: Fraction, way: str) -> Decimal:
    """Round an exact number to a multiple of unit."""
    units = exact / Fraction(unit)
    whole = units.numerator // units.denominator
    rest = units - whole
    is_up = rest > 0 and way == ROUND_CEILING
    if way == ROUND_HALF_EVEN:
        is_up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    return (whole + is_up) * unit


# --- holdings


def split_holding(
    account: PlainAccount, action: PlainAction, step: Decimal, worth: Fraction
) -> Decimal:
    """Multiply an account's lots; return by how many shares its holding has grown.

    The holding is whole steps afterwards. What all its lots together leave over is closed by the
    account's method, and paid for at what a new share is worth.
    """
    held = account.holding(action.symbol)
    lots = account.in_order(action.symbol)
    before = after = ZERO
    for lot in lots:
        before += lot.quantity
        grown = on(SMALLEST, action.shares(before), ROUND_FLOOR) - after
        after += grown
        was_whole = lot.quantity == lot.bought
        whole = on(SMALLEST, action.shares(lot.bought), ROUND_HALF_EVEN)
        lot.quantity = grown
        lot.bought = max(grown, SMALLEST) if was_whole else max(whole, grown)
    _keep_no_dust(lots)
    exact = action.shares(held)
    whole = on(step, exact, ROUND_FLOOR)
    account.lots[action.symbol] = [lot for lot in lots if lot.quantity]
    if after > whole:
        paid = on(Decimal("0.01"), (exact - Fraction(whole)) * worth, ROUND_HALF_EVEN)
        account.cash += paid
        account.close_lots(action.symbol, after - whole, paid)
    return whole - held


def _keep_no_dust(lots: list) -> None:
    """Give the cost of a lot that no share is left of to the next one that has some."""
    for place, lot in enumerate(lots):
        if not lot.quantity and lot.cost:
            later = [other for other in lots[place + 1 :] if other.quantity]
            heir = later[0] if later else [other for other in lots if other.quantity][-1]
            heir.cost += lot.cost
            heir.shift += lot.cost
            lot.cost = ZERO


# --- orders


def split_order(order: PlainOrder, action: PlainAction, step: Decimal, cash: Decimal) -> bool:
    """Bring what an order still wants into new shares; return False where it cannot stand.

    Nobody pays more, gets less or fires nearer than before. cash is what a buy may hold: where it
    is short, the order wants less.
    """
    nearer, away = ROUND_FLOOR, ROUND_CEILING
    if order.side == "sell":
        nearer, away = away, nearer

    def price(old: Decimal | None, way: str, unit: Decimal = TICK_SIZE) -> Decimal | None:
        return None if old is None else on(unit, action.price(old), way)

    ticket = order.ticket
    order.quantity = on(step, action.shares(order.leaves), ROUND_FLOOR)
    order.ticket = replace(
        ticket,
        limit=price(ticket.limit, nearer),
        stop=price(ticket.stop, away),
        trail=price(ticket.trail, ROUND_CEILING),
    )
    order.limit, order.cap = order.ticket.limit, price(order.cap, ROUND_FLOOR)
    order.mark, order.stop = price(order.mark, away, SMALLEST), price(order.stop, away)
    if order.mark is not None:
        ticket = order.ticket
        order.stop = trailing_stop(order.side, order.mark, ticket.trail, ticket.trail_percent)
    order.written = (order.mark, order.stop)
    if not _can_stand(order):
        return False
    if order.side == "buy":
        while order.quantity and worst_cost(order) > cash:
            order.quantity -= step
        order.reserved = worst_cost(order) if order.quantity else ZERO
    return bool(order.quantity)


def _can_stand(order: PlainOrder) -> bool:
    prices = [price for price in (order.limit, order.stop, order.cap) if price is not None]
    if not order.quantity or min(prices, default=TICK_SIZE) <= 0:
        return False
    return order.stop is None or order.cap is None or order.stop <= order.cap


# --- the market


def split_tick(tick: PlainTick, action: PlainAction) -> PlainTick:
    """Return the last word of before a split in new shares, as the first word of its day."""

    def price(old: Decimal | None, unit: Decimal, way: str) -> Decimal | None:
        return None if old is None else on(unit, action.price(old), way)

    return replace(
        tick,
        bid=price(tick.bid, TICK_SIZE, ROUND_FLOOR) or None,
        ask=price(tick.ask, TICK_SIZE, ROUND_CEILING),
        bid_size=on(SMALLEST, action.shares(tick.bid_size), ROUND_HALF_EVEN),
        ask_size=on(SMALLEST, action.shares(tick.ask_size), ROUND_HALF_EVEN),
        last=price(tick.last, SMALLEST, ROUND_HALF_EVEN),
        as_of=action.at,
        is_new_quote=False,
        is_new_print=False,
    )
