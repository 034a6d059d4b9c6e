"""What equity is made of: shares of a whole, grouped and ordered. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bengi.money import ZERO

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
        before = sums.get(piece.key, ZERO)
        known = before is not None and piece.amount is not None
        sums[piece.key] = before + piece.amount if known else None  # type: ignore[operator]
    whole = _whole(list(sums.values()))
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


def _whole(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if len(known) == len(amounts) else None
