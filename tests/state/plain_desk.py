"""What staff do to trades: busts, and fills by hand.

Part of the model: nothing of the project is imported here. docs/trading-rules.md is the source,
"Currencies and corrections". A trade carries what it did, so taking it back is doing that
backwards; what its order filled after it goes with it, and is booked again.
"""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tests.state.plain_books import PlainTrade
from tests.state.plain_issuers import PlainIssuers
from tests.state.plain_rules import collar_of
from tests.state.plain_terms import TICK_SIZE, ZERO, PlainOrder, is_good


class PlainDesk(PlainIssuers):
    # --- busts

    def bust(self, place: int, now: datetime) -> set[str]:
        """Take back the trade at a place among those that stand, or say what is in the way."""
        for side in self._sides(place):
            code = self._in_the_way(self._from(side), now)
            if code:
                return {code}
        code = deepcopy(self).strike(place, now)
        if code:
            return {code}
        self.strike(place, now)
        return set()

    def strike(self, place: int, now: datetime) -> str | None:
        """Take a trade back, both sides of a match; return a code where it cannot be paid for."""
        sides = self._sides(place)
        for side in sides:
            code = self._restate(self._from(side), now)
            if code:
                return code
        names = [side.order.account for side in sides]
        if any(self.books.accounts[name].cash < self.reserved_cash(name) for name in names):
            return "insufficient_available"
        symbol = sides[0].order.symbol
        for name in names:
            held = self.books.accounts[name].holding(symbol)
            if held < self.reserved_shares(name, symbol):
                return "insufficient_position"
        return None

    def _sides(self, place: int) -> list[PlainTrade]:
        trade = self.books.trades[place]
        if trade.match is None:
            return [trade]
        sides = [each for each in self.books.trades if each.match is trade.match]
        return sorted(sides, key=lambda side: side.number)

    def _from(self, trade: PlainTrade) -> list[PlainTrade]:
        """Return a trade and those that its order has had after it."""
        mine = [each for each in self.books.trades if each.order is trade.order]
        return mine[mine.index(trade) :]

    def _in_the_way(self, trades: list[PlainTrade], now: datetime) -> str | None:
        first, order = trades[0], trades[0].order
        since = [a for a in self.actions if a.symbol == order.symbol and a.at > first.when.at]
        if any(action.is_split and action.status == "applied" for action in since):
            return "changed_since"
        for trade in trades:
            lot, line = trade.lot, trade.line
            if lot and (lot.quantity != lot.bought or lot.shift):
                return "lot_in_use"
            if line and line[0] > now and line[2] != trade.net:
                return "proceeds_in_use"
        if order.side == "sell" and self._was_sold_since(trades):
            return "sold_since"
        if any(not a.is_split and a.status in ("applied", "paid") for a in since):
            return "changed_since"
        is_sold_by_legs = order.group is not None and not order.leg and order.group.legs
        return "legs_at_work" if is_sold_by_legs else None

    def _was_sold_since(self, trades: list[PlainTrade]) -> bool:
        order = trades[0].order
        sales = [t for t in self.books.trades if t.sale and t.number > trades[0].number]
        sales = [t for t in sales if t not in trades and t.order.symbol == order.symbol]
        return any(sale.order.account == order.account for sale in sales)

    def _restate(self, trades: list[PlainTrade], now: datetime) -> str | None:
        """Take trades of an order back, newest first, and book all but the first again."""
        order = trades[0].order
        for trade in reversed(trades):
            self.books.undo(trade, now)
        for was in trades[1:]:
            order.busted -= was.quantity
            order.filled += was.quantity
            order.value += was.quantity * was.price
            when = replace(was.when, booked_at=now)
            levies = self.levies_on(order)
            self.books.fill(order, was.quantity, was.price, when, levies, was.match, was)
            if self.books.accounts[order.account].cash < 0:
                return "insufficient_available"
        if order.side == "buy":
            self.books.hold(order)
        order.updated_at = max(order.updated_at, now)
        return None

    # --- by hand

    def execute(
        self, order: PlainOrder, quantity: Decimal, price: Decimal, now: datetime
    ) -> set[str]:
        """Fill an order that is at work by hand, or say all that is against it."""
        is_at_work = order.is_open and order.status != "held" and order.priority is not None
        if not is_at_work or order.is_asleep or order.group:
            return {"order_not_executable"}
        codes = set(self._against(order, quantity, price))
        if not codes:
            order.filled += quantity
            order.value += quantity * price
            order.updated_at = max(order.updated_at, now)
            self.book(order, quantity, price, None, now)
        return codes

    def _against(self, order: PlainOrder, quantity: Decimal, price: Decimal):
        instrument = self.instruments[order.symbol]
        if instrument.is_halted:
            yield "symbol_halted"
        if quantity > order.leaves:
            yield "quantity_above_leaves"
        elif quantity < order.leaves:
            if quantity <= ZERO or quantity % instrument.step:
                yield "invalid_step"
            if order.tif == "fok":
                yield "quantity_below_leaves"
        if price <= ZERO or price % TICK_SIZE:
            yield "invalid_tick"
        if not is_good(order.side, order.bound, price):
            yield "price_beyond_limit"
        tick = self.board.newest.get(order.symbol)
        last = price if tick is None or tick.last is None else tick.last
        if abs(price - last) > collar_of(last) * last:
            yield "price_collar"
