"""What equity is made of: shares of a whole, grouped and ordered. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bengi.money import ZERO, sum_or_none

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Piece:
    """An amount in the base currency, None where it is not known, and what it is counted as."""

    key: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Part:
    """All pieces of one key: amount and percent of the whole; both None where one is not known."""

    key: str
    amount: Decimal | None
    percent: Decimal | None


def parts_of(pieces: Iterable[Piece]) -> list[Part]:
    """Return the parts that pieces make, the greatest first; unknown ones come last.

    The amounts sum to that of the pieces. A part of an unknown whole, or of zero, has no percent.
    """
    sums: dict[str, Decimal | None] = {}
    for piece in pieces:
        sums[piece.key] = sum_or_none([sums.get(piece.key, ZERO), piece.amount])
    whole = sum_or_none(sums.values())
    parts = [
        Part(key, amount, amount / whole * _HUNDRED if whole and amount is not None else None)
        for key, amount in sums.items()
    ]
    return sorted(parts, key=lambda part: (part.amount is None, -(part.amount or ZERO), part.key))


def folded(parts: Sequence[Part], count: int, rest: str) -> list[Part]:
    """Return at most count parts: the smallest ones of more are put together under the name rest.

    Nothing is put together while one of them is not known.
    """
    if len(parts) <= count or any(part.amount is None for part in parts):
        return list(parts)
    kept, others = parts[: count - 1], parts[count - 1 :]
    amount = sum((part.amount or ZERO for part in others), ZERO)
    shares = [part.percent for part in others if part.percent is not None]
    return [*kept, Part(rest, amount, sum(shares, ZERO) if shares else None)]
