"""Moves of issuers: their shares are split, or a dividend is paid, on one of the next days."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.state.draws import exact, names, symbols
from tests.state.plain_actions import PlainAction
from tests.state.stage import FED

ACTIONS_MAX = 3
RATIOS = [(2, 1), (3, 2), (3, 1), (1, 2), (1, 3)]
WORTH = exact("3.33", "10.01")


class IssuerMoves:
    @precondition(lambda self: len(self.model.actions) < ACTIONS_MAX)
    @rule(symbol=symbols, ratio=st.sampled_from(RATIOS), worth=st.one_of(st.none(), WORTH),
          ahead=st.sampled_from([0, 1, 1, 1, 1, 2]), sleep=st.booleans(),
          part=st.sampled_from([None, None, "buy", "sell"]), name=names)  # fmt: skip
    def split(self, *, symbol, ratio, worth, ahead, sleep, part, name):
        """Two of staff agree on a split that is to come; one that is not is refused.

        Now and then somebody's order has just been filled in part.
        """
        if part is not None:
            self.quote(1)
            price = Decimal("10.01") if part == "buy" else Decimal("9.99")
            wanted = (FED, part, "limit", "gtc", Decimal("1.5"))
            self.place(name, None, *wanted, limit=price, after=0)
        day = self._day(symbol) + timedelta(days=ahead)
        at = self.model.start_of(symbol, day)
        new, old = ratio
        self._agree(PlainAction(symbol, day, at, new, old, worth))
        if sleep and at > self.now:  # those who wait for the night are there when it comes
            self.here.now = at + timedelta(seconds=1)
            self.drain()

    @precondition(lambda self: len(self.model.actions) < ACTIONS_MAX)
    @rule(symbol=symbols, amount=exact("0.37", "0.001", "1.005"), tax=exact("0", "0.15", "0.3"),
          ahead=st.sampled_from([0, 0, 1, 1]), later=st.sampled_from([0, 1]))  # fmt: skip
    def dividend(self, *, symbol, amount, tax, ahead, later):
        """A dividend, whose holders may be recorded late."""
        day = self._day(symbol) + timedelta(days=ahead)
        pay_day = day + timedelta(days=later)
        at, pays_at = (self.model.start_of(symbol, each) for each in (day, pay_day))
        terms = {"amount": amount, "tax": tax, "pay_day": pay_day, "pays_at": pays_at}
        self._agree(PlainAction(symbol, day, at, **terms))
        self.drain()

    def _day(self, symbol):
        return self.model.today(symbol, self.now)

    def _agree(self, action: PlainAction) -> None:
        expected = self.model.agree(action, self.now)
        assert self.product.agree(action, self.now) == expected, action
        self.seen.update(expected)
