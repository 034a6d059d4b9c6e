"""What the engine decided in one batch, before any of it is written."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from trades.matching.outcomes import Outcome


class SeenQuote(msgspec.Struct, frozen=True):
    """The market's quote at the time of a decision."""

    bid: Decimal | None
    ask: Decimal | None
    as_of: datetime | None


class Decision(msgspec.Struct, frozen=True):
    """One line of the matcher's answer, with the moment and the quote it was decided on."""

    account_id: UUID
    outcome: Outcome
    decided_at: datetime
    seen: SeenQuote
    priority: int | None = None
