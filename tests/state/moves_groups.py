"""Moves with groups: an entry and the legs that sell what it buys, or a pair for shares held."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.state.draws import exact, fresh_sizes, keys, names, prices, quantities, soon, waits
from tests.state.plain_terms import LegTerms
from tests.state.stage import FED

KINDS = ["bracket", "bracket", "oto profit", "oto loss", "oco", "oco"]
ENTRIES = ["limit", "limit", "market", "stop"]
LOSSES = ["stop", "stop", "stop_limit", "trail"]


class GroupMoves:
    @rule(name=names, kind=st.sampled_from(KINDS), entry=st.sampled_from(ENTRIES), price=prices,
          above=exact("0", "0.01", "0.01", "0.02"), below=exact("0", "0.01", "0.02", "0.03"),
          loss=st.sampled_from(LOSSES), quantity=quantities, tif=st.sampled_from(["day", "gtc"]),
          key=keys, size=fresh_sizes, is_soon=soon, after=waits)  # fmt: skip
    def group(self, *, name, kind, entry, price, above, below, loss, quantity, tif, key, size,
              is_soon, after):  # fmt: skip
        """A group near the market; legs that lie wrong are refused."""
        self.quote(size)
        names = {"oto profit": ["take_profit"], "oto loss": ["stop_loss"], "oco": ["stop_loss"]}
        wanted = names.get(kind, ["take_profit", "stop_loss"])
        if kind == "oco":
            entry, side, limit = "limit", "sell", price + above
        else:
            side, limit = "buy", price if entry == "limit" else None
        legs = {
            "take_profit": {"limit": price + above},
            "stop_loss": {
                "stop": {"stop": price - below},
                "stop_limit": {"stop": price - below, "limit": price - below - Decimal("0.01")},
                "trail": {"trail": Decimal("0.02")},
            }[loss],
        }
        terms = [LegTerms(leg, **self.in_todays_shares(FED, legs[leg])) for leg in wanted]
        own = {"limit": limit, "stop": price if entry == "stop" else None}
        group = {"kind": kind.partition(" ")[0], "legs": tuple(terms)}
        ticket = (FED, side, entry, tif, quantity)
        self.place(name, key, *ticket, **own, **group, is_soon=is_soon, after=after)
