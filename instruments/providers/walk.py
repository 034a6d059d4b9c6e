"""The seeded random walk behind the simulated market: whole numbers only, same seed, same prices.

A level is a price in millionths of a tick. Each step moves it by one draw in proportion to itself;
what step n draws depends on the seed's text and on n alone, never on a clock or on the process.
Quiet and busy hours differ in how many steps pass between two ticks.
"""

from datetime import datetime
from decimal import Decimal
from math import isqrt
from random import Random

from instruments.calendar import Session

LEVELS_PER_TICK = 1_000_000
CADENCE_MS = 2_000
"""Mean time between two ticks of one instrument."""

STEPS_PER_DAY = 75_000
"""Steps that a day's move is made of: the mean of a session of 6.5 hours (39 000 steps, 3.33 a
tick) and of the UTC day of a market that never closes (144 000), so that both look alike."""

OVERNIGHT_STEPS = 8_000
"""What a closed night is worth: an opening gap of about a third of a day's move."""

_DAILY_MOVE_BPS = {"calm": 80, "normal": 130, "lively": 220, "wild": 320}
_MOVE_DIVISOR = 256 * 1_000_000_000
_LEVEL_MIN = 10 * LEVELS_PER_TICK


class Walk:
    """One instrument's level, moving step by step."""

    def __init__(self, seed: str, level: int, volatility: str) -> None:
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose, guards nothing
        self._step_ppb = step_ppb(volatility)
        self.level = level
        self.steps = 0

    def advance(self, steps: int) -> None:
        """Move on by so many steps."""
        for _ in range(steps):
            self.level = moved(self.level, self._step_ppb, noise(self._random))
        self.steps += steps

    def rescale(self, numerator: int, denominator: int) -> None:
        """Go on from another level: what the market is counted in has changed."""
        self.level = max(_LEVEL_MIN, self.level * numerator // denominator)


def step_ppb(volatility: str) -> int:
    """Return the standard deviation of one step, in billionths of the price."""
    return _DAILY_MOVE_BPS[volatility] * 100_000 // isqrt(STEPS_PER_DAY)


def noise(random: Random) -> int:
    """Draw from a bell of mean 0, standard deviation 256 and bounds of 765: three even dice."""
    bits = random.getrandbits(24)
    return 2 * ((bits & 255) + (bits >> 8 & 255) + (bits >> 16)) - 765


def moved(level: int, ppb: int, draw: int) -> int:
    """Return level moved by draw / 256 times ppb billionths of itself; never below ten ticks."""
    return max(_LEVEL_MIN, level + level * ppb * draw // _MOVE_DIVISOR)


def level_of(price: Decimal, tick_size: Decimal) -> int:
    """Return price as a level."""
    return int(price / tick_size * LEVELS_PER_TICK)


def busyness(session: Session, moment: datetime) -> int:
    """Return the steps between two ticks: 6 at the open and the close, 2 in the middle.

    The U of intraday volume and volatility. Source: Jain and Joh, 1988.
    """
    thousandths = (moment - session.opens_at) * 1000 // (session.closes_at - session.opens_at)
    return 2 + (thousandths - 500) ** 2 * 16 // 1_000_000
