"""Trades as their owner may see them."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from bengi.errors import NotFound
from trades.models import Trade


def trades_of(user: User) -> QuerySet[Trade]:
    """Return the user's trades, newest first, with their instruments."""
    found = Trade.objects.filter(account__user=user)
    return found.select_related("instrument").order_by("-exec_id")


def trade_of(user: User, exec_id: UUID) -> Trade:
    """Return a trade of the user's. Raises NotFound for an absent one and for others'."""
    trade = trades_of(user).filter(exec_id=exec_id).first()
    if trade is None:
        raise NotFound
    return trade
