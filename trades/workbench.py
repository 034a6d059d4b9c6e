"""Everything the trade page shows around one instrument, read once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from bengi.money import plain
from bengi.terms import OrderType
from instruments.calendar import ALWAYS_OPEN
from instruments.lines import hours_words, lines_of
from instruments.models import Instrument
from instruments.selectors import latest_quotes
from orders.depth import Depth, depth_of, ladder_of
from orders.desk import quotes_of
from orders.models import Order
from orders.payloads import moment
from orders.replacing import may_be_replaced
from orders.selectors import orders_of
from portfolios.bar import Bar, read_bar
from trades.models import Trade
from trades.selectors import trades_of
from watchlists.models import Watchlist

TABS = ("positions", "orders", "fills")
ROWS_MAX = 50
MARKS_MAX = 100
ENDED_SPAN = timedelta(days=1)

CITIES = {
    "XNAS": "New York",
    "XLON": "London",
    "XETR": "Frankfurt",
    "XAMS": "Amsterdam",
    "XTKS": "Tokyo",
    "XHKG": "Hong Kong",
    ALWAYS_OPEN: "House venue",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange and whether it trades, in words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Panels:
    """The tabs below the chart and what is drawn on it: everything that an event changes."""

    bar: Bar
    tab: str
    rows: list[Any]
    open_orders: list[Order]
    depth: Depth
    facts: dict[str, Any]

    @property
    def context(self) -> dict[str, Any]:
        return {
            "bar": self.bar,
            "tab": self.tab,
            "holdings": self.bar.all_holdings,
            "open_count": len(self.open_orders),
            "facts": self.facts,
            self.tab if self.tab != "fills" else "trades": self.rows,
        }


def panels_of(user: User, instrument: Instrument, wanted: str, now: datetime) -> Panels:
    """Read the panels of the trade page of one instrument.

    The marks of its fills are left out; fill_marks() has them.
    """
    bar = read_bar(user, now)
    tab = wanted if wanted in TABS else TABS[0]
    recent = list(
        orders_of(user)
        .filter(Q(closed_at__isnull=True) | Q(closed_at__gte=now - ENDED_SPAN))
        .select_related("instrument", "replaces")[: 2 * ROWS_MAX]
    )
    open_orders = [order for order in recent if order.is_open]
    ended = [order for order in recent if not order.is_open]
    rows: dict[str, Any] = {
        "positions": lambda: bar.all_holdings,
        "orders": lambda: [*open_orders, *ended][:ROWS_MAX],
        "fills": lambda: list(trades_of(user)[:ROWS_MAX]),
    }
    depth = depth_of(instrument, user)
    facts = _facts(instrument, open_orders, depth)
    return Panels(bar, tab, rows[tab](), open_orders, depth, facts)


def workbench(
    user: User,
    instrument: Instrument,
    panels: Panels,
    now: datetime,
    *,
    lists: Sequence[Watchlist],
    watchlist: Watchlist | None,
) -> dict[str, Any]:
    """Return the trade page's context, the ticket aside; watchlist is one of lists, or None."""
    watched = _watched(watchlist)
    shown = _once([instrument, *watched, *(held.instrument for held in panels.bar.all_holdings)])
    lines = {line.symbol: line for line in lines_of(shown, quotes_of(shown, now), now)}
    line = lines[instrument.symbol]
    return {
        "line": line,
        "portfolio": next(iter(panels.bar.portfolios), None),
        "lists": lists,
        "watchlist": watchlist,
        "watched": [lines[i.symbol] for i in watched],
        "ladder": ladder_of(panels.depth, line.tick),
        "exchanges": _exchanges(now),
        "quotes": [one.facts for one in lines.values()],
        **panels.context,
    }


def fill_marks(user: User, instrument: Instrument) -> list[dict[str, str | None]]:
    """Return the user's newest fills of an instrument as the chart marks them; one statement."""
    fills = trades_of(user).filter(instrument=instrument, busts=None, busted_by=None)
    return [_fill_mark(trade) for trade in fills[:MARKS_MAX]]


def first_symbol(watchlist: Watchlist | None) -> str:
    """Return where the trade page begins: the first of the watchlist that has a price, else any."""
    watched = _watched(watchlist)
    quotes = latest_quotes(watched)
    quoted = [instrument for instrument in watched if instrument.symbol in quotes]
    found = next(iter(quoted or watched), None) or Instrument.objects.order_by("symbol").first()
    return found.symbol if found else ""


def quotes_context(user: User, instrument: Instrument, panels: Panels, now: datetime) -> list[Any]:
    """Return the facts of what may be on the page by now: the holdings and the instrument."""
    shown = _once([instrument, *(held.instrument for held in panels.bar.all_holdings)])
    return [line.facts for line in lines_of(shown, quotes_of(shown, now), now)]


def _watched(watchlist: Watchlist | None) -> list[Instrument]:
    if watchlist is None:
        return []
    return [item.instrument for item in watchlist.items.select_related("instrument")]


def _once(instruments: Iterable[Instrument]) -> list[Instrument]:
    return list({instrument.symbol: instrument for instrument in instruments}.values())


def _exchanges(now: datetime) -> list[Exchange]:
    """Say which exchanges trade; nothing where all of them always do."""
    if settings.MARKET_HOURS == "always":
        return []
    return [Exchange(name, hours_words(mic, now)) for mic, name in CITIES.items()]


def _facts(instrument: Instrument, open_orders: list[Order], depth: Depth) -> dict[str, Any]:
    """Return what the script draws of this user's and instrument's: decimals as strings."""
    here = [order for order in open_orders if order.instrument_id == instrument.id]
    return {
        "orders": [line for order in here for line in _order_lines(order)],
        "book": depth.facts,
    }


def _order_lines(order: Order) -> list[dict[str, str]]:
    """Return an order as the chart draws it: a line for each price it names.

    None at market, and for a trail that waits. field is what dragging the line changes, "" for a
    line that cannot be dragged: a trail moves by itself, and what has been asked for stands still.
    """
    prices = {"limit_price": order.limit_price, "stop_price": order.stop_price}
    if order.triggered_at is not None:
        del prices["stop_price"]
    may = may_be_replaced(order)
    stands = order.type == OrderType.TRAILING_STOP or not may
    return [
        {
            "side": order.side,
            "type": "stop" if field == "stop_price" else order.type,
            "quantity": plain(order.leaves_quantity),
            "price": plain(price),
            "field": "" if stands else field,
            "url": reverse("order_replace" if may else "order", args=[order.id]),
        }
        for field, price in prices.items()
        if price is not None
    ]


def _fill_mark(trade: Trade) -> dict[str, str | None]:
    return {
        "side": trade.side,
        "quantity": plain(trade.quantity),
        "price": plain(trade.price),
        "at": moment(trade.executed_at),
    }
