"""Books reckoned anew from a list of executions, as if none of those taken back had ever been.

The twin of corrections: nothing of the project is imported here. It knows no busts and no
reversals; a correction is a line struck out of the list, or written over. docs/trading-rules.md is
the source: "Costs", "Lots and settlement".
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal

ZERO, CENT = Decimal(0), Decimal("0.01")
EACH, AT_LEAST, AT_MOST = Decimal("0.005"), Decimal(1), Decimal("0.01")
LEVY = Decimal("0.0002")


@dataclass(frozen=True)
class Line:
    """One execution, by whom and on which order; match names the two sides of a match.

    at: when it was done; booked: a number that grows with every line that is written.
    """

    name: object
    at: object
    booked: int
    trader: object
    order: object
    side: str
    quantity: Decimal
    price: Decimal
    match: object = None


@dataclass
class Lot:
    name: object
    place: tuple
    bought: Decimal
    paid: Decimal
    left: Decimal

    @property
    def cost(self) -> Decimal:
        return self.paid - cents(self.paid * (self.bought - self.left) / self.bought)


@dataclass
class Order:
    filled: Decimal = ZERO
    value: Decimal = ZERO
    commission: Decimal = ZERO
    levy: Decimal = ZERO


@dataclass
class Books:
    """cash: what trades have brought or cost; lots oldest first, sold ones with nothing left.

    Of lots bought in the same moment that is first which was written first.
    """

    cash: dict = field(default_factory=lambda: defaultdict(Decimal))
    lots: dict = field(default_factory=lambda: defaultdict(list))
    realized: dict = field(default_factory=lambda: defaultdict(Decimal))
    orders: dict = field(default_factory=lambda: defaultdict(Order))

    def seen(self) -> dict:
        """Return what can be compared: by trader, and by order."""
        return {
            "cash": {who: amount for who, amount in self.cash.items() if amount},
            "lots": {
                who: [(lot.left, lot.cost) for lot in lots if lot.left]
                for who, lots in self.lots.items()
                if any(lot.left for lot in lots)
            },
            "realized": {who: pnl for who, pnl in self.realized.items() if pnl},
            "orders": {
                name: (order.filled, order.value, order.commission, order.levy)
                for name, order in self.orders.items()
            },
        }


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def reckon(lines: list[Line]) -> Books:
    """Book the lines one after the other."""
    books = Books()
    for line in lines:
        _book(books, line)
    return books


def _book(books: Books, line: Line) -> None:
    order = books.orders[line.order]
    before = cents(order.value)
    order.filled += line.quantity
    order.value += line.quantity * line.price
    gross = cents(order.value) - before
    due = cents(min(max(EACH * order.filled, AT_LEAST), AT_MOST * order.value))
    commission = max(ZERO, due - order.commission)
    if line.side == "buy":
        order.commission += commission
        paid = gross + commission
        books.cash[line.trader] -= paid
        lot = Lot(line.name, (line.at, line.booked), line.quantity, paid, line.quantity)
        books.lots[line.trader] = sorted([*books.lots[line.trader], lot], key=lambda lot: lot.place)
        return
    commission = min(commission, gross)
    owed = (LEVY * order.filled).quantize(CENT, rounding=ROUND_UP)
    levy = min(max(ZERO, owed - order.levy), gross - commission)
    order.commission += commission
    order.levy += levy
    books.cash[line.trader] += gross - commission - levy
    _sell(books, line, gross - commission - levy)


def _sell(books: Books, line: Line, proceeds: Decimal) -> None:
    missing = line.quantity
    for lot in books.lots[line.trader]:
        taken = min(lot.left, missing)
        before, lot.left, missing = lot.cost, lot.left - taken, missing - taken
        books.realized[line.trader] -= before - lot.cost
    assert not missing, "more was sold than was there"
    books.realized[line.trader] += proceeds


class Ledger:
    """The list, and what may be struck out of it or written over."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.written = 0

    def add(self, name: object, at: object, *terms: object) -> None:
        self.written += 1
        self.lines.append(Line(name, at, self.written, *terms))

    def sides(self, name: object) -> list[Line]:
        """Return the line of that name and, for a match, its other side."""
        (line,) = [each for each in self.lines if each.name == name]
        if line.match is None:
            return [line]
        return [each for each in self.lines if each.match == line.match]

    def may_go(self, name: object) -> bool:
        """Say whether a line may be taken back: nothing has been built on it.

        What its order had after it goes with it. A bought lot must be whole, and a holding must not
        have been sold from by another order since.
        """
        books = reckon(self.lines)
        whole = {lot.name for lots in books.lots.values() for lot in lots if lot.left == lot.bought}
        return all(self._may_go(side, whole) for side in self.sides(name))

    def _may_go(self, side: Line, whole: set) -> bool:
        later = self.lines[self.lines.index(side) :]
        if side.side == "buy":
            return all(line.name in whole for line in later if line.order == side.order)
        sold = [line for line in later if (line.trader, line.side) == (side.trader, "sell")]
        return all(line.order == side.order for line in sold)

    def strike(self, name: object) -> None:
        for side in self.sides(name):
            self._write_again(side)
            del self.lines[self._place_of(side.name)]

    def write_over(self, name: object, quantity: Decimal, price: Decimal) -> None:
        for side in self.sides(name):
            self._write_again(side)
            place = self._place_of(side.name)
            self.lines[place] = replace(self.lines[place], quantity=quantity, price=price)

    def _write_again(self, side: Line) -> None:
        """Write a line and those after it of its order anew, each where it stands."""
        for place in range(self._place_of(side.name), len(self.lines)):
            if self.lines[place].order == side.order:
                self.written += 1
                self.lines[place] = replace(self.lines[place], booked=self.written)

    def _place_of(self, name: object) -> int:
        return [line.name for line in self.lines].index(name)
