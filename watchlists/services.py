"""Watchlists are kept, and alerts are set, one user at a time."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import lock_user
from bengi.errors import Conflict, Malformed, NotFound, Refused
from bengi.terms import AlertKind
from instruments.models import Instrument
from instruments.selectors import instruments_by_symbol, latest_quotes
from watchlists.models import PriceAlert, Watchlist, WatchlistItem
from watchlists.selectors import alert_of, listed, watchlist_of

FIRST_SYMBOLS = [
    "AAPL", "NVDA", "MSFT", "AMZN", "JPM", "XOM", "KO", "SPY", "ASML", "7203", "BTCUSD", "BNGI",
]  # fmt: skip
WATCHLISTS_MAX = 50
SYMBOLS_MAX = 200
"""Symbols of one list."""
ALERTS_MAX = 200
"""Alerts of one user that have not fired."""


def create_first_watchlist(user: User) -> Watchlist:
    """Give the user a list to start with: what of FIRST_SYMBOLS is listed, in that order."""
    watchlist = Watchlist.objects.create(user=user, name="Core")
    rows = instruments_by_symbol(FIRST_SYMBOLS)
    _fill(watchlist, [rows[symbol] for symbol in FIRST_SYMBOLS if symbol in rows])
    return watchlist


@transaction.atomic
def create_watchlist(user: User, name: str, symbols: Sequence[str]) -> Watchlist:
    """Add a list of the user's with symbols in their order.

    Raises Conflict name_taken, Refused limit_reached or unknown_symbol.
    """
    lock_user(user)
    names = list(Watchlist.objects.filter(user=user).values_list("name", flat=True))
    _check_name(name, names)
    if len(names) >= WATCHLISTS_MAX:
        detail = f"At most {WATCHLISTS_MAX} lists."
        raise Refused("limit_reached", detail, limit=WATCHLISTS_MAX)
    instruments = listed(symbols)
    watchlist = Watchlist.objects.create(user=user, name=name)
    _fill(watchlist, instruments)
    return watchlist_of(user, watchlist.id)


@transaction.atomic
def write_watchlist(watchlist_id: UUID, user: User, name: str, symbols: Sequence[str]) -> Watchlist:
    """Make a list of the user's be called name and hold symbols, in their order.

    Raises NotFound, Conflict name_taken, Refused unknown_symbol.
    """
    lock_user(user)
    watchlist = watchlist_of(user, watchlist_id)
    others = Watchlist.objects.filter(user=user).exclude(id=watchlist_id)
    _check_name(name, list(others.values_list("name", flat=True)))
    instruments = listed(symbols)
    watchlist.name = name
    watchlist.save(update_fields=["name"])
    WatchlistItem.objects.filter(watchlist=watchlist).delete()
    _fill(watchlist, instruments)
    return watchlist_of(user, watchlist_id)


@transaction.atomic
def delete_watchlist(watchlist_id: UUID, user: User) -> None:
    """Take a list of the user's away. Raises NotFound."""
    lock_user(user)
    watchlist_of(user, watchlist_id).delete()


@transaction.atomic
def add_symbol(watchlist_id: UUID, user: User, symbol: str, place: int | None) -> Watchlist:
    """Put a symbol into a list of the user's, at a place counted from 0 or at the end.

    A symbol that is there already is moved, or, without a place, left where it is. Raises NotFound,
    Refused unknown_symbol or limit_reached.
    """
    lock_user(user)
    watchlist = watchlist_of(user, watchlist_id)
    (instrument,) = listed([symbol])
    items = list(watchlist.items.all())
    known = next((item for item in items if item.instrument_id == instrument.id), None)
    if known is not None and place is None:
        return watchlist
    if known is None and len(items) >= SYMBOLS_MAX:
        detail = f"A list has {SYMBOLS_MAX} symbols at most."
        raise Refused("limit_reached", detail, field="symbol", limit=SYMBOLS_MAX)
    item = known or WatchlistItem(watchlist=watchlist, instrument=instrument)
    others = [each for each in items if each is not known]
    others.insert(len(others) if place is None else place, item)
    if known is None:
        item.save()
    for number, each in enumerate(others):
        each.position = number
    WatchlistItem.objects.bulk_update(others, ["position"])
    return watchlist_of(user, watchlist_id)


