"""Quotes for an engine that no tick reaches: looked for in the table, where the feed puts them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from instruments.models import Quote
from instruments.quotes import Tick
from instruments.selectors import stored_ticks


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
        rows = Quote.objects.filter(
            instrument__shard=self._shard, instrument__orders__closed_at__isnull=True
        )
        found = [tick for tick in stored_ticks(rows.distinct()) if self._is_newer(tick)]
        self._told |= {tick.instrument_id: tick.as_of for tick in found}
        return [msgspec.structs.replace(tick, is_new_quote=True) for tick in found]

    def _is_newer(self, tick: Tick) -> bool:
        told = self._told.get(tick.instrument_id)
        return told is None or tick.as_of > told
