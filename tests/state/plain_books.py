"""Cash, holdings and lots written down plainly: what a fill books.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Cash and shares held for orders" and "Lots and settlement".
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.state.plain_costs import commission, levies, to_cents, worst_cost
from tests.state.plain_terms import REALISTIC, ZERO, PlainOrder, PlainProfile


@dataclass(eq=False)
class PlainLot:
    """quantity and cost are what is left; bought and paid what there was at first.

    shift is the cost that averaging moved in or out. buyer is the buy order's key, paid_with when
    the proceeds settle that paid for it.
    """

    opened_at: datetime
    number: int
    buyer: str
    quantity: Decimal
    cost: Decimal
    paid_with: list[datetime]
    shift: Decimal = ZERO

    def __post_init__(self) -> None:
        self.bought, self.paid = self.quantity, self.cost

    @property
    def whole(self) -> tuple[Decimal, Decimal]:
        """Return (quantity, cost) that its shares are counted against: averaging starts anew."""
        return (self.quantity, self.cost) if self.shift else (self.bought, self.paid)

    def cost_of(self, quantity: Decimal) -> Decimal:
        """Return what shares of it cost: with all gone before, their share of the whole lot."""
        if quantity == self.quantity:
            return self.cost
        bought, paid = self.whole
        gone = bought - self.quantity + quantity
        return to_cents(paid * gone / bought) - (paid - self.cost)


@dataclass
class PlainAccount:
    """fees: [(from which day, numbers)]. method: how sales close lots.

    proceeds: [when it settles, which sale, what no buy has used yet], in dollars as cash is.
    violations: the keys of buys that were sold before the proceeds that paid for them settled.
    """

    fees: list[tuple]
    profile: PlainProfile = REALISTIC
    method: str = "fifo"
    is_frozen: bool = False
    cash: Decimal = ZERO
    euros: Decimal | None = None
    proceeds: list[list] = field(default_factory=list)
    lots: dict[str, list[PlainLot]] = field(default_factory=dict)
    realized: dict[str, Decimal] = field(default_factory=dict)
    violations: set[str] = field(default_factory=set)

    def holding(self, symbol: str) -> Decimal:
        return sum((lot.quantity for lot in self.lots.get(symbol, [])), ZERO)

    def in_order(self, symbol: str) -> list[PlainLot]:
        """Return the open lots, oldest first."""
        return sorted(self.lots.get(symbol, []), key=lambda lot: (lot.opened_at, lot.number))

    def close_lots(
        self,
        symbol: str,
        quantity: Decimal,
        proceeds: Decimal,
        method: str | None = None,
        before: int | None = None,
    ) -> "Sale":
        """Take shares out of lots by the account's method, and say what was taken.

        Proceeds go by quantity. A sale that is booked anew closes by its method of then, of the
        lots that were there before its number.
        """
        known, method = self.in_order(symbol), method or self.method
        lots = [lot for lot in known if before is None or lot.number < before]
        costs_before = {lot.number: lot.cost for lot in lots}
        parts = take(in_turn(method, lots), quantity)
        if method == "average":
            costs = average(lots, parts, quantity)
        else:
            costs = [lot.cost_of(taken) for lot, taken in parts]
        shifts = [(lot, lot.cost - costs_before[lot.number]) for lot in lots]
        shares = split(proceeds, [taken for _, taken in parts])
        sale = Sale(method, [], shifts)
        for (lot, taken), cost, share in zip(parts, costs, shares, strict=True):
            lot.quantity -= taken
            lot.cost -= cost
            self.realized[symbol] = self.realized.get(symbol, ZERO) + share - cost
            sale.closed.append((lot, taken, cost, share - cost))
        self.lots[symbol] = [lot for lot in known if lot.quantity]
        return sale

    def settled(self, now: datetime) -> Decimal:
        waiting = sum((left for settles_at, _, left in self.proceeds if settles_at > now), ZERO)
        return self.cash - min(self.cash, waiting)

    def pay(self, cost: Decimal, now: datetime) -> list[tuple[list, Decimal]]:
        """Spend settled cash first, then what settles soonest; return what was used of which."""
        missing, used_of = cost - self.settled(now), []
        self.cash -= cost
        for line in sorted(self.proceeds, key=lambda line: line[:2]):
            used = min(line[2], missing)
            if line[0] > now and used > 0:
                line[2] -= used
                missing -= used
                used_of.append((line, used))
        return used_of


@dataclass(frozen=True)
class When:
    """When a fill was done, and booked; its day where it is traded, and when a sale settles."""

    at: datetime
    booked_at: datetime
    day: date
    settles_at: datetime


@dataclass
class Sale:
    """What a sale took: (lot, quantity, cost, profit) each, and the cost it moved into lots."""

    method: str
    closed: list[tuple]
    shifts: list[tuple[PlainLot, Decimal]]


@dataclass(eq=False)
class PlainTrade:
    """One fill that stands, with all that it did, so that it can be taken back.

    number: which booking it was; root: that of the fill it stands for. match is the same for the
    two sides of one. net is what it brought in cash. line and used are of unsettled proceeds.
    """

    order: PlainOrder
    quantity: Decimal
    price: Decimal
    when: When
    match: object
    number: int
    root: int
    fee: Decimal = ZERO
    levy: Decimal = ZERO
    net: Decimal = ZERO
    lot: PlainLot | None = None
    used: list[tuple[list, Decimal]] = field(default_factory=list)
    sale: Sale | None = None
    line: list | None = None
    violated: set[str] = field(default_factory=set)


class PlainBooks:
    """Accounts by name, and the trades that stand, in the order in which they were done.

    moves: by how many shares a holding grew, and when: (account, symbol, at, shares).
    """

    def __init__(self) -> None:
        self.accounts: dict[str, PlainAccount] = {}
        self.trades: list[PlainTrade] = []
        self.moves: list[tuple[str, str, datetime, Decimal]] = []
        self.bookings = 0

    def held_before(self, account: str, symbol: str, at: datetime) -> Decimal:
        """Return the shares that an account held when a moment came."""
        mine = [move for move in self.moves if move[:2] == (account, symbol)]
        return sum((shares for _, _, moved_at, shares in mine if moved_at < at), ZERO)

    def fill(
        self,
        order: PlainOrder,
        quantity: Decimal,
        price: Decimal,
        when: When,
        rates: dict,
        match: object = None,
        was: PlainTrade | None = None,
    ) -> None:
        """Book a fill that the market has counted already; rates are the levies on a sale.

        Commission and levies are due on all that the order has filled, less what it has paid.
        was: the trade, taken back just now, in whose place it is booked.
        """
        value, filled = self.so_far(order)
        self.bookings += 1
        root = was.root if was else self.bookings
        trade = PlainTrade(order, quantity, price, when, match, self.bookings, root)
        gross = to_cents(value + quantity * price) - to_cents(value)
        due = commission(order.fees, filled + quantity, value + quantity * price)
        trade.fee = max(ZERO, due - order.commission)
        place = [each.root < root for each in self.trades].count(True)
        self.trades.insert(place, trade)
        self._move(trade, quantity)
        if order.side == "buy":
            trade.net = -gross - trade.fee
            self._buy(trade)
            return
        trade.fee = min(trade.fee, gross)
        order.sold.append((when.day, quantity, quantity * price))
        owed = levies(rates, order.sold) - order.levy
        trade.levy = min(max(ZERO, owed), gross - trade.fee)
        trade.net = gross - trade.fee - trade.levy
        self._sell(trade, was)

    def so_far(self, order: PlainOrder) -> tuple[Decimal, Decimal]:
        """Return what the order's trades booked so far come to: (value, quantity)."""
        mine = [trade for trade in self.trades if trade.order is order]
        value = sum((trade.quantity * trade.price for trade in mine), ZERO)
        return value, sum((trade.quantity for trade in mine), ZERO)

    def hold(self, order: PlainOrder) -> None:
        """Let an open buy hold what it may still need."""
        value, filled = self.so_far(order)
        is_over = not order.is_open or filled + order.busted == order.quantity
        spent = to_cents(value) + order.commission
        order.reserved = ZERO if is_over else worst_cost(order, filled, value) - spent

    def _move(self, trade: PlainTrade, quantity: Decimal) -> None:
        order = trade.order
        moved = quantity if order.side == "buy" else -quantity
        self.moves.append((order.account, order.symbol, trade.when.at, moved))

    def _buy(self, trade: PlainTrade) -> None:
        order, at = trade.order, trade.when.at
        account = self.accounts[order.account]
        order.commission += trade.fee
        trade.used = account.pay(-trade.net, trade.when.booked_at)
        paid_with = [line[0] for line, _ in trade.used]
        trade.lot = PlainLot(at, trade.number, order.key, trade.quantity, -trade.net, paid_with)
        account.lots.setdefault(order.symbol, []).append(trade.lot)
        self.hold(order)

    def _sell(self, trade: PlainTrade, was: PlainTrade | None) -> None:
        order, account = trade.order, self.accounts[trade.order.account]
        order.commission += trade.fee
        order.levy += trade.levy
        account.cash += trade.net
        if trade.net:
            trade.line = [trade.when.settles_at, trade.number, trade.net]
            account.proceeds.append(trade.line)
        terms = (was.sale.method, was.root) if was else (None, None)
        trade.sale = account.close_lots(order.symbol, trade.quantity, trade.net, *terms)
        early = {
            lot.buyer
            for lot, *_ in trade.sale.closed
            if any(settles_at > trade.when.at for settles_at in lot.paid_with)
        }
        trade.violated = early - account.violations
        account.violations |= early

    def undo(self, trade: PlainTrade, now: datetime) -> None:
        """Take a trade back: nothing has been built on it."""
        order, account = trade.order, self.accounts[trade.order.account]
        self.trades.remove(trade)
        self._move(trade, -trade.quantity)
        order.filled -= trade.quantity
        order.value -= trade.quantity * trade.price
        order.busted += trade.quantity
        order.commission -= trade.fee
        order.levy -= trade.levy
        account.cash -= trade.net
        lots = account.lots.setdefault(order.symbol, [])
        for line, amount in trade.used:
            line[2] += amount
        if trade.lot:
            lots.remove(trade.lot)
            return
        order.sold.pop()
        for lot, quantity, cost, profit in trade.sale.closed:
            lot.quantity += quantity
            lot.cost += cost
            account.realized[order.symbol] -= profit
            if lot not in lots:
                lots.append(lot)
        for lot, shift in trade.sale.shifts:
            lot.cost -= shift
            lot.shift -= shift
        if trade.line and trade.line[0] > now:
            trade.line[2] = ZERO
        account.violations -= trade.violated


