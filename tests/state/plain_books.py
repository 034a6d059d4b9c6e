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

    def close_lots(self, symbol: str, quantity: Decimal, proceeds: Decimal) -> list[PlainLot]:
        """Take shares out of lots by the account's method; return the lots that gave some.

        Proceeds go by quantity.
        """
        lots = self.in_order(symbol)
        parts = take(in_turn(self.method, lots), quantity)
        if self.method == "average":
            costs = average(lots, parts, quantity)
        else:
            costs = [lot.cost_of(taken) for lot, taken in parts]
        shares = split(proceeds, [taken for _, taken in parts])
        for (lot, taken), cost, share in zip(parts, costs, shares, strict=True):
            lot.quantity -= taken
            lot.cost -= cost
            self.realized[symbol] = self.realized.get(symbol, ZERO) + share - cost
        self.lots[symbol] = [lot for lot in lots if lot.quantity]
        return [lot for lot, _ in parts]

    def settled(self, now: datetime) -> Decimal:
        waiting = sum((left for settles_at, _, left in self.proceeds if settles_at > now), ZERO)
        return self.cash - min(self.cash, waiting)

    def pay(self, cost: Decimal, now: datetime) -> list[datetime]:
        """Spend settled cash first, then what settles soonest; return when what was used does."""
        missing, used_of = cost - self.settled(now), []
        self.cash -= cost
        for line in sorted(self.proceeds, key=lambda line: line[:2]):
            used = min(line[2], missing)
            if line[0] > now and used > 0:
                line[2] -= used
                missing -= used
                used_of.append(line[0])
        return used_of


@dataclass(frozen=True)
class When:
    """When a fill happens: on which day where it is traded, and when a sale of then settles."""

    at: datetime
    day: date
    settles_at: datetime


class PlainBooks:
    """Accounts by name, and every trade there was: (account, key, quantity, price).

    moves: by how many shares a holding grew, and when: (account, symbol, at, shares).
    """

    def __init__(self) -> None:
        self.accounts: dict[str, PlainAccount] = {}
        self.trades: list[tuple] = []
        self.moves: list[tuple[str, str, datetime, Decimal]] = []

    def held_before(self, account: str, symbol: str, at: datetime) -> Decimal:
        """Return the shares that an account held when a moment came."""
        mine = [move for move in self.moves if move[:2] == (account, symbol)]
        return sum((shares for _, _, moved_at, shares in mine if moved_at < at), ZERO)

    def fill(
        self, order: PlainOrder, quantity: Decimal, price: Decimal, when: When, rates: dict
    ) -> None:
        """Book a fill that the market has counted already; rates are the levies on a sale.

        Commission and levies are due on all that the order has filled, less what it has paid.
        """
        account = self.accounts[order.account]
        value, filled = self.so_far(order)
        gross = to_cents(value + quantity * price) - to_cents(value)
        self.trades.append((order.account, order.key, quantity, price))
        moved = quantity if order.side == "buy" else -quantity
        self.moves.append((order.account, order.symbol, when.at, moved))
        due = commission(order.fees, filled + quantity, value + quantity * price)
        fee = max(ZERO, due - order.commission)
        if order.side == "buy":
            order.commission += fee
            self._buy(account, order, quantity, gross + fee, when)
            return
        fee = min(fee, gross)
        order.sold.append((when.day, quantity, quantity * price))
        levy = min(max(ZERO, levies(rates, order.sold) - order.levy), gross - fee)
        order.commission += fee
        order.levy += levy
        net = gross - fee - levy
        account.cash += net
        if net:
            account.proceeds.append([when.settles_at, len(self.trades), net])
        for lot in account.close_lots(order.symbol, quantity, net):
            if any(settles_at > when.at for settles_at in lot.paid_with):
                account.violations.add(lot.buyer)

    def so_far(self, order: PlainOrder) -> tuple[Decimal, Decimal]:
        """Return what the order's trades booked so far come to: (value, quantity)."""
        mine = [trade for trade in self.trades if trade[:2] == (order.account, order.key)]
        value = sum((quantity * price for _, _, quantity, price in mine), ZERO)
        return value, sum((quantity for _, _, quantity, _ in mine), ZERO)

    def _buy(
        self, account: PlainAccount, order: PlainOrder, quantity: Decimal, cost: Decimal, when: When
    ) -> None:
        paid_with = account.pay(cost, when.at)
        lot = PlainLot(when.at, len(self.trades), order.key, quantity, cost, paid_with)
        account.lots.setdefault(order.symbol, []).append(lot)
        value, filled = self.so_far(order)
        spent = to_cents(value) + order.commission
        is_full = filled == order.quantity
        order.reserved = ZERO if is_full else worst_cost(order, filled, value) - spent


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
