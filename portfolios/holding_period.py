"""How long shares have been held, in days of the exchange they were bought on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from instruments.calendar import session_date
from portfolios.lots import is_long_term
from portfolios.models import Lot


@dataclass(frozen=True, slots=True)
class HoldingPeriod:
    """Days between purchase and sale, and whether they make a long-term gain."""

    days: int
    term: Literal["short", "long"]

    @classmethod
    def of(cls, lot: Lot, until: datetime) -> Self:
        """Return how long the lot's shares had been held at a moment; the instrument is loaded."""
        mic = lot.instrument.mic
        opened_on, closed_on = session_date(mic, lot.opened_at), session_date(mic, until)
        term: Literal["short", "long"] = "long" if is_long_term(opened_on, closed_on) else "short"
        return cls((closed_on - opened_on).days, term)
