"""Alerts and prints for tests."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import UserFactory
from bengi.terms import AlertKind
from instruments.quotes import Tick
from instruments.tests.factories import QUOTED_AT, InstrumentFactory
from watchlists.models import PriceAlert


class PriceAlertFactory(DjangoModelFactory[PriceAlert]):
    user = factory.SubFactory(UserFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    kind = AlertKind.ABOVE
    price = Decimal(110)
    created_at = QUOTED_AT
    armed_at = factory.SelfAttribute("created_at")

    class Meta:
        model = PriceAlert


def print_of(
    instrument: Any, last: str | None, as_of: datetime = QUOTED_AT, **changed: Any
) -> Tick:
    """Return a tick of a trade at last, of an instrument or of a made-up one."""
    price = None if last is None else Decimal(last)
    values: dict[str, Any] = {
        "symbol": getattr(instrument, "symbol", "ABC"),
        "instrument_id": str(getattr(instrument, "id", instrument)),
        "shard": 0,
        **dict.fromkeys(("bid", "ask", "day_open", "day_high", "day_low")),
        **dict.fromkeys(("bid_size", "ask_size", "last_size", "volume"), Decimal(0)),
        "last": price,
        "previous_close": Decimal(100),
        "as_of": as_of,
        "source": "test",
        "is_new_print": price is not None,
    }
    return Tick(**values | changed)
