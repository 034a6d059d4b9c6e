"""The state machine: moves drawn by hypothesis, made on the model and on the product alike.

Prices, quantities and keys are few, so that edges meet and keys come again.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.state.model import Ticket, next_close, next_open
from tests.state.stage import CUSTOMERS, FED, FEES, PRICES, Stage, insane, quote

CHECK_BOOKS_AT = 20
"""The step after which check_books and the replay run too; they run at the end as well."""
SESSIONS_MAX = 8
"""How often an example may go to another day: the calendar's next holiday is weeks away."""

names = st.sampled_from(list(FEES))
symbols = st.sampled_from([FED, FED, FED, CUSTOMERS])
sides = st.sampled_from(["buy", "sell"])
prices = st.sampled_from(PRICES)
quantities = st.sampled_from([Decimal(text) for text in ("0.5", "1", "1.5", "2", "2.5")])
rests = st.sampled_from(["day", "gtc"])
UNLIKELY = [("8.00", "1"), ("12.00", "1"), ("10.005", "1"), ("10.00", "0.55"), ("10.00", "30")]
keys = st.sampled_from([None] * 9 + ["a", "b"])
amounts = st.sampled_from(["0.01", "10", "33.33", "140"])
CASH_MOVES = ["deposit", "withdraw", "withdraw", "to EUR", "to USD"]
waits = st.sampled_from([0, 0, 1, 1, 3])
soon = st.sampled_from([True, True, True, False])


