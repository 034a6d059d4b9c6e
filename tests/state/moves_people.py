"""Moves around trading: people and their money come and go, staff keep the house."""

from datetime import time, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.state.draws import names, symbols
from tests.state.plain_calendar import day_of
from tests.state.plain_terms import PROFILES
from tests.state.stage import FED

AMOUNTS = st.sampled_from(["0.01", "10", "33.33", "140"])
CASH_MOVES = st.sampled_from(["deposit", "withdraw", "withdraw", "to EUR", "to USD"])
METHODS = ["fifo", "lifo", "hifo", "average"]
STAYS = st.sampled_from([False, False, False, True])
"""Whether nobody may order until staff look again."""

HOURS = st.sampled_from([None, time(11), time(13), time(16), time(20)])


class PeopleMoves:
    @rule(name=names, amount=AMOUNTS, again=st.booleans(), what=CASH_MOVES)
    def money(self, *, name, amount, again, what):
        """Money comes, goes or is changed; asked for twice under one key it does so once."""
        self.count += 1
        name, key, exact = self.who(name), f"money-{self.count}", Decimal(amount)
        if what == "deposit":
            expected = self.model.deposit(name, exact)
            asked = (self.product.deposit, name, exact, key, self.now)
        elif what == "withdraw":
            expected = self.model.withdraw(name, exact, self.now)
            asked = (self.product.withdraw, name, exact, key, self.now)
        else:
            into, exact = what.removeprefix("to "), min(exact, Decimal(10))
            expected = self.model.convert(name, exact, into, self.now)
            asked = (self.product.convert, name, exact, into, key, self.now)
        do, *arguments = asked
        for _ in range(1 + (again and not expected)):
            assert do(*arguments) == expected
        self.seen.update([what, *expected])

    @rule(what=st.sampled_from(["register", *METHODS, *PROFILES]), name=names, who=st.booleans())
    def people(self, *, what, name, who):
        """Somebody comes who was not there in the morning, or wants things done otherwise."""
        newcomer = "eve" if who else "dan"
        if what == "register" and newcomer not in self.model.books.accounts:
            self.seen["came"] += 1
            come = self.here.register if who else self.here.open_account
            come(newcomer)
        elif what in METHODS:
            name = self.who(name)
            expected = self.model.set_method(name, what)
            assert self.product.set_method(name, what, self.now) == expected
            self.seen.update(expected)
        elif what in PROFILES:
            name = self.who(name)
            self.model.books.accounts[name].profile = PROFILES[what]
            self.product.set_profile(name, what, self.now)

    @rule(what=st.sampled_from(["halt", "freeze", "switch", "switch off"]), cancels=st.booleans(),
          symbol=symbols, name=names, stays=STAYS)  # fmt: skip
    def stop_it(self, *, what, cancels, symbol, name, stays):
        """Nobody may order what is halted, who is frozen, or while the kill switch is thrown.

        It mostly ends at once; where it does not, the next such move ends it.
        """
        name = self.who(name)
        if self._go_on():
            return
        if what == "halt":
            self._halt(symbol, True)
        elif what == "freeze":
            self._freeze(name, True)
        else:
            whom = name if what == "switch" else None
            self.product.stop_trading(whom, cancels, self.now)
            self.model.stop_trading(whom, cancels, self.now)
        wanted = (symbol, "buy", "limit", "day", Decimal(1))
        self.place(name, None, *wanted, limit=Decimal(10), after=1)
        if not stays:
            self._go_on()

    @rule(ahead=st.sampled_from([0, 0, 1, 1, 2, 3]), closes=HOURS)
    def override(self, *, ahead, closes):
        """The exchange keeps other hours on a day, or none; orders and settlement go by them."""
        day = day_of("new york", self.now) + timedelta(days=ahead)
        self.product.override(FED, day, closes, self.now)
        self.model.override(day, closes)

    def _go_on(self) -> bool:
        """Take everything back that stops somebody; return whether there was anything."""
        halted = [symbol for symbol, each in self.model.instruments.items() if each.is_halted]
        frozen = [name for name, each in self.model.books.accounts.items() if each.is_frozen]
        for symbol in halted:
            self._halt(symbol, False)
        for name in frozen:
            self._freeze(name, False)
        was_stopped = bool(self.model.stopped)
        if was_stopped:
            self.product.resume_trading(self.now)
            self.model.stopped.clear()
        return was_stopped or bool(halted or frozen)

    def _halt(self, symbol: str, is_halted: bool) -> None:
        self.product.halt(symbol, is_halted, self.now)
        self.model.instruments[symbol].is_halted = is_halted

    def _freeze(self, name: str, is_frozen: bool) -> None:
        self.product.freeze(name, is_frozen, self.now)
        self.model.books.accounts[name].is_frozen = is_frozen
