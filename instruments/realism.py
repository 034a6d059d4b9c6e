"""What the market offers to whom: the realism profiles, each a small frozen value.

Pure. Nothing is drawn by chance: the same orders and the same market give the same fills.
docs/trading-rules.md has the table, docs/adr/0017 why it is so; trades/matching does what it says.
"""

from datetime import timedelta
from enum import Enum
from functools import lru_cache

import msgspec

from bengi.terms import Realism

NO_TIME = timedelta(0)


class Touch(Enum):
    """What a resting limit order gets when the market comes to its price and no further."""

    FILLS = "all it wants"
    AFTER_QUEUE = "after the queue ahead of it has traded"
    NEVER = "nothing: the market has to trade through it"


class Profile(msgspec.Struct, frozen=True):
    """How the street trades with the orders of an account.

    max_age: an older quote decides nothing. latency: how long an order is on its way; the first
    quote after that works it. touch: see there. is_unlimited: any size is there, and taking it
    leaves the sizes of others alone. Where the feed shows no sizes there are volume_percent of what
    traded last, and taking them moves the price by impact_percent (the c of trades/matching/
    impact.py, times 100). Where it quotes no prices they stand spread_factor half-spreads around
    the last print.
    """

    name: Realism
    max_age: timedelta
    touch: Touch
    volume_percent: int
    impact_percent: int
    spread_factor: int
    latency: timedelta = NO_TIME
    is_unlimited: bool = False


INSTANT = Profile(
    name=Realism.INSTANT,
    max_age=timedelta(seconds=60),
    touch=Touch.FILLS,
    volume_percent=0,
    impact_percent=0,
    spread_factor=0,
    is_unlimited=True,
)
REALISTIC = Profile(
    name=Realism.REALISTIC,
    max_age=timedelta(seconds=15),
    touch=Touch.AFTER_QUEUE,
    volume_percent=10,
    impact_percent=10,
    spread_factor=1,
)
HARSH = Profile(
    name=Realism.HARSH,
    max_age=timedelta(seconds=5),
    touch=Touch.NEVER,
    volume_percent=5,
    impact_percent=20,
    spread_factor=2,
    latency=timedelta(milliseconds=250),
)
PROFILES = {profile.name: profile for profile in (INSTANT, REALISTIC, HARSH)}


@lru_cache(maxsize=64)
def profile_of(name: str, guard_s_min: int = 0) -> Profile:
    """Return a profile by its name. Raises ValueError for another word.

    guard_s_min: no guard is shorter than this, for a market whose clock runs faster than ours.
    """
    profile = PROFILES[Realism(name)]
    max_age = max(profile.max_age, timedelta(seconds=guard_s_min))
    return msgspec.structs.replace(profile, max_age=max_age)
