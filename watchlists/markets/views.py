"""Markets on a page: a search, what moves, and when the exchanges trade."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bengi import clock
from bengi.access import PageRequest, signed_in
from instruments.calendar import MICS, NAMES
from instruments.movers import market_at
from instruments.selectors import instruments_matching
from watchlists.forms import SEARCH_LENGTH_MAX
from watchlists.lists.chosen import choose, counted_lists
from watchlists.markets.page import found_lines, market_context, venues
from watchlists.selectors import symbols_of

FOUND_MAX = 20


@require_GET
@signed_in
def markets(request: PageRequest) -> HttpResponse:
    """Show what moves, of one exchange or of all; with a text what it finds, first."""
    now = clock.now()
    text = request.GET.get("q", "").strip()[:SEARCH_LENGTH_MAX]
    mic = request.GET.get("mic", "")
    mic = mic if mic in MICS else ""
    watchlist = choose(counted_lists(request.user), request.session)
    context = market_context(market_at(now, mic or None), now)
    found = found_lines(list(instruments_matching(text, FOUND_MAX)), now) if text else []
    context["quotes"] += [line.facts for line in found]
    context |= {
        "place": "markets",
        "text": text,
        "found": found,
        "mic": mic,
        "mic_name": NAMES.get(mic, ""),
        "venues": venues(now),
        "now": now,
        "watchlist": watchlist,
        "watched": symbols_of(watchlist),
    }
    return render(request, "instruments/markets.html", context)
