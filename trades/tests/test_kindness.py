"""Whatever the market does, no profile is kinder than the one before it."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bengi.terms import OrderType, Realism, Side, TimeInForce
from instruments.realism import profile_of
from trades.matching.market import Market
from trades.matching.working import StreetQuote, WorkingOrder
from trades.tests.world import START

CENT, SHARE = 10**6, 10**8
PRICES = range(998, 1003)

prices = st.sampled_from(PRICES)
sizes = st.integers(0, 4)
words = st.tuples(prices, prices, sizes, sizes, st.none() | prices, sizes, st.booleans())
"""Both sides' prices and sizes, a print or none with its size, and whether the quote is new."""


def filled(profile, side, limit, market_words):
    """Return how much a day order of ten got of a market where it is alone, at each word.

    The first quote stands until the order has arrived in every profile, so that all of them begin
    with the same look.
    """
    first, *rest = market_words
    market_words = [first, (*first[:4], None, 0, False), *rest]
    market = Market("XYZ", tick=CENT, step=SHARE)
    latency = profile_of(profile).latency
    order = WorkingOrder(
        id="o",
        account_id="a",
        side=side,
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        leaves=10 * SHARE,
        limit=None if limit is None else limit * CENT,
        stop=None,
        cap=None,
        priority=1,
        profile=profile_of(profile),
        starts_at=START + latency if latency else None,
    )
    got = []
    for number, word in enumerate(market_words):
        now = START + timedelta(seconds=number)
        low, high = sorted(word[:2])
        quote = StreetQuote(
            bid=low * CENT,
            ask=high * CENT,
            bid_size=word[2] * SHARE,
            ask_size=word[3] * SHARE,
            last=None if word[4] is None else word[4] * CENT,
            as_of=now,
            is_new=word[6],
            volume=0 if word[4] is None else word[5] * SHARE,
        )
        market.on_quote(quote, now)
        if number == 0:
            market.submit(order, now)
        got.append(10 * SHARE - order.leaves)
    return got


@settings(max_examples=500, deadline=None)
@given(
    side=st.sampled_from(Side),
    limit=st.none() | prices,
    market_words=st.lists(words, min_size=1, max_size=12),
)
def test_an_order_never_has_less_than_in_a_harder_profile(side, limit, market_words):
    by_profile = [filled(profile, side, limit, market_words) for profile in Realism]
    for kinder, harder in pairwise(by_profile):
        assert all(more >= less for more, less in zip(kinder, harder, strict=True))


def test_the_profiles_stand_from_kind_to_hard():
    assert [*Realism] == ["instant", "realistic", "harsh"]
