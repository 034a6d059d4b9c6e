"""Quotes for an engine that no tick reaches: looked for in the table, where the feed puts them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.db.models import Exists, OuterRef

from instruments.models import Quote
from instruments.quotes import Tick
from instruments.selectors import stored_ticks
from orders.models import Order


class QuoteLook:
    """Tells a shard's quotes as ticks, each once. For one thread."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._told: dict[str, datetime] = {}

    def newer(self) -> Sequence[Tick]:
        """Return the quotes that were stored since the last call, of instruments with open orders.

        They are what the market offers from their as_of on. When their last was printed nobody
        knows, so it is no new print: stops wait until ticks come again. One statement.
        """
        is_open = Order.objects.filter(instrument=OuterRef("instrument"), closed_at__isnull=True)
        rows = Quote.objects.filter(Exists(is_open), instrument__shard=self._shard)
        found = [tick for tick in stored_ticks(rows) if self._is_newer(tick)]
        self._told |= {tick.instrument_id: tick.as_of for tick in found}
        return [msgspec.structs.replace(tick, is_new_quote=True) for tick in found]

    def _is_newer(self, tick: Tick) -> bool:
        told = self._told.get(tick.instrument_id)
        return told is None or tick.as_of > told