@transaction.atomic
def remove_symbol(watchlist_id: UUID, user: User, symbol: str) -> None:
    """Take a symbol out of a list of the user's. Raises NotFound, also where it is not in it."""
    lock_user(user)
    watchlist = watchlist_of(user, watchlist_id)
    items = WatchlistItem.objects.filter(watchlist=watchlist, instrument__symbol=symbol.upper())
    removed, _ = items.delete()
    if not removed:
        raise NotFound


@transaction.atomic
def set_alert(
    user: User,
    symbol: str,
    kind: AlertKind,
    *,
    price: Decimal | None,
    percent: Decimal | None,
    note: str,
    now: datetime,
) -> PriceAlert:
    """Set an alert, with the last print as what later ones are compared with.

    Raises Refused unknown_symbol, limit_reached, or alert_is_due where the price is there already:
    above what is asked to be told of, or below it.
    """
    lock_user(user)
    waiting = PriceAlert.objects.filter(user=user, fired_at__isnull=True).count()
    if waiting >= ALERTS_MAX:
        detail = f"At most {ALERTS_MAX} alerts can wait."
        raise Refused("limit_reached", detail, limit=ALERTS_MAX)
    (instrument,) = listed([symbol])
    last = _last(instrument)
    _check_not_due(kind, price, last)
    return PriceAlert.objects.create(
        user=user,
        instrument=instrument,
        kind=kind,
        price=price,
        percent=percent,
        reference_price=last,
        note=note,
        created_at=now,
    )


@transaction.atomic
def change_alert(
    alert_id: UUID,
    user: User,
    *,
    price: Decimal | None = None,
    percent: Decimal | None = None,
    note: str | None = None,
) -> PriceAlert:
    """Change an alert of the user's that has not fired; None leaves it as it is.

    Another price is compared with the last print anew. Raises NotFound, Conflict already_fired,
    Malformed for what its kind does not take, Refused alert_is_due.
    """
    lock_user(user)
    alert = alert_of(user, alert_id)
    if alert.fired_at is not None:
        raise Conflict("already_fired", "The alert has fired; set another one.")
    _check_terms(AlertKind(alert.kind), price, percent)
    if price is not None:
        alert.price, alert.reference_price = price, _last(alert.instrument)
        _check_not_due(AlertKind(alert.kind), price, alert.reference_price)
    if percent is not None:
        alert.percent = percent
    if note is not None:
        alert.note = note
    alert.save(update_fields=["price", "percent", "reference_price", "note"])
    return alert


@transaction.atomic
def delete_alert(alert_id: UUID, user: User) -> None:
    """Take an alert of the user's away. Raises NotFound."""
    lock_user(user)
    alert_of(user, alert_id).delete()


def _last(instrument: Instrument) -> Decimal | None:
    tick = latest_quotes([instrument]).get(instrument.symbol)
    return None if tick is None else tick.last


def _check_not_due(kind: AlertKind, price: Decimal | None, last: Decimal | None) -> None:
    if price is None or last is None:
        return
    is_due = last >= price if kind is AlertKind.ABOVE else last <= price
    if is_due and kind in {AlertKind.ABOVE, AlertKind.BELOW}:
        detail = f"The last price is {kind} that, or at it, already."
        raise Refused("alert_is_due", detail, field="price", last=last, price=price)


def _check_terms(kind: AlertKind, price: Decimal | None, percent: Decimal | None) -> None:
    if kind is AlertKind.PERCENT_CHANGE and price is not None:
        detail = "A change takes a percent and no price."
        raise Malformed("unexpected_price", detail, field="price")
    if kind is not AlertKind.PERCENT_CHANGE and percent is not None:
        raise Malformed("invalid_field", "Only a change takes a percent.", field="percent")


def _check_name(name: str, names: Sequence[str]) -> None:
    if name in names:
        raise Conflict("name_taken", "There is a list of this name.", field="name")


def _fill(watchlist: Watchlist, instruments: Sequence[Instrument]) -> None:
    WatchlistItem.objects.bulk_create(
        WatchlistItem(watchlist=watchlist, instrument=instrument, position=place)
        for place, instrument in enumerate(instruments)
    )