def in_turn(method: str, lots: list[PlainLot]) -> list[PlainLot]:
    """Return lots, oldest first, in the order in which a sale closes them."""
    if method == "lifo":
        return lots[::-1]
    if method == "hifo":
        return sorted(lots, key=lambda lot: -Fraction(lot.whole[1]) / Fraction(lot.whole[0]))
    return lots


def take(lots: list[PlainLot], quantity: Decimal) -> list[tuple[PlainLot, Decimal]]:
    parts, missing = [], quantity
    for lot in lots:
        taken = min(lot.quantity, missing)
        if taken:
            parts.append((lot, taken))
            missing -= taken
    assert not missing, "the model sells what is there"
    return parts


def average(
    lots: list[PlainLot], parts: list[tuple[PlainLot, Decimal]], sold: Decimal
) -> list[Decimal]:
    """Give each lot the cost that the average of them all says; return what the parts cost."""
    cost, shares = sum(lot.cost for lot in lots), sum(lot.quantity for lot in lots)
    going = cost if sold == shares else to_cents(cost * sold / shares)
    taken = {lot.number: quantity for lot, quantity in parts}
    goes = dict(zip(taken, split(going, list(taken.values())), strict=True))
    rest = {lot.number: lot.quantity - taken.get(lot.number, ZERO) for lot in lots}
    rest = {number: quantity for number, quantity in rest.items() if quantity}
    stays = dict(zip(rest, split(cost - going, list(rest.values())), strict=True))
    for lot in lots:
        meant = goes.get(lot.number, ZERO) + stays.get(lot.number, ZERO)
        lot.shift += meant - lot.cost
        lot.cost = meant
    return list(goes.values())


def split(total: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Split by weight, each part on a cent; the last one takes what rounding left over."""
    parts = [to_cents(total * weight / sum(weights)) for weight in weights[:-1]]
    return [*parts, total - sum(parts)] if weights else []
