"""Moves of the market: quotes and prints, gaps, mistakes, what comes late and what comes twice."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.state.draws import exact, names, prices, sides, soon, waits
from tests.state.plain_terms import PlainTick
from tests.state.stage import FED, insane, quote


class MarketMoves:
    @rule(bid=prices, spread=st.sampled_from([0, 1, 1, 2]), size=st.sampled_from([0, 1, 2, 5]),
          is_soon=soon, after=waits)  # fmt: skip
    def tick(self, *, bid, spread, size, is_soon, after):
        self.pass_time(after)
        self.hear(quote(FED, bid, bid + Decimal(spread) / 100, size, self.now), is_soon)

    @rule(bid=exact("9.50", "10.40"), is_soon=soon)
    def gap(self, *, bid, is_soon):
        """The market jumps past every stop and limit there is."""
        self.pass_time(1)
        self.hear(quote(FED, bid, bid + Decimal("0.02"), 5, self.now), is_soon)

    @rule(last=prices, is_new_quote=st.booleans(), missing=st.sampled_from(["bid", "ask", ""]),
          is_soon=soon)  # fmt: skip
    def odd_tick(self, *, last, is_new_quote, missing, is_soon):
        """A print between quotes, or a quote with one side only."""
        self.pass_time(1)
        tick = replace(
            quote(FED, "9.99", "10.01", 2, self.now), last=last, is_new_quote=is_new_quote
        )
        if missing:
            tick = replace(tick, **{missing: None, f"{missing}_size": Decimal(0)})
        self.hear(tick, is_soon)

    @rule(how=st.sampled_from(["crossed", "zero", "outside", "far", "late", "again", "again"]),
          bid=prices, back=st.sampled_from([1, 2, 4, 20]))  # fmt: skip
    def bad_tick(self, *, how, bid, back):
        """Nobody may trade on a mistake; what comes late or twice is no news."""
        if how == "again":
            self.repeat(self.ticks[-min(back, len(self.ticks))])
        elif how == "late":
            as_of = self.now - timedelta(seconds=back)
            self.hear(quote(FED, bid, bid + Decimal("0.01"), 2, as_of))
        else:
            self.hear(insane(quote(FED, "9.99", "10.00", 5, self.now), how))

    @rule(name=names, side=sides, offered=st.sampled_from([1, 2]), quantity=exact("2", "2.5", "3"))
    def echo(self, *, name, side, offered, quantity):
        """An order takes all there is and waits for more; then the bus repeats the offer."""
        self.quote(offered)
        limit = Decimal("10.01") if side == "buy" else Decimal("9.99")
        self.place(name, None, FED, side, "limit", "day", quantity, limit=limit, after=0)
        self.repeat(self.ticks[-1])

    def repeat(self, tick: PlainTick) -> None:
        if tick.is_sane:
            self.product.deliver_again(tick)
            self.model.deliver_again(tick)
            self.drain()
