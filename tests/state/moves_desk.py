"""Moves of the staff desk: trades are taken back, orders filled by hand."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.state.draws import exact, prices, quantities, soon


class DeskMoves:
    @precondition(lambda self: self.model.books.trades)
    @rule(pick=st.sampled_from([0, 0, 1, 2, 3, 5, 8, 13]), is_soon=soon)
    def bust(self, *, pick, is_soon):
        """Take back one of the newest trades, if nothing has been built on it."""
        trades = self.model.books.trades
        place = max(0, len(trades) - 1 - pick)
        trade = trades[place]
        name, key = trade.order.account, trade.order.key
        of_order = [each for each in trades if each.order is trade.order].index(trade)
        expected = self.model.bust(place, self.now)
        assert self.product.bust(name, key, of_order, self.now) == expected, (name, key)
        self.seen.update(expected or ["busted"])
        if not expected:
            self.model.engine.restart()
        self.drain(is_soon)

    @precondition(lambda self: self.new_orders)
    @rule(pick=st.integers(0, 63), price=prices, quantity=quantities, is_all=st.booleans(),
          far=exact("0", "0", "0", "2", "0.001"), is_soon=soon)  # fmt: skip
    def by_hand(self, *, pick, price, quantity, is_all, far, is_soon):
        """Fill an order by hand, in part or wholly, at a price that is there or far away."""
        order = self._pick(pick)
        price = self.in_todays_shares(order.symbol, {"limit": price})["limit"]
        price = (order.limit if is_all and order.limit else price) + far
        wanted = order.leaves if is_all and order.is_open else quantity
        self.count += 1
        expected = self.model.execute(order, wanted, price, self.now)
        asked = (order.account, order.key, wanted, price, f"hand-{self.count}", self.now)
        assert self.product.execute(*asked) == expected, asked
        self.seen.update(expected or ["by hand"])
        if not expected:
            self.model.engine.restart()
        self.drain(is_soon)
