"""Cash, holdings and lots written down plainly: what a fill books and what an order may hold.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Cash and shares held for orders", "Costs" and "Lots and settlement".
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_UP, Decimal

from tests.state.plain_market import ZERO, PlainOrder

CENT = Decimal("0.01")
HEADROOM = Decimal("1.04")


@dataclass
class PlainLot:
    """quantity and cost are what is left; bought and paid what there was at first."""

    opened_at: datetime
    number: int
    quantity: Decimal
    cost: Decimal
    bought: Decimal
    paid: Decimal


@dataclass
class PlainAccount:
    """fees: ("zero",), ("flat", rate) or ("per_share", each, at least, at most of the value).

    proceeds: [when it settles, which sale, what no buy has used yet], in dollars as cash is.
    """

    fees: tuple
    cash: Decimal = ZERO
    euros: Decimal | None = None
    proceeds: list[list] = field(default_factory=list)
    lots: dict[str, list[PlainLot]] = field(default_factory=dict)
    realized: dict[str, Decimal] = field(default_factory=dict)

    def holding(self, symbol: str) -> Decimal:
        return sum((lot.quantity for lot in self.lots.get(symbol, [])), ZERO)

    def settled(self, now: datetime) -> Decimal:
        waiting = sum((left for settles_at, _, left in self.proceeds if settles_at > now), ZERO)
        return self.cash - min(self.cash, waiting)

    def pay(self, cost: Decimal, now: datetime) -> None:
        """Spend settled cash first, then what settles soonest."""
        missing = cost - self.settled(now)
        self.cash -= cost
        for line in sorted(self.proceeds, key=lambda line: line[:2]):
            if line[0] > now and missing > 0:
                used = min(line[2], missing)
                line[2] -= used
                missing -= used


class PlainBooks:
    """Accounts by name, and every trade there was: (account, key, quantity, price)."""

    def __init__(self) -> None:
        self.accounts: dict[str, PlainAccount] = {}
        self.trades: list[tuple] = []

    def fill(
        self,
        order: PlainOrder,
        quantity: Decimal,
        price: Decimal,
        at: datetime,
        settles_at: datetime,
        levy: Decimal,
    ) -> None:
        """Book a fill that the market has counted already; levy is a regulator's, each share sold.

        It is rounded up to the cent on all that the order has sold.
        """
        account = self.accounts[order.account]
        value, filled = self._before(order)
        gross = to_cents(value + quantity * price) - to_cents(value)
        due = commission(account.fees, filled + quantity, value + quantity * price)
        fee, order.commission = due - order.commission, due
        self.trades.append((order.account, order.key, quantity, price))
        if order.side == "buy":
            account.pay(gross + fee, at)
            paid = gross + fee
            lot = PlainLot(at, len(self.trades), quantity, paid, quantity, paid)
            account.lots.setdefault(order.symbol, []).append(lot)
            order.reserved = self._still_needed(order)
        else:
            all_of_it = (levy * (filled + quantity)).quantize(CENT, rounding=ROUND_UP)
            fee, order.levy = fee + all_of_it - order.levy, all_of_it
            account.cash += gross - fee
            if gross > fee:
                account.proceeds.append([settles_at, len(self.trades), gross - fee])
            self._sell(account, order.symbol, quantity, gross - fee)

    def _before(self, order: PlainOrder) -> tuple[Decimal, Decimal]:
        """Return what the order's trades booked so far come to: (value, quantity)."""
        mine = [trade for trade in self.trades if trade[:2] == (order.account, order.key)]
        value = sum((quantity * price for _, _, quantity, price in mine), ZERO)
        return value, sum((quantity for _, _, quantity, _ in mine), ZERO)

    def _still_needed(self, order: PlainOrder) -> Decimal:
        """Return what a buy holds: its worst total cost, less what it has paid."""
        value, filled = self._before(order)
        if filled == order.quantity:
            return ZERO
        paid = to_cents(value) + order.commission
        return worst_cost(self.accounts[order.account].fees, order, filled, value) - paid

    def _sell(
        self, account: PlainAccount, symbol: str, quantity: Decimal, proceeds: Decimal
    ) -> None:
        """Close the oldest lots first; the last part takes what rounding left over.

        All that has gone of a lot has cost its share of the whole lot, rounded once.
        """
        lots = sorted(account.lots[symbol], key=lambda lot: (lot.opened_at, lot.number))
        parts, missing = [], quantity
        for lot in lots:
            taken = min(lot.quantity, missing)
            if taken:
                parts.append((lot, taken))
                missing -= taken
        assert not missing, "the model sells what is there"
        shared = ZERO
        for place, (lot, taken) in enumerate(parts):
            is_last = place == len(parts) - 1
            share = proceeds - shared if is_last else to_cents(proceeds * taken / quantity)
            shared += share
            before = lot.cost
            lot.quantity -= taken
            gone = lot.bought - lot.quantity
            lot.cost = lot.paid - to_cents(lot.paid * gone / lot.bought)
            cost = before - lot.cost
            account.realized[symbol] = account.realized.get(symbol, ZERO) + share - cost
        account.lots[symbol] = [lot for lot in lots if lot.quantity]


def to_cents(amount: Decimal) -> Decimal:
    """Round half to even."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def commission(fees: tuple, quantity: Decimal, value: Decimal) -> Decimal:
    """Return all that an order owes after quantity shares worth value."""
    if fees[0] == "zero" or not quantity:
        return ZERO
    if fees[0] == "flat":
        return to_cents(fees[1] * value)
    _, each, at_least, at_most = fees
    return to_cents(min(max(each * quantity, at_least), at_most * value))


def worst_cost(
    fees: tuple, order: PlainOrder, filled: Decimal = ZERO, value: Decimal = ZERO
) -> Decimal:
    """Return the most a buy can come to in all, its fills of before included."""
    price = order.limit if order.limit is not None else order.cap
    total = value + price * (order.quantity - filled)
    fee = commission(fees, order.quantity, total)
    return total.quantize(CENT, rounding=ROUND_UP) + fee


def capped_price(offers: list[Decimal | None]) -> Decimal | None:
    """Return the most a market or stop buy may pay: 1.04 x the highest offer, on a cent."""
    known = [price for price in offers if price is not None]
    return (max(known) * HEADROOM).quantize(CENT, rounding=ROUND_CEILING) if known else None
