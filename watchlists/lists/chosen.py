"""Which of somebody's lists the pages show: the one last chosen, kept in the session."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from django.db.models import Count

from accounts.models import User
from watchlists.models import Watchlist

KEY = "watchlist"


def counted_lists(user: User) -> list[Watchlist]:
    """Return the user's lists, oldest first, each with its size: how many symbols. One query."""
    return list(Watchlist.objects.filter(user=user).order_by("id").annotate(size=Count("items")))


def choose(
    lists: Sequence[Watchlist], session: MutableMapping[str, Any], wanted: str = ""
) -> Watchlist | None:
    """Return the list to show: the wanted one, which is kept, else the one kept, else the first.

    None where there are no lists. What is wanted and is not one of lists counts for nothing.
    """
    by_id = {str(each.id): each for each in lists}
    if wanted in by_id and session.get(KEY) != wanted:
        session[KEY] = wanted
    key = wanted if wanted in by_id else session.get(KEY, "")
    return by_id.get(key) or next(iter(lists), None)
