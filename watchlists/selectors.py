"""Watchlists and alerts as their owner may see them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from bengi.errors import NotFound, Refused
from bengi.terms import AlertKind
from instruments.models import Instrument
from instruments.selectors import instruments_by_symbol
from watchlists.conditions import Terms
from watchlists.models import PriceAlert, Watchlist, WatchlistItem
from watchlists.waiting import Waiting


def watchlists_of(user: User) -> QuerySet[Watchlist]:
    """Return the user's lists, oldest first, with their instruments in order."""
    items = WatchlistItem.objects.select_related("instrument").order_by("position", "id")
    found = Watchlist.objects.filter(user=user).order_by("id")
    return found.prefetch_related(Prefetch("items", items))


def watchlist_of(user: User, watchlist_id: UUID) -> Watchlist:
    """Return a list of the user's. Raises NotFound for an absent one and for others'."""
    watchlist = watchlists_of(user).filter(id=watchlist_id).first()
    if watchlist is None:
        raise NotFound
    return watchlist


def symbols_of(watchlist: Watchlist | None) -> set[str]:
    """Return the symbols of a list; none of none."""
    items = WatchlistItem.objects.filter(watchlist=watchlist)
    return set() if watchlist is None else set(items.values_list("instrument__symbol", flat=True))


def alerts_of(user: User) -> QuerySet[PriceAlert]:
    """Return the user's alerts, newest first, with their instruments."""
    found = PriceAlert.objects.filter(user=user)
    return found.select_related("instrument").order_by("-id")


def alert_of(user: User, alert_id: UUID) -> PriceAlert:
    """Return an alert of the user's. Raises NotFound for an absent one and for others'."""
    alert = alerts_of(user).filter(id=alert_id).first()
    if alert is None:
        raise NotFound
    return alert


def waiting_alerts(instrument_ids: Iterable[str] | None = None) -> list[Waiting]:
    """Return everybody's alerts that have not fired, of some instruments or of all. One query."""
    found = PriceAlert.objects.filter(fired_at__isnull=True)
    if instrument_ids is not None:
        found = found.filter(instrument_id__in=set(instrument_ids))
    return [_waiting(*row) for row in found.order_by("id").values_list(*_COLUMNS)]


_COLUMNS = ("id", "instrument_id", *Terms.__struct_fields__)


def _waiting(alert_id: UUID, instrument_id: UUID, kind: str, *terms: Any) -> Waiting:
    return Waiting(alert_id, str(instrument_id), Terms(AlertKind(kind), *terms))


def listed(symbols: Iterable[str]) -> list[Instrument]:
    """Return the instruments of symbols in any case, in their order; one with a feed comes first.

    Raises Refused unknown_symbol with every symbol that there is none of. One statement.
    """
    wanted = [symbol.upper() for symbol in symbols]
    found = instruments_by_symbol(wanted)
    absent = [symbol for symbol in wanted if symbol not in found]
    if absent:
        detail = f"There is no instrument {', '.join(absent[:10])}."
        raise Refused("unknown_symbol", detail, field="symbols", symbols=absent)
    return [found[symbol] for symbol in wanted]
