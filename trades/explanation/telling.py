"""What goes into a sentence, and what comes out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from trades.explanation.subject import Step, Subject

Tone = Literal["state", "fill", "skip", "warn"]
"""How a line of the timeline is marked: a ring, a disc, a dash, a diamond."""

By = Literal["customer", "engine", "clock", "staff"]
"""Who made it happen: whoever owns the order, the market and its rules, the time, the house."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing an order's events tell: a step, the seq of its event, the order after that event.

    order is the order's payload (orders/payloads.py). is_bare: the event came without steps, so the
    step says no more than that it happened.
    """

    step: Step
    seq: int
    order: Mapping[str, Any]
    is_bare: bool = False

    @property
    def limit(self) -> Decimal | None:
        """The order's limit at that time."""
        limit = self.order.get("limit_price")
        return None if limit is None else Decimal(limit)


class Words(NamedTuple):
    """A line of the timeline: title, one plain sentence or two, the gist at its end."""

    title: str
    text: str
    aside: str = ""
    tone: Tone = "state"
    by: By = "engine"


Telling = Callable[[Told, Subject], Words]
