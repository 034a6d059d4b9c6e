"""What the page of watchlists shows: one list with quotes, and the others to turn to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count

from accounts.models import User
from instruments.lines import Line, lines_of
from instruments.selectors import latest_quotes
from watchlists.models import PriceAlert, Watchlist
from watchlists.services import SYMBOLS_MAX, WATCHLISTS_MAX


@dataclass(frozen=True, slots=True)
class Row:
    """One symbol of a list. waiting: how many of its owner's alerts wait for it."""

    line: Line
    waiting: int
    is_first: bool
    is_last: bool


def list_context(
    user: User, lists: list[Watchlist], watchlist: Watchlist | None, now: datetime
) -> dict[str, Any]:
    """Return what the page shows of lists, of which watchlist is open."""
    rows = [] if watchlist is None else _rows(user, watchlist, now)
    return {
        "place": "watchlists",
        "lists": lists,
        "watchlist": watchlist,
        "rows": rows,
        "quotes": [row.line.facts for row in rows],
        "is_full": len(rows) >= SYMBOLS_MAX,
        "may_add_list": len(lists) < WATCHLISTS_MAX,
        "lists_max": WATCHLISTS_MAX,
    }


def _rows(user: User, watchlist: Watchlist, now: datetime) -> list[Row]:
    items = watchlist.items.select_related("instrument").order_by("position", "id")
    instruments = [item.instrument for item in items]
    waiting = _waiting(user, [instrument.id for instrument in instruments])
    lines = lines_of(instruments, latest_quotes(instruments, now), now)
    last = len(lines) - 1
    return [
        Row(line, waiting.get(line.instrument.id, 0), is_first=at == 0, is_last=at == last)
        for at, line in enumerate(lines)
    ]


def _waiting(user: User, instrument_ids: list[UUID]) -> dict[UUID, int]:
    found = PriceAlert.objects.filter(
        user=user, fired_at__isnull=True, instrument_id__in=instrument_ids
    )
    counts = found.order_by().values_list("instrument_id").annotate(count=Count("id"))
    return dict(counts)
