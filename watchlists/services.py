"""Watchlists are kept, and alerts are set, one user at a time."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.services import lock_user
from bengi.bus import ALERTS, get_bus
from bengi.errors import Conflict, Malformed, NotFound, Refused
from bengi.events.services import append
from bengi.realtime.publish import publish
from bengi.terms import AlertKind
from instruments.corporate_actions import splits_known
from instruments.models import Instrument
from instruments.selectors import instruments_by_symbol, latest_quotes, sayable
from watchlists.models import PriceAlert, Watchlist, WatchlistItem
from watchlists.payloads import alert_event
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
def rename_watchlist(watchlist_id: UUID, user: User, name: str) -> Watchlist:
    """Call a list of the user's name. Raises NotFound, Conflict name_taken."""
    lock_user(user)
    watchlist = watchlist_of(user, watchlist_id)
    others = Watchlist.objects.filter(user=user).exclude(id=watchlist_id)
    _check_name(name, list(others.values_list("name", flat=True)))
    watchlist.name = name
    watchlist.save(update_fields=["name"])
    return watchlist


@transaction.atomic
def move_symbol(watchlist_id: UUID, user: User, symbol: str, by: int) -> None:
    """Move a symbol of a list of the user's by so many places, as far as the list goes.

    Raises NotFound, also where it is not in it.
    """
    lock_user(user)
    symbols = _symbols(watchlist_of(user, watchlist_id))
    if symbol not in symbols:
        raise NotFound
    add_symbol(watchlist_id, user, symbol, max(symbols.index(symbol) + by, 0))


@transaction.atomic
def place_symbol(watchlist_id: UUID, user: User, symbol: str, place: int | None) -> None:
    """Bring a symbol of a list of the user's to a place; beyond the end, or None, is the end.

    Raises NotFound, also where it is not in it.
    """
    lock_user(user)
    symbols = _symbols(watchlist_of(user, watchlist_id))
    if symbol not in symbols:
        raise NotFound
    add_symbol(watchlist_id, user, symbol, len(symbols) if place is None else place)


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
    items = WatchlistItem.objects.filter(
        watchlist=watchlist, instrument__symbol=sayable(symbol).upper()
    )
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

    Raises Refused unknown_symbol, limit_reached, unsupported_combination without a feed, or
    alert_is_due where the price is there already: above what is asked to be told of, or below it.
    """
    lock_user(user)
    waiting = PriceAlert.objects.filter(user=user, fired_at__isnull=True).count()
    if waiting >= ALERTS_MAX:
        detail = f"At most {ALERTS_MAX} alerts can wait."
        raise Refused("limit_reached", detail, limit=ALERTS_MAX)
    (instrument,) = listed([symbol])
    if not instrument.has_feed:
        detail = f"{instrument.symbol} has no market feed whose prints could meet an alert."
        raise Refused("unsupported_combination", detail, field="symbol")
    last = _last(instrument, now)
    _check_not_due(kind, price, last)
    alert = PriceAlert.objects.create(
        user=user,
        instrument=instrument,
        kind=kind,
        price=price,
        percent=percent,
        reference_price=last,
        note=note,
        created_at=now,
        armed_at=now,
    )
    _tell(alert, "set", now)
    return alert


@transaction.atomic
def change_alert(
    alert_id: UUID,
    user: User,
    *,
    price: Decimal | None = None,
    percent: Decimal | None = None,
    note: str | None = None,
    now: datetime,
) -> PriceAlert:
    """Change an alert of the user's that has not fired; None leaves it as it is.

    Another price is compared with the last print anew, and with those from now on. Raises
    NotFound, Conflict already_fired, Malformed for what its kind does not take, Refused
    alert_is_due.
    """
    lock_user(user)
    alert = alert_of(user, alert_id)
    if alert.fired_at is not None:
        raise Conflict("already_fired", "The alert has fired; set another one.")
    _check_terms(AlertKind(alert.kind), price, percent)
    if price is not None:
        alert.price, alert.reference_price = price, _last(alert.instrument, now)
        _check_not_due(AlertKind(alert.kind), price, alert.reference_price)
    if percent is not None:
        alert.percent = percent
    if price is not None or percent is not None:
        alert.armed_at = now
    if note is not None:
        alert.note = note
    alert.save(update_fields=["price", "percent", "reference_price", "armed_at", "note"])
    _tell(alert, "changed", now)
    return alert


@transaction.atomic
def delete_alert(alert_id: UUID, user: User, *, now: datetime) -> None:
    """Take an alert of the user's away. Raises NotFound."""
    lock_user(user)
    alert = alert_of(user, alert_id)
    _tell(alert, "deleted", now)
    alert.delete()


def _tell(alert: PriceAlert, what: str, now: datetime) -> None:
    """Append the event; after the commit let streams and whoever watches prices look again."""
    heads = append([alert_event(alert, what, now)])
    instrument_id = str(alert.instrument_id)
    transaction.on_commit(lambda: publish(heads), robust=True)
    transaction.on_commit(lambda: get_bus().publish(ALERTS, instrument_id), robust=True)


def _last(instrument: Instrument, now: datetime) -> Decimal | None:
    """Return the last print, None where there is none since the instrument's last split."""
    tick = latest_quotes([instrument]).get(instrument.symbol)
    if tick is None:
        return None
    splits = splits_known(since=tick.as_of, instrument_ids=[instrument.id])
    is_old = any(tick.as_of < split.effective_at <= now for split in splits)
    return None if is_old else tick.last


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


def _symbols(watchlist: Watchlist) -> list[str]:
    return [item.instrument.symbol for item in watchlist.items.all()]


def _fill(watchlist: Watchlist, instruments: Sequence[Instrument]) -> None:
    WatchlistItem.objects.bulk_create(
        WatchlistItem(watchlist=watchlist, instrument=instrument, position=place)
        for place, instrument in enumerate(instruments)
    )