class Broker(RuleBasedStateMachine):
    """One example. stage is set by who runs it; seen counts what the examples came across."""

    stage: Stage
    seen: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        stage = self.stage.copy()
        self.model, self.product, self.now = stage.model, stage.product, stage.now
        self.product.start()
        self.steps = self.sessions = self.count = 0
        self.ticks: list = []
        self.trades_before = len(self.model.books.trades)
        self.last_ticket: Ticket | None = None
        self._tick(quote(FED, "9.99", "10.01", 3, self.now))

    def teardown(self) -> None:
        try:
            self._compare()
            assert self.product.complaints() == []
            new = list(self.model.orders.values())[self.trades_before :]
            self.seen.update(order.status for order in new)
            self.seen["trades"] += len(self.model.books.trades) - self.trades_before
            self.seen["steps"] += self.steps
        finally:
            self.product.stop()
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    # --- orders

    @rule(name=names, symbol=symbols, side=sides, price=prices, quantity=quantities, tif=rests,
          key=keys, is_soon=soon, after=waits)  # fmt: skip
    def limit(self, *, name, symbol, side, price, quantity, tif, key, is_soon, after):
        wanted = (symbol, side, "limit", tif, quantity, price)
        self._place(name, key, *wanted, is_soon=is_soon, after=after)

    @rule(name=names, symbol=symbols, price=prices, quantity=quantities, other=names, after=waits)
    def meet(self, *, name, symbol, price, quantity, other, after):
        """Two orders that want each other, at one price."""
        self._place(name, None, symbol, "sell", "limit", "gtc", quantity, price, after=after)
        self._place(other, None, symbol, "buy", "limit", "day", quantity, price, after=0)

    @rule(name=names, symbol=symbols, side=sides, quantity=quantities, tif=rests, key=keys,
          is_soon=soon, after=waits)  # fmt: skip
    def market(self, *, name, symbol, side, quantity, tif, key, is_soon, after):
        wanted = (symbol, side, "market", tif, quantity)
        self._place(name, key, *wanted, is_soon=is_soon, after=after)

    @rule(name=names, side=sides, price=prices, quantity=quantities, tif=rests, is_soon=soon,
          after=waits)  # fmt: skip
    def stop(self, *, name, side, price, quantity, tif, is_soon, after):
        wanted = (FED, side, "stop", tif, quantity, None, price)
        self._place(name, None, *wanted, is_soon=is_soon, after=after)

    @rule(name=names, symbol=symbols, side=sides, price=prices, quantity=quantities,
          tif=st.sampled_from(["ioc", "fok"]), kind=st.sampled_from(["limit", "market", "stop"]),
          is_soon=soon, after=waits)  # fmt: skip
    def at_once(self, *, name, symbol, side, price, quantity, tif, kind, is_soon, after):
        limit, stop = (price if kind == each else None for each in ("limit", "stop"))
        wanted = (symbol, side, kind, tif, quantity, limit, stop)
        self._place(name, None, *wanted, is_soon=is_soon, after=after)

    @rule(name=names, side=sides, wish=st.sampled_from(UNLIKELY), again=st.sampled_from([0, 0, 1]))
    def unlikely(self, *, name, side, wish, again):
        """Off the collar, the tick or the step, beyond anybody's means, or asked for before."""
        if not again or self.last_ticket is None:
            price, quantity = wish
            wanted = (FED, side, "limit", "day", Decimal(quantity), Decimal(price))
            self._place(name, None, *wanted, after=1)
        else:
            ticket = self.last_ticket
            self._ask(ticket)
            self._ask(replace(ticket, quantity=ticket.quantity + 1))
            self._drain()

    @precondition(lambda self: self.model.orders)
    @rule(pick=st.integers(0, 63), is_soon=soon, after=waits)
    def cancel(self, *, pick, is_soon, after):
        """Mostly an open order, now and then one that is closed."""
        known = list(self.model.orders)
        is_open = [key for key in known if self.model.orders[key].is_open]
        choice = is_open if is_open and pick % 8 else known
        account, key = choice[pick // 8 % len(choice)]
        self.now += timedelta(seconds=after)
        answer = self.product.cancel(account, key, self.now)
        assert answer == self.model.cancel(account, key, self.now)
        if is_soon:
            self._drain()

    # --- money

    @rule(name=names, amount=amounts, again=st.booleans(), what=st.sampled_from(CASH_MOVES))
    def money(self, *, name, amount, again, what):
        """Money comes, goes or is changed; asked for twice under one key it does so once."""
        self.count += 1
        key, exact = f"money-{self.count}", Decimal(amount)
        if what == "deposit":
            for _ in range(1 + again):
                self.product.deposit(name, exact, key, self.now)
            self.model.deposit(name, exact)
            return
        if what == "withdraw":
            expected = self.model.withdraw(name, exact, self.now)
            answers = [self.product.withdraw(name, exact, key, self.now)]
            if again and not expected:
                answers.append(self.product.withdraw(name, exact, key, self.now))
        else:
            into = what.removeprefix("to ")
            exact = min(exact, Decimal(10))
            expected = self.model.convert(name, exact, into, self.now)
            answers = [self.product.convert(name, exact, into, key, self.now)]
        assert [answer for answer in answers if answer != expected] == []
        self.seen.update([what, *expected])

    # --- the market

    @rule(bid=prices, spread=st.sampled_from([0, 1, 1, 2]), size=st.sampled_from([0, 1, 2, 5]),
          is_soon=soon, after=waits)  # fmt: skip
    def tick(self, *, bid, spread, size, is_soon, after):
        self.now += timedelta(seconds=after)
        self._tick(quote(FED, bid, bid + Decimal(spread) / 100, size, self.now), is_soon)

    @rule(bid=st.sampled_from([Decimal("9.50"), Decimal("10.40")]), is_soon=soon)
    def gap(self, *, bid, is_soon):
        """The market jumps past every stop and limit there is."""
        self.now += timedelta(seconds=1)
        self._tick(quote(FED, bid, bid + Decimal("0.02"), 5, self.now), is_soon)

    @rule(last=prices, is_new_quote=st.booleans(), missing=st.sampled_from(["bid", "ask", ""]),
          is_soon=soon)  # fmt: skip
    def odd_tick(self, *, last, is_new_quote, missing, is_soon):
        """A print between quotes, or a quote with one side only."""
        self.now += timedelta(seconds=1)
        tick = replace(
            quote(FED, "9.99", "10.01", 2, self.now), last=last, is_new_quote=is_new_quote
        )
        if missing:
            tick = replace(tick, **{missing: None, f"{missing}_size": Decimal(0)})
        self._tick(tick, is_soon)

    @rule(how=st.sampled_from(["crossed", "zero", "outside", "late", "again", "again"]),
          bid=prices, back=st.sampled_from([1, 2, 4, 20]))  # fmt: skip
    def bad_tick(self, *, how, bid, back):
        """Nobody may trade on a mistake; what comes late or twice is no news."""
        if how == "again":
            tick = self.ticks[-min(back, len(self.ticks))]
            if tick.is_sane:
                self.product.deliver_again(tick)
                self.model.deliver_again(tick)
                self._drain()
        elif how == "late":
            as_of = self.now - timedelta(seconds=back)
            self._tick(quote(FED, bid, bid + Decimal("0.01"), 2, as_of))
        else:
            self._tick(insane(quote(FED, "9.99", "10.00", 5, self.now), how))

    @rule(symbol=symbols, wish=st.sampled_from([False, True]))
    def halt(self, *, symbol, wish):
        """Nobody may order, and nothing fills, while it is halted; the next word ends the halt."""
        is_halted = wish and not self.model.instruments[symbol].is_halted
        self.product.halt(symbol, is_halted, self.now)
        self.model.instruments[symbol].is_halted = is_halted

    # --- the clock

    @rule(seconds=st.sampled_from([0, 5, 16, 120]), times=st.sampled_from([1, 1, 2]))
    def wait(self, *, seconds, times):
        """Time passes, and nudges come once or twice."""
        self.now += timedelta(seconds=seconds)
        for _ in range(times):
            self._drain()

    @precondition(lambda self: self.sessions < SESSIONS_MAX)
    @rule(seconds=st.sampled_from([-1, 0, 1]), is_soon=soon,
          stay=st.sampled_from([False, False, True]))  # fmt: skip
    def close(self, *, seconds, is_soon, stay):
        """Go to the exchange's close, and mostly on to its next opening.

        The first night or two lead over the weekend on which the clocks go forward.
        """
        self.sessions += 1
        if self.model.is_open(FED, self.now):
            self.now = max(self.now, next_close(self.now) + timedelta(seconds=seconds))
            if is_soon:
                self._drain()
        if not stay:
            self.now = next_open(self.now)
            self._tick(quote(FED, "10.00", "10.01", 2, self.now), is_soon)

    # --- the processes

    @rule(is_soon=soon, what=st.sampled_from(["restart", "second engine"]))
    def process(self, *, is_soon, what):
        """The engine is restarted, or another one takes over from one that is only paused."""
        if self.product.paused is not None:
            self.seen["fenced"] += self.product.wake_paused(self.now)
        elif what == "restart":
            self.product.restart()
            self.model.restart()
            if is_soon:
                self._drain()
        else:
            self.product.take_over(self.now)
            self.model.lose_ticks()
            self.model.restart()
            self.model.drain(self.now)

    # --- after every step

    @invariant()
    def agrees(self):
        """Cash, reservations, shares, lots, orders, trades and realized profit are the model's."""
        self.steps += 1
        self._compare()
        if self.steps == CHECK_BOOKS_AT:
            assert self.product.complaints() == []

    def _compare(self) -> None:
        expected, found = self.model.seen(), self.product.seen()
        for kind, lines in expected.items():
            assert found[kind] == lines, kind
        assert self.product.crossed() == []

    # --- how a move is made

    def _place(
        self, name: str, key: str | None, *wanted: Any, after: int, is_soon: bool = True
    ) -> None:
        """wanted: symbol, side, type, time in force, quantity, limit and stop."""
        self.now += timedelta(seconds=after)
        self.count += 1
        ticket = Ticket(name, key or f"key-{self.count}", *wanted)
        self._ask(ticket)
        self.last_ticket = ticket
        if is_soon:
            self._drain()

    def _ask(self, ticket: Ticket) -> None:
        expected = self.model.place(ticket, self.now)
        assert self.product.place(ticket, self.now) == expected, ticket
        self.seen.update(expected)

    def _tick(self, tick, is_soon=True) -> None:
        self.product.record(tick)
        self.model.record(tick)
        self.ticks.append(tick)
        if is_soon:
            self._drain()

    def _drain(self) -> None:
        self.product.drain(self.now)
        self.model.drain(self.now)
