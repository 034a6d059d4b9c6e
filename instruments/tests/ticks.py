"""Instruments and ticks for tests: small and plain; what matters is said in the test."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from instruments.models import Instrument
from instruments.quotes import Tick
from instruments.tests.factories import InstrumentFactory

D = Decimal
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def after(seconds: int, milliseconds: int = 0) -> datetime:
    """Return noon plus so much."""
    return NOON + timedelta(seconds=seconds, milliseconds=milliseconds)


def make_tick(instrument: Instrument | None = None, **fields: Any) -> Tick:
    """Return a sane tick at noon: 100.00 by 100.10, the last trade 100 shares at 100.05."""
    values: dict[str, Any] = {
        "symbol": instrument.symbol if instrument else "ACME",
        "instrument_id": str(instrument.id) if instrument else "acme",
        "shard": 0,
        "bid": D("100.00"),
        "ask": D("100.10"),
        "bid_size": D(300),
        "ask_size": D(200),
        "last": D("100.05"),
        "last_size": D(100),
        "volume": D(1000),
        "day_open": None,
        "day_high": None,
        "day_low": None,
        "previous_close": None,
        "as_of": NOON,
        "source": "test",
    }
    return Tick(**{**values, **fields})


def make_instrument(symbol: str = "ACME", **fields: Any) -> Instrument:
    return InstrumentFactory.create(symbol=symbol, **fields)
