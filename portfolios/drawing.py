"""The equity curve as a drawing that needs no script: points in a box, and words for it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

BOX = (1000, 280)
_MARGIN = 12


@dataclass(frozen=True, slots=True)
class Curve:
    """line: the points of a polyline; area: the same, closed along the bottom; beside: another."""

    line: str
    area: str
    beside: str


def draw_curve(values: Sequence[Decimal], beside: Sequence[Decimal | None]) -> Curve | None:
    """Fit values, and those beside them, oldest first, into BOX; None for fewer than two."""
    if len(values) < 2:
        return None
    known = [*values, *(value for value in beside if value is not None)]
    low, high = min(known), max(known)
    width, height = BOX
    step = Decimal(width) / (len(values) - 1)

    def point(place: int, value: Decimal) -> str:
        share = (high - value) / (high - low) if high > low else Decimal("0.5")
        return f"{step * place:.1f},{_MARGIN + share * (height - 2 * _MARGIN):.1f}"

    line = " ".join(point(place, value) for place, value in enumerate(values))
    other = [point(place, each) for place, each in enumerate(beside) if each is not None]
    area = f"0,{height} {line} {width},{height}"
    return Curve(line, area, " ".join(other) if len(other) > 1 else "")
