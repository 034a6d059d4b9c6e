"""Watchlists that come with an account."""

from accounts.models import User
from instruments.models import Instrument
from watchlists.models import Watchlist, WatchlistItem

FIRST_SYMBOLS = [
    "AAPL", "NVDA", "MSFT", "AMZN", "JPM", "XOM", "KO", "SPY", "ASML", "7203", "BTCUSD", "BNGI",
]  # fmt: skip


def create_first_watchlist(user: User) -> Watchlist:
    """Give the user a list to start with: what of FIRST_SYMBOLS is listed, in that order."""
    watchlist = Watchlist.objects.create(user=user, name="Core")
    listed = {i.symbol: i for i in Instrument.objects.filter(symbol__in=FIRST_SYMBOLS)}
    WatchlistItem.objects.bulk_create(
        WatchlistItem(watchlist=watchlist, instrument=listed[symbol], position=place)
        for place, symbol in enumerate(symbol for symbol in FIRST_SYMBOLS if symbol in listed)
    )
    return watchlist
