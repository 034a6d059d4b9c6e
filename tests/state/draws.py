"""What the moves draw from: few names, prices and quantities, so that edges meet."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.state.stage import CUSTOMERS, FED, FEES, PRICES


def exact(*texts: str) -> Any:
    """Return a strategy that draws one of some decimals."""
    return st.sampled_from([Decimal(text) for text in texts])


names = st.sampled_from(list(FEES))
symbols = st.sampled_from([FED, FED, FED, CUSTOMERS])
sides = st.sampled_from(["buy", "sell"])
prices = st.sampled_from(PRICES)
quantities = exact("0.5", "1", "1.5", "2", "2.5")
rests = st.sampled_from(["day", "gtc", "gtc", "gtd"])
expiries = st.sampled_from([5, 20, 7_200, 100_000, 300_000])
"""In how many seconds an order is over: some before the next step, some over the week-end."""

keys = st.sampled_from([None] * 9 + ["a", "b"])
fresh_sizes = st.sampled_from([None, 1, 2, 5, 5])
"""What the market quotes before an order that cannot wait; None: nothing new."""

waits = st.sampled_from([0, 0, 1, 1, 3])
soon = st.sampled_from([True, True, True, False])
"""Whether the engine is nudged at once."""
