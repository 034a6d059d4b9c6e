"""What a limit is, and what asking one answers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Rate(NamedTuple):
    """At most so many in any stretch of so many seconds."""

    limit: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted together, under every one of its rates."""

    name: str
    rates: tuple[Rate, ...]

    @property
    def longest_s(self) -> int:
        return max(rate.window_s for rate in self.rates)


class Count(NamedTuple):
    """Where one rate stands after it was asked."""

    used: int
    wait_s: float
    """Until there is room for what was asked, 0 where there is."""
    reset_s: float
    """Until the whole limit is free again, if nothing more comes."""


class Store(Protocol):
    """Keeps the moments of what was let through. Every method is atomic."""

    def take(self, key: str, rates: Sequence[Rate], cost: int, ticket: str) -> list[Count]:
        """Note cost entries under ticket if every rate has room, else none; tell where they are."""

    def take_all(
        self, asked: Sequence[tuple[str, str]], rates: Sequence[Rate], cost: int
    ) -> list[list[Count]]:
        """Do what take() does for each key and ticket, in order; one key may stand there twice."""

    def give_back(self, key: str, ticket: str) -> None:
        """Forget what was noted under ticket."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may go on, and the numbers of the rate that is nearest to its end.

    limit is 0 where nothing is limited.
    """

    allowed: bool
    limit: int = 0
    left: int = 0
    reset_s: int = 0
    retry_after_s: int = 0
    key: str = ""
    ticket: str = ""


OPEN = Verdict(allowed=True)


def verdict_of(rates: Sequence[Rate], counts: Sequence[Count], key: str, ticket: str) -> Verdict:
    """Sum the counts up: the tightest rate speaks for all, the longest wait is the one to keep."""
    wait_s = max(count.wait_s for count in counts)
    both = zip(rates, counts, strict=True)
    left, reset_s, rate = min(
        (max(0, rate.limit - count.used), -math.ceil(count.reset_s), rate) for rate, count in both
    )
    return Verdict(
        allowed=wait_s <= 0,
        limit=rate.limit,
        left=left,
        reset_s=-reset_s,
        retry_after_s=max(1, math.ceil(wait_s)) if wait_s > 0 else 0,
        key=key,
        ticket=ticket,
    )
