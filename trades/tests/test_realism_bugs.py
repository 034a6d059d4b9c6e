"""Bugs planted in what the street offers to whom: the naive market must catch every one of them."""

import pytest

from trades.tests.sandbox import Sandbox
from trades.tests.test_planted_bugs import (
    MARKET,
    REALISM,
    STREET,
    WAITING,
    Bug,
    check_matching,
)

RESTING = "trades.matching.resting"
IMPACT = "trades.matching.impact"

BUGS = [
    Bug(
        "a touch passes for through",
        RESTING,
        "price is not None and price != limit and is_within",
        "price is not None and is_within",
    ),
    Bug(
        "a print beyond the limit goes unnoticed",
        RESTING,
        " or _is_beyond(last, limit, order.side):",
        ":",
    ),
    Bug(
        "a print at the limit or beyond it fills at the print",
        RESTING,
        "return street.give_of_print(order, ahead), limit",
        "return street.give_of_print(order, ahead), last",
    ),
    Bug(
        "nobody is ahead in the queue",
        RESTING,
        "            order.queue_ahead = size",
        "            order.queue_ahead = 0",
    ),
    Bug(
        "the queue ahead never trades",
        RESTING,
        "order.queue_ahead = max(0, ahead - quote.volume)",
        "pass",
    ),
    Bug(
        "whoever was ahead stays though the market has left the price",
        RESTING,
        "    elif own is not None and is_within(own, limit, order.side):",
        "    elif own == limit:",
    ),
    Bug(
        "a queue is measured anew at every quote",
        RESTING,
        "if order.queue_ahead is None and quote.has_sizes:",
        "if quote.has_sizes:",
    ),
    Bug(
        "a print is there for everybody",
        STREET,
        "        self._printed_left -= quantity\n",
        "",
    ),
    Bug(
        "a print beyond the quotes is out of everybody's reach",
        STREET,
        "            if last < low:\n                low = last\n            elif last > high:",
        "            if last > high:",
    ),
    Bug(
        "an unlimited order takes what others may have",
        STREET,
        "        if order.profile.is_unlimited:\n            return quantity\n",
        "",
    ),
    Bug(
        "what is taken of the volume is there again with every quote",
        STREET,
        "brings_more = volume > 0 or known is None or known.has_sizes",
        "brings_more = True",
    ),
    Bug(
        "shares of the volume in broken steps",
        STREET,
        "share // self._step * self._step",
        "share",
    ),
    Bug(
        "impact without a cap",
        IMPACT,
        "return max(price, min(exact,",
        "return max(price, max(exact,",
    ),
    Bug(
        "impact grows in proportion",
        IMPACT,
        "impact_percent * taken * taken",
        "impact_percent * taken * volume",
    ),
    Bug(
        "impact is that of this order alone",
        STREET,
        "taken=self._bought if order.side is _BUY else self._sold,",
        "taken=order.leaves,",
    ),
    Bug(
        "impact goes beyond the limit",
        STREET,
        "return found if bound is None or is_within(found, bound, order.side) else bound",
        "return found",
    ),
    Bug(
        "the guard of another profile",
        REALISM,
        "profile = PROFILES[Realism(name)]\n    max_age = max(profile.max_age,",
        "profile = PROFILES[Realism(name)]\n    max_age = max(REALISTIC.max_age,",
    ),
    Bug(
        "latency is ignored",
        STREET,
        "return order.starts_at is None or self.quote.as_of >= order.starts_at",
        "return True",
    ),
    Bug(
        "an order on its way can be met",
        MARKET,
        "return self._was_on_its_way(order) or not self._may_rest(order)",
        "return not self._may_rest(order)",
    ),
    Bug(
        "an order on its way crosses the book at a restart",
        MARKET,
        "elif order.triggered or self._was_on_its_way(order):",
        "elif order.triggered:",
    ),
    Bug(
        "an order that arrives stands behind those that came later",
        MARKET,
        "if order.triggered or self._was_on_its_way(order):\n            self._book.insert(order)",
        "if order.triggered:\n            self._book.insert(order)",
    ),
    Bug(
        "a stop fires on a print too old for its profile",
        MARKET,
        "            if not self._street.serves(order):\n"
        "                self._triggers.add(order)\n"
        "                continue\n",
        "",
    ),
    Bug(
        "a trail moves on a print too old for its profile",
        MARKET,
        "stops.trail(last, self._street.serves)",
        "stops.trail(last)",
    ),
    Bug(
        "fired stops are worked on a quote too old for them",
        WAITING,
        "for order in self.fired.values() if heeds(order)]",
        "for order in self.fired.values()]",
    ),
    Bug(
        "a waiting market order is met on a stale quote",
        MARKET,
        "return (maker for maker in takers if self._street.serves(maker))",
        "return takers",
    ),
    Bug(
        "bid and ask of another profile",
        STREET,
        "self._views.get(profile.name)",
        "next(iter(self._views.values()), None)",
    ),
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_naive_market_catches(bug):
    with pytest.raises((AssertionError, LookupError, ValueError)):
        check_matching(Sandbox(bug.planted()))
