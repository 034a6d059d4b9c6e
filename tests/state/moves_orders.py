"""Moves of traders: orders of every type and time in force, changed and taken back."""

from dataclasses import replace as changed
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.state.draws import (
    exact,
    expiries,
    fresh_sizes,
    keys,
    names,
    prices,
    quantities,
    rests,
    sides,
    soon,
    symbols,
    waits,
)
from tests.state.plain_terms import PlainOrder
from tests.state.stage import FED

UNLIKELY = [("8.00", "1"), ("12.00", "1"), ("10.005", "1"), ("10.00", "0.55"), ("10.00", "30")]
UNLIKELY += [("10.00", "100001")]
STOP_KINDS = ["stop", "stop", "stop_limit", "stop_limit", "trail", "trail_percent"]
WISHES = ["quantity", "quantity", "price", "stop", "tif"]


class OrderMoves:
    @rule(name=names, symbol=symbols, side=sides, price=prices, quantity=quantities, tif=rests,
          expiry=expiries, key=keys, is_soon=soon, after=waits)  # fmt: skip
    def limit(self, *, name, symbol, side, price, quantity, tif, expiry, key, is_soon, after):
        wanted = (symbol, side, "limit", tif, quantity)
        ends = {"limit": price, "expires_at": self.expiry(tif, expiry)}
        self.place(name, key, *wanted, **ends, is_soon=is_soon, after=after)

    @rule(name=names, symbol=symbols, price=prices, quantity=quantities, other=names, after=waits)
    def meet(self, *, name, symbol, price, quantity, other, after):
        """Two orders that want each other, at one price."""
        sell, buy = ("sell", "limit", "gtc", quantity), ("buy", "limit", "day", quantity)
        self.place(name, None, symbol, *sell, limit=price, after=after)
        self.place(other, None, symbol, *buy, limit=price, after=0)

    @rule(name=names, symbol=symbols, side=sides, quantity=quantities, tif=rests, expiry=expiries,
          size=fresh_sizes, key=keys, is_soon=soon, after=waits)  # fmt: skip
    def market(self, *, name, symbol, side, quantity, tif, expiry, size, key, is_soon, after):
        self.quote(size)
        wanted = (symbol, side, "market", tif, quantity)
        expires_at = self.expiry(tif, expiry)
        self.place(name, key, *wanted, expires_at=expires_at, is_soon=is_soon, after=after)

    @rule(name=names, side=sides, price=prices, off=exact("-0.01", "0", "0.01"),
          kind=st.sampled_from(STOP_KINDS), trail=exact("0.01", "0.02", "0.05"),
          quantity=quantities, tif=rests, expiry=expiries, is_soon=soon, after=waits)  # fmt: skip
    def stop(self, *, name, side, price, off, kind, trail, quantity, tif, expiry, is_soon, after):
        """Stops, stop limits, and stops that trail by a price or by ten times as many percent."""
        shape: dict[str, Any] = {
            "stop": {"stop": price},
            "stop_limit": {"stop": price, "limit": price + off},
            "trail": {"trail": trail},
            "trail_percent": {"trail_percent": trail * 10},
        }[kind]
        wanted = (FED, side, "trailing_stop" if "trail" in kind else kind, tif, quantity)
        shape["expires_at"] = self.expiry(tif, expiry)
        self.place(name, None, *wanted, **shape, is_soon=is_soon, after=after)

    @rule(name=names, symbol=symbols, side=sides, price=prices, quantity=quantities,
          tif=st.sampled_from(["ioc", "fok", "opg", "cls"]),
          kind=st.sampled_from(["limit", "limit", "market", "market", "stop"]),
          size=fresh_sizes, is_soon=soon, after=waits)  # fmt: skip
    def one_look(self, *, name, symbol, side, price, quantity, tif, kind, size, is_soon, after):
        """Orders that have one look at the market: now, at the opening or at the close."""
        self.quote(size)
        shape = {} if kind == "market" else {kind: price}
        wanted = (symbol, side, kind, tif, quantity)
        self.place(name, None, *wanted, **shape, is_soon=is_soon, after=after)

    @rule(name=names, quantity=quantities, times=st.sampled_from([1, 2]), after=waits)
    def churn(self, *, name, quantity, times, after):
        """Sell, buy with what that brings before it has settled, and sell again."""
        for side in ["sell", "buy"] * times + ["sell"]:
            self.quote(5)
            self.place(name, None, FED, side, "market", "day", quantity, after=after)

    @rule(name=names, side=sides, wish=st.sampled_from(UNLIKELY),
          how=st.sampled_from(["limit", "again"] * 2 + ["twin", "over", "wide"]))  # fmt: skip
    def unlikely(self, *, name, side, wish, how):
        """What must be refused, and what was asked for before."""
        price, quantity = (Decimal(text) for text in wish)
        if how == "again" and self.last_ticket is not None:
            self.ask(self.last_ticket)
            self.ask(changed(self.last_ticket, quantity=self.last_ticket.quantity + 1))
            self.drain()
        elif how == "twin" and self.last_ticket is not None:
            self.count += 1
            twin = changed(self.last_ticket, key=f"twin-{self.count}", is_meant=False)
            self.ask(twin)
            self.drain()
        elif how == "over":
            wanted = (FED, side, "limit", "gtd", Decimal(1))
            self.place(name, None, *wanted, limit=price, expires_at=self.now, after=1)
        elif how == "wide":
            wanted = (FED, side, "trailing_stop", "day", quantity)
            self.place(name, None, *wanted, trail=price, after=1)
        else:
            self.place(name, None, FED, side, "limit", "day", quantity, limit=price, after=1)

    @precondition(lambda self: self.new_orders)
    @rule(pick=st.integers(0, 63), is_soon=soon, after=waits)
    def cancel(self, *, pick, is_soon, after):
        order = self._pick(pick)
        self.pass_time(after)
        expected = self.model.cancel(order.account, order.key, self.now)
        assert self.product.cancel(order.account, order.key, self.now) == expected
        self.seen.update(expected)
        self.drain(is_soon)

    @precondition(lambda self: self.new_orders)
    @rule(pick=st.integers(0, 63), what=st.sets(st.sampled_from(WISHES), min_size=1, max_size=2),
          quantity=exact("0.5", "1", "1.5", "2", "2.5", "3", "4", "30"), price=prices,
          trail=exact("0.01", "0.03", "0.5"),
          tif=st.sampled_from(["day", "gtc", "gtd", "ioc", "cls", "opg"]),
          expiry=expiries, key=keys, times=st.sampled_from([1, 1, 2]), is_soon=st.booleans(),
          after=waits)  # fmt: skip
    def replace(self, *, pick, what, quantity, price, trail, tif, expiry, key, times, is_soon,
                after):  # fmt: skip
        """Ask for other terms, once or twice, and mostly let something come between."""
        order = self._pick(pick)
        if order.group is not None:
            return  # trades/tests/test_replacing_in_groups.py has that
        self.pass_time(after)
        self.count += 1
        changes: dict[str, Any] = {}
        if "price" in what and order.limit is not None:
            changes["limit"] = price
        if "stop" in what and order.type in ("stop", "stop_limit"):
            changes["stop"] = price
        if "stop" in what and order.type == "trailing_stop":
            changes["trail" if pick % 2 else "trail_percent"] = trail
        if "tif" in what:
            changes |= {"tif": tif, "expires_at": self.expiry(tif, expiry)}
        if "quantity" in what or not changes:
            changes["quantity"] = quantity
        changes = self.in_todays_shares(order.symbol, changes)
        asked = (order.account, order.key, changes, key or f"key-{self.count}", self.now)
        for _ in range(times):
            expected = self.model.replace(*asked)
            assert self.product.replace(*asked) == expected, asked
            self.seen.update(expected)
        self.drain(is_soon)

    def _pick(self, pick: int) -> PlainOrder:
        """Return mostly an open order, now and then one that is closed."""
        known = self.new_orders
        is_open = [order for order in known if order.is_open and not order.waits_to_replace]
        choice = is_open if is_open and pick % 8 else known
        return choice[pick // 8 % len(choice)]
