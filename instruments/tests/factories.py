"""Instruments, quotes and bars for tests."""

from datetime import UTC, datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from bengi.terms import InstrumentType
from instruments.models import Bar, Instrument, Quote

QUOTED_AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


class InstrumentFactory(DjangoModelFactory[Instrument]):
    symbol = factory.Sequence("SYM{}".format)
    name = factory.LazyAttribute(lambda made: f"{made.symbol} Incorporated")
    mic = "XNAS"
    type = InstrumentType.STOCK
    currency = "USD"
    tick_size = Decimal("0.01")

    class Meta:
        model = Instrument


class QuoteFactory(DjangoModelFactory[Quote]):
    instrument = factory.SubFactory(InstrumentFactory)
    bid = Decimal("99.98")
    ask = Decimal("100.02")
    bid_size = Decimal(300)
    ask_size = Decimal(200)
    last = Decimal("100.00")
    day_open = Decimal("99.00")
    day_high = Decimal("101.00")
    day_low = Decimal("98.50")
    day_volume = Decimal(12_000)
    previous_close = Decimal("98.00")
    as_of = QUOTED_AT
    source = "test"

    class Meta:
        model = Quote


class BarFactory(DjangoModelFactory[Bar]):
    instrument = factory.SubFactory(InstrumentFactory)
    interval = "1min"
    starts_at = QUOTED_AT
    open = Decimal("100.00")
    high = Decimal("100.50")
    low = Decimal("99.50")
    close = Decimal("100.25")
    volume = Decimal(1_000)

    class Meta:
        model = Bar
