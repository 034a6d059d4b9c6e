"""Trades as their owner may see them, the story of an order, what staff see of corrections."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from bengi.errors import NotFound
from bengi.events.models import Event
from bengi.events.selectors import events_about
from bengi.listing import in_days
from bengi.terms import OrderType
from orders.models import Order
from trades.models import Trade, TradeCorrection

STORY_BEGINNING, STORY_END = 30, 60
"""How many events of a long story are read; the timeline tells fewer of each."""

TRAILED = "order.trailed"
OF_TRADES = ("trade.executed", "trade.busted")


def trades_of(user: User) -> QuerySet[Trade]:
    """Return the user's trades, newest first, with their instruments and busts."""
    found = Trade.objects.filter(account__user=user)
    return found.select_related("instrument", "busted_by").order_by("-exec_id")


def trades_where(user: User, query: Mapping[str, Any]) -> QuerySet[Trade]:
    """Return those of the user's trades for which everything holds that a TradesInput has read."""
    found = trades_of(user)
    if query["symbol"] is not None:
        found = found.filter(instrument__symbol=query["symbol"].upper())
    for name in ("account", "portfolio", "side", "order"):
        if query[name] is not None:
            found = found.filter(**{name: query[name]})
    return in_days(found, "executed_at", query)


def standing_trades() -> QuerySet[Trade]:
    """Return the trades that count: neither busts nor what they took back."""
    return Trade.objects.filter(busts=None, busted_by=None)


def trade_of(user: User, exec_id: UUID) -> Trade:
    """Return a trade of the user's. Raises NotFound for an absent one and for others'."""
    trade = trades_of(user).filter(exec_id=exec_id).first()
    if trade is None:
        raise NotFound
    return trade


class Story(NamedTuple):
    """An order's events, oldest first, and how many of its middle were not read.

    moves: how many moves of its trailing stop there are; the first and the latest are in events.
    """

    events: list[Event]
    events_unread: int
    moves: int


def story_of(order: Order) -> Story:
    """Return what happened to an order: all of it, or the beginning and the end of a long story.

    Its trades' own events tell nothing that the order's do not. One statement, three more for a
    trailing stop, two for a story longer than STORY_BEGINNING + STORY_END.
    """
    about = events_about(order.id).exclude(type__in=OF_TRADES)
    told = about.exclude(type=TRAILED)
    events = list(told[: STORY_BEGINNING + STORY_END])
    unread = 0
    if len(events) == STORY_BEGINNING + STORY_END:
        unread = told.count() - len(events)
        newest = told.order_by("-seq")[:STORY_END]
        events = [*events[:STORY_BEGINNING], *reversed(newest)]
    moves = 0
    if order.type == OrderType.TRAILING_STOP:
        moved = about.filter(type=TRAILED)
        moves = moved.count()
        ends = {event.seq: event for event in (moved.first(), moved.last()) if event is not None}
        events = sorted([*events, *ends.values()], key=lambda event: event.seq)
    return Story(events, unread, moves)


def corrections(outcome: str | None = None) -> QuerySet[TradeCorrection]:
    """Return what staff have asked to be corrected, newest first; of one outcome when named."""
    found = TradeCorrection.objects.order_by("-id")
    return found if outcome is None else found.filter(outcome=outcome)
